import type { Bucket } from '../bucket.ts';
import { type Checksum, declaredChecksum } from '../checksums.ts';
import { checkWrite } from '../conditions.ts';
import { emptyReply, type Reply } from '../reply.ts';
import type { RequestBody } from '../request-body.ts';
import { S3Error } from '../s3-error.ts';
import type { Headers } from '../s3-request.ts';
import type { Context } from '../service.ts';
import { newObject } from '../stored-object.ts';
import { checkKey, readAttributes } from '../write-attributes.ts';
import { requestBucket, requestKey } from './find-object.ts';
import { checksumHeaders, writeHeaders } from './object-headers.ts';

export function putObject(context: Context): Reply {
  const { request, body, service } = context;
  const bucket = requestBucket(context);
  const key = requestKey(context);
  checkKey(key);
  requireLength(request.headers);
  requireChecksum(bucket, context, 'Object');
  const attributes = readAttributes(request.headers);
  checkWrite(bucket.get(key), request.headers, key);
  const sent = {
    content: body.content,
    md5: body.md5.toString('hex'),
    checksum: bodyChecksum(request.headers, body),
  };
  const object = bucket.put(newObject({ key, attributes, ...sent, nowMs: service.settings.now() }));
  return emptyReply(200, { etag: object.etag, ...checksumHeaders(object.checksum), ...writeHeaders(object) });
}

/** The checksum that came with a body, already verified. */
export function bodyChecksum(headers: Headers, body: RequestBody): Checksum | undefined {
  const declared = declaredChecksum({ ...headers, ...body.trailers });
  return declared === undefined ? undefined : { ...declared, type: 'FULL_OBJECT' };
}

/** @throws {S3Error} InvalidRequest for a write without a checksum into a bucket with default retention */
export function requireChecksum(
  bucket: Bucket,
  { request: { headers }, body }: Context,
  what: 'Object' | 'Part',
): void {
  if (!bucket.objectLock || 'content-md5' in headers) return;
  if (declaredChecksum({ ...headers, ...body.trailers }) !== undefined) return;
  const message = `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${what} requests with Object Lock parameters`;
  throw new S3Error('InvalidRequest', { message });
}

/** @throws {S3Error} MissingContentLength for a body that is just `transfer-encoding: chunked` */
export function requireLength(headers: Headers): void {
  const length = headers['x-amz-decoded-content-length'] ?? headers['content-length'];
  if (length === undefined && headers['transfer-encoding'] !== undefined) throw new S3Error('MissingContentLength');
}
