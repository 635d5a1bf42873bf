import type { Bucket } from '../bucket.ts';
import { S3Error } from '../s3-error.ts';

/** @throws {S3Error} AccessDenied if the bucket doesn't belong to the account that the client expects */
export function checkOwner(bucket: Bucket, expected: string | undefined): void {
  if (expected !== undefined && expected !== bucket.owner) throw new S3Error('AccessDenied');
}

/**
 * Redirects a client whose request is signed for another region to the bucket's region.
 *
 * @throws {S3Error} PermanentRedirect
 */
export function checkRegion(bucket: Bucket, signedRegion: string): void {
  if (bucket.region === signedRegion) return;
  throw new S3Error('PermanentRedirect', {
    details: { Endpoint: `${bucket.name}.s3.${bucket.region}.amazonaws.com`, Bucket: bucket.name },
    headers: { 'x-amz-bucket-region': bucket.region },
  });
}
