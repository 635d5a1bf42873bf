import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import type { CompleteRecord } from '../core/record.ts';
import { type Strays, straysIn } from '../core/strays.ts';
import { type Disagreement, disagreements } from '../core/verdict.ts';
import type { ObjectStore } from '../ports.ts';
import { listed, type Pages } from './read-set.ts';

/** How what is listed compares with what a record says. */
export interface Comparison {
  /** Whether there were several pages, which may show what never was there together. */
  readonly isPaged: boolean;
  /** What record and listing disagree about, in the record's order; not all, where some is beyond doubt. */
  readonly suspected: readonly Disagreement[];
  /** What was listed; undefined of a set that is too large to have it in memory. */
  readonly listing: Listing | undefined;
  /** What is listed that the record does not name. */
  readonly strays: () => Strays;
}

export interface Comparing {
  readonly location: SetLocation;
  readonly record: CompleteRecord;
  readonly pages: Pages;
}

/** Holds a listing against a record. */
export async function compareListing(store: ObjectStore, comparing: Comparing): Promise<Comparison> {
  const { location, record } = comparing;
  let { pages } = comparing;
  if (!Array.isArray(record.files)) {
    const { comparePages } = await import('./compare-pages.ts');
    const compared = await comparePages(comparing);
    if (compared !== undefined) return compared;
    pages = store.list(location.prefix);
  }
  const { listing, isPaged } = await listed(location, pages);
  return { listing, isPaged, suspected: disagreements(record, listing), strays: () => straysIn(record, listing) };
}
