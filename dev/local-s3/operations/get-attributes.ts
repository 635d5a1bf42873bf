import type { Checksum } from '../checksums.ts';
import { type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import { checksumOf, type PartSummary, type StoredObject } from '../stored-object.ts';
import { element, leaf, xmlDocument } from '../xml.ts';
import { checksumElements, partChecksumElement } from './checksum-elements.ts';
import { findObject, requestBucket, requestKey } from './find-object.ts';
import { pageSize } from './page-size.ts';

const RENDERERS: Readonly<Record<string, (object: StoredObject, context: Context) => string>> = {
  ETag: (object) => leaf('ETag', object.etag.replaceAll('"', '')),
  Checksum: (object) => element('Checksum', checksumElements(withoutPartCount(checksumOf(object)))),
  ObjectParts: partsElement,
  StorageClass: (object) => leaf('StorageClass', object.headers['x-amz-storage-class'] ?? 'STANDARD'),
  ObjectSize: (object) => leaf('ObjectSize', object.content.sizeBytes),
};

export function getAttributes(context: Context): Reply {
  const { headers, query } = context.request;
  const address = { bucket: requestBucket(context), key: requestKey(context), versionId: query.versionId };
  const object = findObject(context, address);
  const wanted = (headers['x-amz-object-attributes'] ?? '').split(',').map((name) => name.trim());
  if (wanted.some((name) => RENDERERS[name] === undefined)) {
    throw new S3Error('InvalidArgument', { message: 'Invalid attribute name specified.' });
  }
  // In the order of S3's documentation, whatever the order in the request.
  const elements = Object.entries(RENDERERS).map(([name, render]) =>
    wanted.includes(name) ? render(object, context) : '',
  );
  const version = object.versionId === undefined ? {} : { 'x-amz-version-id': object.versionId };
  const modified = { 'last-modified': object.lastModified.toUTCString() };
  return xmlReply(xmlDocument('GetObjectAttributesResponse', ...elements), { ...modified, ...version });
}

function partsElement({ parts, checksum }: StoredObject, { request }: Context): string {
  if (parts === undefined) return '';
  // Parts are only listed if they have checksums of their own.
  if (checksum?.type !== 'COMPOSITE') return element('ObjectParts', leaf('PartsCount', parts.length));
  const mostParts = pageSize(request.headers, 'x-amz-max-parts');
  const marker = Number(request.headers['x-amz-part-number-marker'] ?? 0);
  const after = parts.filter((part) => part.number > marker);
  const page = after.slice(0, mostParts);
  return element(
    'ObjectParts',
    leaf('PartsCount', parts.length),
    leaf('PartNumberMarker', marker),
    leaf('NextPartNumberMarker', page.at(-1)?.number ?? 0),
    leaf('MaxParts', mostParts),
    leaf('IsTruncated', after.length > page.length),
    ...page.map(partElement),
  );
}

function partElement({ number, sizeBytes, checksum }: PartSummary): string {
  return element('Part', leaf('PartNumber', number), leaf('Size', sizeBytes), partChecksumElement(checksum));
}

/** Unlike HEAD, this operation returns a composite checksum without the number of parts. */
function withoutPartCount(checksum: Checksum): Checksum {
  return { ...checksum, value: checksum.value.replace(/-\d+$/, '') };
}
