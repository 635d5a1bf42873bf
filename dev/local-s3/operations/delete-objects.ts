import type { Bucket, Deletion } from '../bucket.ts';
import { matchesEtag, preconditionFailed } from '../conditions.ts';
import { authorize } from '../permissions.ts';
import { emptyReply, type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import { childrenOf, childText, element, leaf, parseXml, type XmlNode, xmlDocument } from '../xml.ts';
import { requestBucket, requestKey } from './find-object.ts';

const MOST_KEYS = 1000;

interface DeleteRequest {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
}

/** Deleting a missing object succeeds, as in S3. */
export function deleteObject(context: Context): Reply {
  const { query, headers } = context.request;
  const wanted = { key: requestKey(context), versionId: query.versionId, etag: headers['if-match'] };
  const { versionId, deleteMarker } = deleteOne(requestBucket(context), wanted);
  return emptyReply(204, {
    ...(versionId === undefined ? {} : { 'x-amz-version-id': versionId }),
    ...(deleteMarker === undefined ? {} : { 'x-amz-delete-marker': String(deleteMarker) }),
  });
}

export function deleteObjects(context: Context): Reply {
  const { headers } = context.request;
  const document = parseXml(context.body.content.text());
  const wanted = childrenOf(document, 'Object').map(readWanted);
  if (wanted.length === 0 || wanted.length > MOST_KEYS) throw new S3Error('MalformedXML');
  if (!('content-md5' in headers) && context.body.checksums.size === 0) {
    throw new S3Error('InvalidRequest', { message: 'Missing required header for this request: Content-MD5' });
  }
  const quiet = childText(document, 'Quiet') === 'true';
  const results = wanted.map((item) => resultOf(context, item, quiet));
  return xmlReply(xmlDocument('DeleteResult', ...results));
}

function readWanted(node: XmlNode): DeleteRequest {
  const key = childText(node, 'Key');
  if (key === undefined || key === '') throw new S3Error('MalformedXML');
  return { key, versionId: childText(node, 'VersionId'), etag: childText(node, 'ETag') };
}

function resultOf(context: Context, wanted: DeleteRequest, quiet: boolean): string {
  const { key } = wanted;
  try {
    authorize(context, 's3:DeleteObject', { bucket: context.request.bucket, key });
    const { versionId, deleteMarker } = deleteOne(requestBucket(context), wanted);
    if (quiet) return '';
    const marker = leaf('DeleteMarker', deleteMarker) + leaf('DeleteMarkerVersionId', deleteMarker && versionId);
    return element('Deleted', leaf('Key', key), leaf('VersionId', wanted.versionId), marker);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return element('Error', leaf('Key', key), leaf('Code', error.code), leaf('Message', error.message));
  }
}

function deleteOne(bucket: Bucket, { key, versionId, etag }: DeleteRequest): Deletion {
  const current = bucket.get(key);
  if (etag !== undefined && (current === undefined || !matchesEtag(etag, current)))
    throw preconditionFailed('If-Match');
  if (versionId === undefined) return bucket.delete(key);
  if (bucket.versioning !== undefined || versionId === 'null') return bucket.deleteVersion(key, versionId);
  throw new S3Error('NoSuchVersion', { details: { Key: key, VersionId: versionId } });
}
