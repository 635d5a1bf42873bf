import type { Listing } from './listing.ts';
import type { CompleteRecord } from './record.ts';

/** Paths that are listed but that the record does not name: left by a writer that had lost the record. */
export function strays(record: CompleteRecord, listing: Listing): string[] {
  const named = new Set(record.files.map((file) => file.path));
  return [...listing.keys()].filter((path) => !named.has(path));
}
