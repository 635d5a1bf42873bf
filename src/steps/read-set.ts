import type { SetLocation } from '../core/keys.ts';
import type { ListedAsset, Listing } from '../core/listing.ts';
import { type AssetRecord, parseRecord } from '../core/record.ts';
import type { ListedObject, ObjectStore, StoredDocument } from '../ports.ts';

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

/** Reads a listing to its end. Folder placeholders (keys that end in `/`, as consoles make them) are no assets. */
export async function listed({ prefix }: SetLocation, pages: Pages): Promise<Listed> {
  const listing = new Map<string, ListedAsset>();
  let pageCount = 0;
  for await (const page of pages) {
    pageCount += 1;
    for (const { key, sizeBytes: size, etag, tier } of page)
      if (!key.endsWith('/'))
        listing.set(key.slice(prefix.length), tier === undefined ? { size, etag } : { size, etag, tier });
  }
  return { listing, isPaged: pageCount > 1 };
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
  const record = await (distrust === undefined
    ? parseRecord(body.toString('utf8'), where)
    : parseDistrusted(body, where));
  return { record, distrust, etag, ageMs: dateMs - lastModifiedMs };
}

async function parseDistrusted(body: Buffer, where: string): Promise<AssetRecord> {
  const { parseUnsigned } = await import('../core/parse-unsigned.ts');
  return parseUnsigned(body, where);
}
