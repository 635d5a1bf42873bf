import { MOST_RECORD_BYTES } from '../asset-set/record.ts';
import { StoreError } from '../errors.ts';
import type {
  AssetRead,
  ListedObject,
  ObjectHead,
  ObjectRead,
  ReadResult,
  StorageTier,
  StoredDocument,
} from '../ports.ts';
import { defined, printable, readableSize } from '../text.ts';
import type { Bucket, Operation } from './bucket.ts';
import { causeName, causeStatus, isPreconditionFailure } from './faults.ts';
import { METADATA_HEADER } from './object-headers.ts';
import {
  elementsOf,
  OversizedReplyError,
  type Reply,
  type ReplyHead,
  readXml,
  textOf,
  type XmlElement,
} from './reply.ts';

/** Servers may return empty pages while they scan keys outside the prefix, but not forever. */
const MOST_EMPTY_PAGES = 100;

/**
 * Lists every object under a prefix, page by page.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 *
 * @throws StoreError, also for a listing that would never end
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
    const query = { 'list-type': '2', prefix, 'encoding-type': 'url', ...defined({ 'continuation-token': token }) };
    const request = { method: 'GET', key: '', query } as const;
    const { objects, next } = await bucket.send(operation, request, ({ body }) => pageIn(bucket, operation, body));
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
  /** The token for the next page; undefined after the last one. */
  readonly next: string | undefined;
}

function pageIn(bucket: Bucket, operation: Operation, body: Buffer): ObjectPage {
  const page = readXml(body, 'ListBucketResult');
  const isTruncated = bucket.required(operation, textOf(page, 'IsTruncated'), 'IsTruncated') === 'true';
  const objects = elementsOf(page, 'Contents').map((entry) => listedObject(bucket, operation, { page, entry }));
  // Swift returns no KeyCount.
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
  // Servers that ignore the requested encoding don't return it either.
  const isEncoded = textOf(page, 'EncodingType') === 'url';
  const sizeBytes = bucket.required(operation, sizeOf(textOf(entry, 'Size')), 'a Size');
  return {
    key: isEncoded ? bucket.required(operation, decoded(name), 'a Key that can be decoded') : name,
    sizeBytes,
    etag: bucket.requiredEtag(operation, textOf(entry, 'ETag')),
    ...defined({ tier: tierOf(textOf(entry, 'StorageClass'), sizeBytes) }),
  };
}

const ARCHIVES: ReadonlySet<string | undefined> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** Intelligent-Tiering never archives smaller objects. */
const SMALLEST_TIERED_BYTES = 128 * 1024;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html */
function tierOf(storageClass: string | undefined, sizeBytes: number): StorageTier | undefined {
  if (ARCHIVES.has(storageClass)) return 'archive';
  const isTiered = storageClass === 'INTELLIGENT_TIERING' && sizeBytes >= SMALLEST_TIERED_BYTES;
  return isTiered ? 'intelligent' : undefined;
}

function sizeOf(digits = ''): number | undefined {
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

/** A record and its signature. */
const MOST_BYTES = MOST_RECORD_BYTES + 1024;

/** @returns a whole object; undefined if the store says that there is none */
export function readDocument(bucket: Bucket, key: string, signal = bucket.signal): Promise<StoredDocument | undefined> {
  const limit = `${readableSize(MOST_RECORD_BYTES)}, the limit for records`;
  return readWhole(bucket, { key, mostBytes: MOST_BYTES, limit, signal }, ({ body, headers }, operation) => ({
    body,
    etag: bucket.requiredEtag(operation, headers.etag),
    lastModifiedMs: bucket.required(operation, timeOf(headers['last-modified']), 'Last-Modified'),
    dateMs: bucket.required(operation, timeOf(headers.date), 'a Date'),
  }));
}

/** Like {@link readDocument}. @throws StoreError, also for an object longer than `mostBytes` */
export function readObject(bucket: Bucket, read: ObjectRead): Promise<Buffer | undefined> {
  return readWhole(bucket, { ...read, limit: readableSize(read.mostBytes) }, ({ body }) => body);
}

/** @param limit names `mostBytes` in the error for a longer object */
async function readWhole<Value>(
  bucket: Bucket,
  { key, mostBytes, limit, signal }: ObjectRead & { readonly limit: string },
  read: (reply: Reply, operation: Operation) => Value,
): Promise<Value | undefined> {
  const operation = { verb: 'read', key, action: 's3:GetObject', signal };
  try {
    return await bucket.sendIfThere(operation, { method: 'GET', key, mostBytes }, (reply) => read(reply, operation));
  } catch (cause) {
    if (causeName(cause) !== 'OversizedReplyError') throw cause;
    throw new StoreError(
      'malformed-reply',
      `s3://${bucket.settings.bucket}/${printable(key)} is larger than ${limit}: find out who wrote it, and delete it to start anew`,
      { cause },
    );
  }
}

function ageOf({ date, 'last-modified': lastModified }: ReplyHead['headers']): number | undefined {
  const [dateMs, lastModifiedMs] = [timeOf(date), timeOf(lastModified)];
  return dateMs === undefined || lastModifiedMs === undefined ? undefined : Math.max(dateMs - lastModifiedMs, 0);
}

function timeOf(header: string | undefined): number | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** @returns an object's size and attributes; undefined if the store says that there is none */
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
        // A checksum that ends in `-<number of parts>` is a digest of the parts' digests, not of the object.
        sha256: sha256?.includes('-') ? undefined : sha256,
        isArchived: isArchived(headers) || undefined,
        ageMs: ageOf(headers),
      }),
    };
  });
  return { ...head, sizeBytes: sizeBytes ?? (await sizeByRange(bucket, operation)) };
}

/**
 * Asks again by a GET of one byte: unlike the refusal of a HEAD, its refusal has a body. A 404 without one may come
 * from any proxy.
 *
 * @returns whether the store itself says that the object exists
 * @throws StoreError for every other answer
 */
async function isThere(bucket: Bucket, operation: Operation, refusal: unknown): Promise<boolean> {
  const status = causeStatus(refusal) ?? 0;
  if (status < 300 || status >= 500) throw refusal;
  return (await readFirstByte(bucket, operation, () => true)) ?? false;
}

/** Proxies that compress replies remove the Content-Length of a HEAD. */
async function sizeByRange(bucket: Bucket, operation: Operation): Promise<number> {
  const size = await readFirstByte(bucket, operation, (range = '') => sizeOf(/\/(\d+)$/.exec(range)?.[1]));
  return bucket.required(operation, size, 'Content-Length');
}

/** @returns what `read` makes of the Content-Range; undefined if there is no such object */
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

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
function isArchived(headers: Readonly<Record<string, string>>): boolean {
  return 'x-amz-archive-status' in headers || ARCHIVES.has(headers['x-amz-storage-class']);
}

function metadataIn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith(METADATA_HEADER));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(METADATA_HEADER.length), value]));
}

/** Room for an error document, which is longer than a short range. */
const REFUSAL_BYTES = 64 * 1024;

/** Error codes for an object that is gone or has become shorter. */
const GONE: ReadonlySet<string> = new Set(['NoSuchKey', 'InvalidRange']);

const CHANGED: ReadResult = { outcome: 'changed' };

/**
 * Reads a range of an asset completely.
 *
 * @returns 'changed' if the object is no longer the one asked for
 * @throws StoreError, also if the reply is not the requested range
 */
export async function readAsset(bucket: Bucket, read: AssetRead): Promise<ReadResult> {
  const { key, etag, range, into, onBytes, signal } = read;
  const operation = { verb: 'read', key, action: 's3:GetObject', signal };
  const headers = { 'if-match': etag, ...(isWhole(read) ? {} : { range: `bytes=${firstAndLast(read)}` }) };
  const mostBytes = Math.max(range.lengthBytes, REFUSAL_BYTES);
  const request = { method: 'GET', key, headers, mostBytes, ...defined({ into, onBytes }) } as const;
  try {
    return await bucket.send(operation, request, (reply) =>
      resultOf(bucket, operation, { read, head: reply, body: reply.body }),
    );
  } catch (error) {
    if (error instanceof StoreError && error.cause instanceof OversizedReplyError)
      return resultOf(bucket, operation, { read, head: error.cause.head });
    if (isPreconditionFailure(error) || GONE.has(causeName(error) ?? '')) return CHANGED;
    throw error;
  }
}

interface Answer {
  readonly read: AssetRead;
  readonly head: ReplyHead;
  /** Undefined if it is longer than anything that was asked for. */
  readonly body?: Buffer;
}

function resultOf(bucket: Bucket, operation: Operation, { read, head, body }: Answer): ReadResult {
  const { status, headers } = head;
  const contentRange = headers['content-range'];
  const [, range, totalBytes] = /^bytes (\d+-\d+)\/(\d+)$/.exec(contentRange ?? '') ?? [];
  const isSame = bucket.requiredEtag(operation, headers.etag) === read.etag;
  if (!isSame || (totalBytes !== undefined && Number(totalBytes) !== read.sizeBytes)) return CHANGED;
  const { lengthBytes } = read.range;
  const isObject = isWhole(read) && status === 200;
  const isRange = !isWhole(read) && status === 206 && range === firstAndLast(read);
  if ((isObject || isRange) && body?.length === lengthBytes) return { outcome: 'read', bytes: body };
  if (isObject) return CHANGED;
  const asked = isWhole(read) ? 'the whole object' : `bytes ${firstAndLast(read)}`;
  const answer = contentRange === undefined ? `${status}` : `${status} with '${printable(contentRange)}'`;
  const why = isRange ? `sent ${body?.length ?? 'more'} bytes instead of ${lengthBytes}` : 'ignores Range';
  throw bucket.malformed(operation, `was asked for ${asked} and answered ${answer}: it ${why}`);
}

function isWhole({ range, sizeBytes }: AssetRead): boolean {
  return range.lengthBytes === sizeBytes;
}

function firstAndLast({ range: { position, lengthBytes } }: AssetRead): string {
  return `${position}-${position + lengthBytes - 1}`;
}
