import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import type { ListedObject, StorageTier } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { elementsOf, readXml, textOf, type XmlElement } from './xml.ts';

/** Servers may end a page early, after scanning much that is not asked for, but not for ever. */
const MOST_EMPTY_PAGES = 100;

/**
 * Every object under a prefix, page by page.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 *
 * @throws StoreError also for a listing that goes in circles or nowhere
 */
export async function* list(bucket: Bucket, prefix: string): AsyncGenerator<readonly ListedObject[]> {
  const operation = { verb: 'list', key: prefix, action: 's3:ListBucket', signal: bucket.signal };
  const [keys, tokens] = [new Set<string>(), new Set<string>()];
  const once = (seen: Set<string>, value: string, what: string): void => {
    if (seen.has(value)) throw bucket.malformed(operation, `${what} twice, so its listing would never end`);
    seen.add(value);
  };
  let token: string | undefined;
  let emptyCount = 0;
  do {
    const { objects, next } = await readPage(bucket, operation, token);
    emptyCount = objects.length === 0 ? emptyCount + 1 : 0;
    if (emptyCount > MOST_EMPTY_PAGES)
      throw bucket.malformed(
        operation,
        `gave ${MOST_EMPTY_PAGES} pages without an object, so its listing would never end`,
      );
    for (const { key } of objects) once(keys, key, `listed '${printable(key)}'`);
    if (next !== undefined) once(tokens, next, 'gave a continuation token');
    yield objects;
    token = next;
  } while (token !== undefined);
}

interface ObjectPage {
  readonly objects: readonly ListedObject[];
  /** Continues the listing after it. */
  readonly next: string | undefined;
}

async function readPage(bucket: Bucket, operation: Operation, token: string | undefined): Promise<ObjectPage> {
  const prefix = operation.key;
  const query = { 'list-type': '2', prefix, 'encoding-type': 'url', ...defined({ 'continuation-token': token }) };
  return bucket.send(operation, { method: 'GET', key: '', query }, ({ body }) => pageIn(bucket, operation, body));
}

function pageIn(bucket: Bucket, operation: Operation, body: Buffer): ObjectPage {
  const page = readXml(body, 'ListBucketResult');
  const isTruncated = bucket.required(operation, textOf(page, 'IsTruncated'), 'IsTruncated') === 'true';
  const objects = elementsOf(page, 'Contents').map((entry) => listedObject(bucket, operation, { page, entry }));
  // Swift does not count them.
  const count = textOf(page, 'KeyCount') ?? String(objects.length);
  if (objects.length !== Number(count))
    bucket.required(operation, undefined, `the ${printable(count)} objects it counts`);
  if (!isTruncated) return { objects, next: undefined };
  const next = bucket.required(operation, textOf(page, 'NextContinuationToken'), 'NextContinuationToken');
  return { objects, next };
}

function listedObject(
  bucket: Bucket,
  operation: Operation,
  { page, entry }: { page: XmlElement; entry: XmlElement },
): ListedObject {
  const name = bucket.required(operation, textOf(entry, 'Key'), 'a Key');
  // Some servers ignore the encoding that was asked for, and then do not echo it.
  const isEncoded = textOf(page, 'EncodingType') === 'url';
  const sizeBytes = bucket.required(operation, sizeOf(textOf(entry, 'Size')), 'a Size');
  return {
    key: isEncoded ? bucket.required(operation, decoded(name), 'a Key that can be decoded') : name,
    sizeBytes,
    etag: bucket.requiredEtag(operation, textOf(entry, 'ETag')),
    ...defined({ tier: tierOf(textOf(entry, 'StorageClass'), sizeBytes) }),
  };
}

/** Intelligent-Tiering leaves smaller objects where they can be read at once. */
const SMALLEST_TIERED_BYTES = 128 * 1024;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html */
function tierOf(storageClass: string | undefined, sizeBytes: number): StorageTier | undefined {
  if (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE') return 'archive';
  const isTiered = storageClass === 'INTELLIGENT_TIERING' && sizeBytes >= SMALLEST_TIERED_BYTES;
  return isTiered ? 'intelligent' : undefined;
}

export function sizeOf(digits = ''): number | undefined {
  const size = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
