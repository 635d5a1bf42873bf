import type { Bucket } from './bucket.ts';
import { abort } from './multipart-upload.ts';
import { elementsOf, readXml, textOf } from './xml.ts';

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
    for (const { key, uploadId } of uploads) {
      if (!key?.startsWith(prefix) || uploadId === undefined || aborted.has(uploadId)) continue;
      beforeEach();
      await abort(bucket, { key, uploadId });
      aborted.add(uploadId);
    }
    if (!isTruncated || aborted.size === countBefore) return aborted.size;
  }
}

interface UploadsPage {
  readonly uploads: readonly { readonly key: string | undefined; readonly uploadId: string | undefined }[];
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
  const request = { method: 'GET', key: '', query: { uploads: '', prefix } } as const;
  return bucket.send(operation, request, ({ body }) => {
    const page = readXml(body, 'ListMultipartUploadsResult');
    // An empty reply has none of its fields, and would pass for one that lists nothing.
    const isTruncated = bucket.required(operation, textOf(page, 'IsTruncated'), 'IsTruncated') === 'true';
    const uploads = elementsOf(page, 'Upload').map((upload) => ({
      key: textOf(upload, 'Key'),
      uploadId: textOf(upload, 'UploadId'),
    }));
    return { uploads, isTruncated };
  });
}
