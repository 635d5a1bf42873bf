import { ListMultipartUploadsCommand, type MultipartUpload } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.ts';
import { perform } from './client.ts';
import { abort } from './multipart-upload.ts';

/**
 * Aborts the uploads that are open under a prefix, and says how many there were.
 *
 * What has been aborted is no longer listed, so each page is the first one: a marker between pages would skip uploads of
 * one key, which are sorted by their time but marked by their id.
 */
export async function abortUploads(bucket: Bucket, prefix: string, beforeEach = () => {}): Promise<number> {
  const aborted = new Set<string>();
  for (;;) {
    const { uploads, isTruncated } = await listUploads(bucket, prefix);
    const countBefore = aborted.size;
    for (const { Key: key, UploadId: uploadId } of uploads) {
      if (!key?.startsWith(prefix) || uploadId === undefined || aborted.has(uploadId)) continue;
      beforeEach();
      await abort(bucket, { key, uploadId });
      aborted.add(uploadId);
    }
    if (!isTruncated || aborted.size === countBefore) return aborted.size;
  }
}

interface UploadsPage {
  readonly uploads: readonly MultipartUpload[];
  readonly isTruncated: boolean;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
async function listUploads(bucket: Bucket, prefix: string): Promise<UploadsPage> {
  const operation = {
    verb: 'list the multipart uploads under',
    key: prefix,
    action: 's3:ListBucketMultipartUploads',
    signal: bucket.signal,
  };
  return perform(bucket, operation, async (client) => {
    const command = new ListMultipartUploadsCommand({ ...bucket.address, Prefix: prefix });
    const { Uploads, IsTruncated } = await client.send(command, { abortSignal: operation.signal });
    // An empty reply has none of its fields, and would pass for one that lists nothing.
    return { uploads: Uploads ?? [], isTruncated: bucket.required(operation, IsTruncated, 'IsTruncated') };
  });
}
