import { checkSource } from '../conditions.ts';
import { authorize } from '../permissions.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import { requireReadable, type StoredObject } from '../stored-object.ts';
import { checkOwner } from './bucket-access.ts';
import { findObject } from './find-object.ts';

/** The source of a CopyObject or UploadPartCopy. */
export interface CopySource {
  readonly bucketName: string;
  readonly object: StoredObject;
  /** Only if the request names a version. */
  readonly versionId: string | undefined;
}

/**
 * Finds the source of a copy, `x-amz-copy-source: [/]<bucket>/<key>[?versionId=<id>]` percent-encoded, and checks the
 * conditions on it.
 *
 * @throws {S3Error} InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion, AccessDenied or PreconditionFailed
 */
export function findCopySource(context: Context): CopySource {
  const { headers } = context.request;
  const header = headers['x-amz-copy-source'] ?? '';
  const match = /^\/?([^/]+)\/(.+?)(?:\?versionId=([^?]+))?$/.exec(header);
  const [, rawBucketName, rawKey, versionId] = match ?? [];
  if (rawBucketName === undefined || rawKey === undefined) throw malformed(header);
  const [bucketName, key] = [decode(rawBucketName, header), decode(rawKey, header)];
  authorize(context, 's3:GetObject', { bucket: bucketName, key });
  const bucket = context.service.storage.require(bucketName);
  checkOwner(bucket, headers['x-amz-source-expected-bucket-owner']);
  const object = findObject(context, { bucket, key, versionId });
  checkSource(object, headers);
  requireReadable(object);
  return { bucketName, object, versionId };
}

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed(header);
  }
}

function malformed(header: string): S3Error {
  const message = 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey';
  return new S3Error('InvalidArgument', {
    message,
    details: { ArgumentName: 'x-amz-copy-source', ArgumentValue: header },
  });
}
