import { defined } from '../../core/defined.ts';
import type { ObjectHead } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { METADATA_HEADER } from './object-headers.ts';
import { causeName, causeStatus } from './refusal.ts';

/** @returns what an object is stored with; undefined when the store says that there is none */
export async function head(bucket: Bucket, key: string): Promise<ObjectHead | undefined> {
  const operation = { verb: 'look at', key, action: 's3:GetObject', signal: bucket.signal };
  try {
    return await headOnce(bucket, operation);
  } catch (error) {
    if (!(await isThere(bucket, operation, error))) return undefined;
  }
  return headOnce(bucket, operation);
}

async function headOnce(bucket: Bucket, operation: Operation): Promise<ObjectHead> {
  const asked = { 'x-amz-checksum-mode': 'ENABLED' };
  const { headers } = await bucket.send(operation, { method: 'HEAD', key: operation.key, headers: asked });
  const sha256 = headers['x-amz-checksum-sha256'];
  return {
    sizeBytes: bucket.required(operation, sizeOf(headers['content-length']), 'Content-Length'),
    etag: bucket.requiredEtag(operation, headers.etag),
    metadata: metadataIn(headers),
    ...defined({
      contentType: headers['content-type'],
      cacheControl: headers['cache-control'],
      // That of a multipart upload is a digest of its parts' digests: it ends in their number.
      sha256: sha256?.includes('-') ? undefined : sha256,
      isArchived: isArchived(headers) || undefined,
    }),
  };
}

/**
 * The refusal of a HEAD has no body to say why; that of a GET of one byte has. A 404 alone may be anybody's.
 *
 * @returns whether the object is there by the store's own word
 * @throws StoreError for every other answer
 */
async function isThere(bucket: Bucket, operation: Operation, refusal: unknown): Promise<boolean> {
  const status = causeStatus(refusal) ?? 0;
  if (status < 300 || status >= 500) throw refusal;
  const query = { 'x-id': 'GetObject' };
  const headers = { range: 'bytes=0-0' };
  try {
    const reply = await bucket.sendIfThere(operation, { method: 'GET', key: operation.key, query, headers });
    return reply !== undefined;
  } catch (error) {
    // An empty object has no first byte.
    if (causeName(error) === 'InvalidRange') return true;
    throw error;
  }
}

function sizeOf(digits = ''): number | undefined {
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

const ARCHIVES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
function isArchived(headers: Readonly<Record<string, string>>): boolean {
  return 'x-amz-archive-status' in headers || ARCHIVES.has(headers['x-amz-storage-class'] ?? '');
}

function metadataIn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith(METADATA_HEADER));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(METADATA_HEADER.length), value]));
}
