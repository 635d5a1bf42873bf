import type { Bucket } from '../bucket.ts';
import { authorize } from '../permissions.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import type { StoredObject } from '../stored-object.ts';

/** The bucket of a dispatched request, which therefore exists. */
export function requestBucket({ service, request }: Context): Bucket {
  return service.storage.require(request.bucket);
}

/** The key of a request to an object. */
export function requestKey({ request }: Context): string {
  if (request.key === undefined) throw new S3Error('MethodNotAllowed');
  return request.key;
}

/** The object that a request reads: its own, or the source of a copy. */
export interface ObjectAddress {
  readonly bucket: Bucket;
  readonly key: string;
  readonly versionId: string | undefined;
}

/**
 * Finds an object to read.
 *
 * @throws {S3Error} NoSuchKey or NoSuchVersion; AccessDenied for a missing key if listing isn't allowed, as in AWS:
 *   a client that may not list must not learn which keys exist
 */
export function findObject(context: Context, { bucket, key, versionId }: ObjectAddress): StoredObject {
  const object = versionId === undefined ? bucket.get(key) : bucket.getVersion(key, versionId);
  if (object !== undefined) return object;
  authorize(context, 's3:ListBucket', { bucket: bucket.name, key: undefined });
  if (versionId !== undefined) throw new S3Error('NoSuchVersion', { details: { Key: key, VersionId: versionId } });
  throw new S3Error('NoSuchKey', { details: { Key: key } });
}
