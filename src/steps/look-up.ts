import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import { describeWriter } from '../core/record.ts';
import { disagreements, leaseIsLive, type Reader, type Verdict } from '../core/verdict.ts';
import { waitForAll } from '../core/wait-for-all.ts';
import type { Clock, ObjectStore } from '../ports.ts';
import { type ReadRecord, readListing, readRecord } from './read-set.ts';

/** The store's clock is read to whole seconds, twice. */
const CLOCK_GRAIN_MS = 2000;

/** What was read of a set, and what follows from it. */
export interface Finding {
  readonly location: SetLocation;
  readonly verdict: Verdict;
  readonly record: ReadRecord | undefined;
  readonly listing: Listing;
}

/** Whether a set may be used: complete, or legacy where that is trusted. */
export function isUsable({ verdict }: Finding, legacy: 'trust' | 'ignore'): boolean {
  return verdict.reason === 'complete' || (verdict.reason === 'legacy' && legacy === 'trust');
}

export interface LookUp {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly reader: Reader;
}

/**
 * Decides whether a stored set may be used: two requests, sent in parallel, where its record is some seconds old and
 * agrees with a listing of one page.
 *
 * @returns the verdict with what it rests on; a miss is a verdict, not an error
 * @throws StoreError for anything but a definite answer of the store
 */
export async function lookUp(context: LookUp, location: SetLocation): Promise<Finding> {
  const finding = await lookUpOnce(context, location);
  if (!finding.listing.isPaged) return finding;
  const { lookUpStill } = await import('./look-up-still.ts');
  return lookUpStill(context.store, finding, () => lookUpOnce(context, location));
}

async function lookUpOnce(context: LookUp, location: SetLocation): Promise<Finding> {
  const { store, clock } = context;
  const askedAtMs = clock.monotonicMs();
  const read = readRecord(store, location).then((record) => ({ record, elapsedMs: clock.monotonicMs() - askedAtMs }));
  const listed = readListing(
    store,
    location,
    read.then(({ record }) => record?.record),
  );
  const [{ record, elapsedMs }, listing] = await waitForAll([read, listed]);
  if (record === undefined) {
    if (listing.size === 0) return { location, verdict: { reason: 'absent' }, record, listing };
    const { lookUpUnrecorded } = await import('./look-up-unrecorded.ts');
    return lookUpUnrecorded(store, { location, listing }, (recorded) => judge(context, recorded));
  }
  // A listing that began before a record was sealed says nothing about the sealed set, even where the two agree.
  const mayPrecedeRecord = record.record.state === 'complete' && record.ageMs <= elapsedMs + CLOCK_GRAIN_MS;
  const counted = mayPrecedeRecord ? await readListing(store, location, record.record) : listing;
  return judge(context, { location, record, listing: counted });
}

/** What was read of a set that has a record. */
export interface RecordedSet {
  readonly location: SetLocation;
  readonly record: ReadRecord;
  readonly listing: Listing;
}

async function judge({ store, reader }: LookUp, { location, record, listing }: RecordedSet): Promise<Finding> {
  const verdict = await verdictOn();
  return { location, verdict, record, listing };

  async function verdictOn(): Promise<Verdict> {
    if (record.record.state === 'complete') {
      const suspected = disagreements(record.record, listing);
      if (suspected.length === 0) return { reason: 'complete', record: record.record };
      const { confirmDisagreements } = await import('./confirm-disagreements.ts');
      const [disagreement] = await confirmDisagreements(store, location, { suspected, listing });
      if (disagreement === undefined) return { reason: 'complete', record: record.record };
      return { reason: 'damaged', record: record.record, disagreement };
    }
    const { writer } = record.record;
    if (leaseIsLive({ record: record.record, ageMs: record.ageMs }, reader))
      return { reason: 'in-progress', record: record.record };
    return { reason: 'incomplete', detail: `its upload by ${describeWriter(writer)} was begun and not finished` };
  }
}
