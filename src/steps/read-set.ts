import type { SetLocation } from '../core/keys.ts';
import { inWordsOf, type ListedAsset, type Listing } from '../core/listing.ts';
import { type AssetFile, type AssetRecord, parseRecord } from '../core/record.ts';
import type { ObjectStore, StoredDocument } from '../ports.ts';

/** From here on, a record parsed in one go takes more memory than all else of a check. */
const LARGE_BYTES = 1024 ** 2;

/** A record as it was read: what it says, and what is needed to replace it or to judge its age. */
export interface ReadRecord {
  readonly record: AssetRecord;
  readonly etag: string;
  /** Time since it was written, by the server's clock alone. */
  readonly ageMs: number;
}

/**
 * Lists a set's assets, however many pages that takes. Folder placeholders (keys that end in `/`, as consoles
 * make them) are no assets.
 *
 * @param expected what most of it will turn out to be, or will be known to be in a moment: saves memory
 */
export async function readListing(
  store: ObjectStore,
  location: SetLocation,
  expected?: AssetRecord | Promise<AssetRecord | undefined>,
): Promise<Listing> {
  let inKnownWords = (listed: AssetFile): AssetFile => listed;
  // Whoever gave the record sees to its failure.
  Promise.resolve(expected).then(
    (record) => {
      if (record?.state === 'complete') inKnownWords = inWordsOf(record.files);
    },
    () => undefined,
  );
  const listing = new Map<string, ListedAsset>();
  let pageCount = 0;
  for await (const page of store.list(location.prefix)) {
    pageCount += 1;
    for (const { key, sizeBytes, etag } of page) {
      if (key.endsWith('/')) continue;
      const asset = inKnownWords({ path: key.slice(location.prefix.length), size: sizeBytes, etag });
      listing.set(asset.path, asset);
    }
  }
  return Object.assign(listing, { isPaged: pageCount > 1 });
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
  { body, etag, dateMs, lastModifiedMs }: StoredDocument,
  where: string,
): Promise<ReadRecord> {
  return { record: await parse(body, where), etag, ageMs: dateMs - lastModifiedMs };
}

async function parse(body: Uint8Array, where: string): Promise<AssetRecord> {
  if (body.length < LARGE_BYTES) return parseRecord(Buffer.from(body).toString('utf8'), where);
  const { parseLargeRecord } = await import('../core/parse-large-record.ts');
  return parseLargeRecord(body, where);
}
