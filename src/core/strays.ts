import type { Listing } from './listing.ts';
import type { CompleteRecord } from './record.ts';

/** What is listed but not named by the record: left by a writer that had lost the record. */
export interface Strays {
  readonly count: number;
  readonly first: string | undefined;
}

export function straysIn(record: CompleteRecord, listing: Listing): Strays {
  const paths = new Set(listing.keys());
  for (const { path } of record.files) paths.delete(path);
  const [first] = paths;
  return { count: paths.size, first };
}
