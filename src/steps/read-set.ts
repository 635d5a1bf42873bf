import type { SetLocation } from '../core/keys.ts';
import type { ListedAsset, Listing } from '../core/listing.ts';
import { type AssetRecord, parseRecord } from '../core/record.ts';
import type { ObjectStore, StoredDocument } from '../ports.ts';

/** A record as it was read: what it says, and what is needed to replace it or to judge its age. */
export interface ReadRecord {
  readonly record: AssetRecord;
  readonly body: string;
  readonly etag: string;
  /** Time since it was written, by the server's clock alone. */
  readonly ageMs: number;
}

/**
 * Lists a set's assets, however many pages that takes. Folder placeholders (keys that end in `/`, as consoles
 * make them) are no assets.
 */
export async function readListing(store: ObjectStore, location: SetLocation): Promise<Listing> {
  const listing = new Map<string, ListedAsset>();
  for await (const page of store.list(location.prefix)) {
    for (const { key, sizeBytes, etag } of page) {
      if (!key.endsWith('/')) listing.set(key.slice(location.prefix.length), { sizeBytes, etag });
    }
  }
  return listing;
}

/** @returns the set's record, or undefined when the store says that there is none */
export async function readRecord(store: ObjectStore, location: SetLocation): Promise<ReadRecord | undefined> {
  const document = await store.readDocument(location.recordKey);
  return document === undefined ? undefined : dated(document, `s3://${store.bucket}/${location.recordKey}`);
}

function dated(document: StoredDocument, where: string): ReadRecord {
  const body = Buffer.from(document.body).toString('utf8');
  return {
    record: parseRecord(body, where),
    body,
    etag: document.etag,
    ageMs: document.dateMs - document.lastModifiedMs,
  };
}
