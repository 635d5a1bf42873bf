import { defined } from '../../core/defined.ts';
import type { ObjectHead } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { sizeOf } from './list.ts';
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
  const request = { method: 'HEAD', key: operation.key, headers: { 'x-amz-checksum-mode': 'ENABLED' } } as const;
  const { sizeBytes, ...head } = await bucket.send(operation, request, ({ headers }) => {
    const sha256 = headers['x-amz-checksum-sha256'];
    return {
      sizeBytes: sizeOf(headers['content-length']),
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
  });
  return { ...head, sizeBytes: sizeBytes ?? (await sizeByRange(bucket, operation)) };
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
  return (await readFirstByte(bucket, operation, () => true)) ?? false;
}

/** Proxies that compress replies leave out the length of a HEAD's. */
async function sizeByRange(bucket: Bucket, operation: Operation): Promise<number> {
  const size = await readFirstByte(bucket, operation, (range = '') => sizeOf(/\/(\d+)$/.exec(range)?.[1]));
  return bucket.required(operation, size, 'Content-Length');
}

/** @returns what `read` makes of the Content-Range, where there is such an object */
async function readFirstByte<Value>(
  bucket: Bucket,
  operation: Operation,
  read: (contentRange: string | undefined) => Value,
): Promise<Value | undefined> {
  const request = { method: 'GET', key: operation.key, headers: { range: 'bytes=0-0' } } as const;
  try {
    return await bucket.sendIfThere(operation, request, ({ headers }) => read(headers['content-range']));
  } catch (error) {
    // An empty object has no first byte.
    if (causeName(error) === 'InvalidRange') return read('bytes */0');
    throw error;
  }
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
