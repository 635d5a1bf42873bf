import { type Checksum, fullObjectChecksum, md5OfContent, parseChecksumAlgorithm } from '../checksums.ts';
import { checkWrite } from '../conditions.ts';
import { type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Headers } from '../s3-request.ts';
import type { Context } from '../service.ts';
import { isUnderKms, newObject, type StoredObject } from '../stored-object.ts';
import { checkKey, readCopyAttributes } from '../write-attributes.ts';
import { leaf, xmlDocument } from '../xml.ts';
import { checksumElements } from './checksum-elements.ts';
import { type CopySource, findCopySource } from './copy-source.ts';
import { requestBucket, requestKey } from './find-object.ts';
import { writeHeaders } from './object-headers.ts';

export function copyObject(context: Context): Reply {
  const { request, service } = context;
  const bucket = requestBucket(context);
  const key = requestKey(context);
  checkKey(key);
  const source = findCopySource(context);
  checkSelfCopy(context, source);
  const attributes = readCopyAttributes(request.headers, source.object);
  checkWrite(bucket.get(key), request.headers, key);
  const copied = {
    content: source.object.content,
    md5: copyMd5(source.object),
    checksum: copyChecksum(request.headers, source.object),
  };
  const copy = bucket.put(newObject({ key, attributes, ...copied, nowMs: service.settings.now() }));
  const times = leaf('LastModified', copy.lastModified.toISOString());
  const sourceVersion = source.object.versionId;
  return xmlReply(xmlDocument('CopyObjectResult', times, leaf('ETag', copy.etag), checksumElements(copy.checksum)), {
    ...writeHeaders(copy),
    ...(sourceVersion === undefined ? {} : { 'x-amz-copy-source-version-id': sourceVersion }),
  });
}

/** @throws {S3Error} InvalidRequest for a copy onto itself that changes nothing */
function checkSelfCopy({ request }: Context, { bucketName, object, versionId }: CopySource): void {
  if (bucketName !== request.bucket || object.key !== request.key || versionId !== undefined) return;
  const changes = [
    request.headers['x-amz-metadata-directive'] === 'REPLACE',
    'x-amz-storage-class' in request.headers,
    'x-amz-website-redirect-location' in request.headers,
    'x-amz-server-side-encryption' in request.headers,
    'x-amz-checksum-algorithm' in request.headers,
  ];
  if (changes.includes(true)) return;
  const message =
    'This copy request is illegal because it is trying to copy an object to itself without changing the ' +
    "object's metadata, storage class, website redirect location or encryption attributes.";
  throw new S3Error('InvalidRequest', { message });
}

// A copy is never a multipart object, whatever its source was: its ETag is an MD5, and its checksum that of all bytes.
function copyMd5(source: StoredObject): string {
  const etagIsMd5 = source.parts === undefined && !isUnderKms(source);
  return etagIsMd5 ? source.etag.replaceAll('"', '') : md5OfContent(source.content);
}

function copyChecksum(headers: Headers, source: StoredObject): Checksum | undefined {
  const wanted = headers['x-amz-checksum-algorithm'];
  const algorithm = wanted === undefined ? source.checksum?.algorithm : parseChecksumAlgorithm(wanted);
  if (algorithm === undefined) return undefined;
  const kept = source.checksum?.algorithm === algorithm && source.checksum.type === 'FULL_OBJECT';
  return kept ? source.checksum : fullObjectChecksum(algorithm, source.content);
}
