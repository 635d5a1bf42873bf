import type { SetLocation } from '../core/keys.ts';
import type { ListedAsset, Listing } from '../core/listing.ts';
import { type AssetRecord, parseRecord } from '../core/record.ts';
import type { Bytes, ListedObject, ObjectStore, StoredDocument } from '../ports.ts';

/** From here on, a record parsed in one go takes more memory than all else of a check. */
const LARGE_BYTES = 1024 ** 2;

/** A record as it was read: what it says, and what is needed to replace it or to judge its age. */
export interface ReadRecord {
  readonly record: AssetRecord;
  /** Why it does not count as complete, whatever it says. */
  readonly distrust: string | undefined;
  readonly etag: string;
  /** Time since it was written, by the server's clock alone. */
  readonly ageMs: number;
}

/** A set's listing, as it comes. */
export type Pages = AsyncIterable<readonly ListedObject[]>;

export interface Listed {
  readonly listing: Listing;
  /** Whether it came in several pages, so that it may show what never was there together. */
  readonly isPaged: boolean;
}

/** Has a set's assets in memory, however many pages that takes. */
export async function listed({ prefix }: SetLocation, pages: Pages): Promise<Listed> {
  const listing = new Map<string, ListedAsset>();
  const pageCount = await forEachListed({ prefix, pages }, (path, asset) => listing.set(path, asset));
  return { listing, isPaged: pageCount > 1 };
}

/**
 * Goes through a set's assets as they are listed. Folder placeholders (keys that end in `/`, as consoles make them) are
 * no assets.
 *
 * @returns the number of pages
 */
export async function forEachListed(
  { prefix, pages }: { readonly prefix: string; readonly pages: Pages },
  use: (path: string, asset: ListedAsset) => unknown,
): Promise<number> {
  let pageCount = 0;
  for await (const page of pages) {
    pageCount += 1;
    for (const { key, sizeBytes: size, etag } of page)
      if (!key.endsWith('/')) use(key.slice(prefix.length), { size, etag });
  }
  return pageCount;
}

export async function readListing(store: ObjectStore, location: SetLocation): Promise<Listing> {
  return (await listed(location, store.list(location.prefix))).listing;
}

/** @returns the set's record, or undefined when the store says that there is none */
export async function readRecord(store: ObjectStore, location: SetLocation): Promise<ReadRecord | undefined> {
  const document = await store.readDocument(location.recordKey);
  return document && dated(document, `s3://${store.bucket}/${location.recordKey}`);
}

/**
 * @param where names the place in messages
 * @throws UserError for what is no record
 */
export async function dated(
  { body, distrust, etag, dateMs, lastModifiedMs }: StoredDocument,
  where: string,
): Promise<ReadRecord> {
  const record = await (distrust === undefined ? parseBody(body, where) : parseDistrusted(body, where));
  return { record, distrust, etag, ageMs: dateMs - lastModifiedMs };
}

async function parseDistrusted(body: Bytes, where: string): Promise<AssetRecord> {
  const { parseUnsigned } = await import('../core/parse-unsigned.ts');
  return parseUnsigned(body, where);
}

/** As `parseRecord`, however large it is. */
export async function parseBody(body: Bytes, where: string): Promise<AssetRecord> {
  if (body.length < LARGE_BYTES) return parseRecord(body.toString('utf8'), where);
  const { parseLargeRecord } = await import('../core/parse-large-record.ts');
  return parseLargeRecord(body, where);
}
