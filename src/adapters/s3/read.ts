import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import type { AssetRead, ListedObject, ObjectHead, ReadResult, StoredDocument } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { causeName, causeStatus, isPreconditionFailure } from './refusal.ts';
import { isElement, parseXml, type XmlElement } from './reply.ts';

/** @returns a small object whole; undefined when the store says that there is none */
export async function readDocument(bucket: Bucket, key: string): Promise<StoredDocument | undefined> {
  const operation = { verb: 'read', key, action: 's3:GetObject' };
  const query = { 'x-id': 'GetObject' };
  const reply = await orAbsent(bucket.performLean(operation, { method: 'GET', key, query }));
  if (reply === undefined) return undefined;
  const { etag, date, 'last-modified': lastModified } = reply.headers;
  return {
    body: reply.body,
    etag: bucket.requiredEtag(operation, etag),
    lastModifiedMs: bucket.required(operation, timeOf(lastModified), 'Last-Modified'),
    dateMs: bucket.required(operation, timeOf(date), 'a Date'),
  };
}

/** @returns a range of an asset, read whole; 'changed' where the object is not the one asked for any more */
export async function readAsset(bucket: Bucket, read: AssetRead): Promise<ReadResult> {
  const { key, etag, sizeBytes, range, signal } = read;
  const operation = { verb: 'read', key, action: 's3:GetObject', signal };
  const isWhole = range.lengthBytes === sizeBytes;
  const lastByte = range.position + range.lengthBytes - 1;
  const headers = { 'if-match': etag, ...(isWhole ? {} : { range: `bytes=${range.position}-${lastByte}` }) };
  const query = { 'x-id': 'GetObject' };
  try {
    const reply = await bucket.performLean(operation, { method: 'GET', key, query, headers, signal });
    const { body, headers: told } = reply;
    const isSame = bucket.requiredEtag(operation, told.etag) === etag;
    const isRange =
      reply.status === 206 && told['content-range'] === `bytes ${range.position}-${lastByte}/${sizeBytes}`;
    const isAsked = isWhole ? reply.status === 200 : isRange;
    return isSame && isAsked && body.length === range.lengthBytes
      ? { outcome: 'read', bytes: body }
      : { outcome: 'changed' };
  } catch (error) {
    const name = causeName(error);
    if (isPreconditionFailure(error) || name === 'NoSuchKey' || name === 'InvalidRange') return { outcome: 'changed' };
    throw error;
  }
}

function timeOf(header: string | undefined): number | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** @returns what an object is stored with; undefined when the store says that there is none */
export async function head(bucket: Bucket, key: string): Promise<ObjectHead | undefined> {
  const operation = { verb: 'look at', key, action: 's3:GetObject' };
  try {
    return await headOnce(bucket, operation);
  } catch (error) {
    if (!(await isThere(bucket, operation, error))) return undefined;
  }
  return headOnce(bucket, operation);
}

async function headOnce(bucket: Bucket, operation: Operation): Promise<ObjectHead> {
  const output = await bucket.perform(operation, (client, { HeadObjectCommand }) =>
    client.send(new HeadObjectCommand({ ...bucket.address, Key: operation.key, ChecksumMode: 'ENABLED' })),
  );
  const { ContentType, CacheControl, Metadata, ChecksumSHA256 } = output;
  return {
    sizeBytes: bucket.required(operation, output.ContentLength, 'Content-Length'),
    etag: bucket.requiredEtag(operation, output.ETag),
    metadata: Metadata ?? {},
    ...defined({
      contentType: ContentType,
      cacheControl: CacheControl,
      // That of a multipart upload is a digest of its parts' digests: it ends in their number.
      sha256: ChecksumSHA256?.includes('-') ? undefined : ChecksumSHA256,
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
    const reply = await orAbsent(bucket.performLean(operation, { method: 'GET', key: operation.key, query, headers }));
    return reply !== undefined;
  } catch (error) {
    // An empty object has no first byte.
    if (causeName(error) === 'InvalidRange') return true;
    throw error;
  }
}

async function orAbsent<Output>(reply: Promise<Output>): Promise<Output | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (causeName(error) === 'NoSuchKey') return undefined;
    throw error;
  }
}

/**
 * Every object under a prefix, page by page.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export async function* list(bucket: Bucket, prefix: string): AsyncGenerator<readonly ListedObject[]> {
  const operation = { verb: 'list', key: prefix, action: 's3:ListBucket' };
  let token: string | undefined;
  do {
    const query = { 'list-type': '2', prefix, 'encoding-type': 'url', ...defined({ 'continuation-token': token }) };
    const { body } = await bucket.performLean(operation, { method: 'GET', key: '', query });
    const page = bucket.required(operation, parsePage(body), 'a ListBucketResult');
    const isTruncated = bucket.required(operation, textOf(page, 'IsTruncated'), 'IsTruncated') === 'true';
    const count = bucket.required(operation, textOf(page, 'KeyCount'), 'KeyCount');
    const objects = elementsOf(page, 'Contents').map((entry) => listedObject(bucket, operation, { page, entry }));
    if (objects.length !== Number(count))
      bucket.required(operation, undefined, `the ${printable(count)} objects it counts`);
    yield objects;
    const next = textOf(page, 'NextContinuationToken');
    // The same again would go on for ever.
    const isNew = next !== token;
    token = isTruncated ? bucket.required(operation, isNew ? next : undefined, 'NextContinuationToken') : undefined;
  } while (token !== undefined);
}

function parsePage(body: Uint8Array): XmlElement | undefined {
  try {
    return parseXml(body, 'ListBucketResult');
  } catch {
    // No XML at all: told as a reply without the element that it must have.
    return undefined;
  }
}

function textOf(element: XmlElement, name: string): string | undefined {
  const value = element[name];
  return typeof value === 'string' ? value : undefined;
}

/** An element that occurs once is not a list. */
function elementsOf(element: XmlElement, name: string): XmlElement[] {
  const value = element[name];
  return (Array.isArray(value) ? value : [value]).filter(isElement);
}

function listedObject(
  bucket: Bucket,
  operation: Operation,
  { page, entry }: { page: XmlElement; entry: XmlElement },
): ListedObject {
  const name = bucket.required(operation, textOf(entry, 'Key'), 'a Key');
  // Some servers ignore the encoding that was asked for, and then do not echo it.
  const isEncoded = textOf(page, 'EncodingType') === 'url';
  return {
    key: isEncoded ? bucket.required(operation, decoded(name), 'a Key that can be decoded') : name,
    sizeBytes: bucket.required(operation, sizeOf(textOf(entry, 'Size')), 'a Size'),
    etag: bucket.requiredEtag(operation, textOf(entry, 'ETag')),
  };
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
