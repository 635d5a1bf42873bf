import { commitOf, isRecorded } from '../core/asset-attributes.ts';
import { mapConcurrently } from '../core/concurrency.ts';
import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import { type CompleteRecord, describeWriter } from '../core/record.ts';
import { type Disagreement, disagreements, leaseIsLive, type Reader, type Verdict } from '../core/verdict.ts';
import type { AssetAttributes, Clock, ObjectStore } from '../ports.ts';
import { type ReadRecord, readListing, readRecord } from './read-set.ts';

/** The store's clock is read to whole seconds, twice. */
const CLOCK_GRAIN_MS = 2000;
const HEADS_AT_ONCE = 16;

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
 * agrees with the listing.
 *
 * @returns the verdict with what it rests on; a miss is a verdict, not an error
 * @throws StoreError for anything but a definite answer of the store
 */
export async function lookUp(context: LookUp, location: SetLocation): Promise<Finding> {
  const { store, clock } = context;
  const askedAtMs = clock.monotonicMs();
  const listed = readListing(store, location);
  const read = readRecord(store, location).then((record) => ({ record, elapsedMs: clock.monotonicMs() - askedAtMs }));
  const [{ record, elapsedMs }, listing] = await Promise.all([read, listed]);
  if (record === undefined)
    return listing.size === 0 ? absent(location, listing) : lookUpUnrecorded(context, location, listing);
  // A listing that began before a record was sealed says nothing about the sealed set, even where the two agree.
  const mayPrecedeRecord = record.record.state === 'complete' && record.ageMs <= elapsedMs + CLOCK_GRAIN_MS;
  const counted = mayPrecedeRecord ? await readListing(store, location) : listing;
  return judge(context, { location, record, listing: counted });
}

function absent(location: SetLocation, listing: Listing): Finding {
  return { location, verdict: { reason: 'absent' }, record: undefined, listing };
}

/**
 * Assets without a record: begun a moment ago, legacy, or ours with the record deleted. A record that is still absent
 * after the listing tells that nobody had begun one by then.
 */
async function lookUpUnrecorded(context: LookUp, location: SetLocation, listing: Listing): Promise<Finding> {
  const record = await readRecord(context.store, location);
  if (record !== undefined)
    return judge(context, { location, record, listing: await readListing(context.store, location) });
  const [first] = listing.keys();
  if (first === undefined) return absent(location, listing);
  const head = await context.store.head(location.prefix + first);
  // One that is gone by now can't tell whose the set was.
  const isLegacy = head !== undefined && !isOurs(head, location);
  const verdict: Verdict = isLegacy
    ? { reason: 'legacy' }
    : { reason: 'incomplete', detail: 'its assets are there but their record was deleted' };
  return { location, verdict, record: undefined, listing };
}

/** Whether this project stored an object for the very set it is in; the Python tool copies from our cache, too. */
function isOurs(head: AssetAttributes, location: SetLocation): boolean {
  return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);
}

async function judge(
  { store, reader }: LookUp,
  { location, record, listing }: { location: SetLocation; record: ReadRecord; listing: Listing },
): Promise<Finding> {
  const verdict = await verdictOn();
  return { location, verdict, record, listing };

  async function verdictOn(): Promise<Verdict> {
    if (record.record.state === 'complete') {
      const [disagreement] = await confirmedDisagreements(store, location, { record: record.record, listing });
      if (disagreement === undefined) return { reason: 'complete', record: record.record };
      return { reason: 'damaged', record: record.record, disagreement };
    }
    const { writer } = record.record;
    if (leaseIsLive({ record: record.record, ageMs: record.ageMs }, reader))
      return { reason: 'in-progress', record: record.record };
    return { reason: 'incomplete', detail: `its upload by ${describeWriter(writer)} was begun and not finished` };
  }
}

/**
 * Where assets differ from their record. Some servers list an ETag in another form than they answer with, so where
 * ETags alone differ the object itself is asked.
 */
export async function confirmedDisagreements(
  store: ObjectStore,
  location: SetLocation,
  { record, listing }: { readonly record: CompleteRecord; readonly listing: Listing },
): Promise<Disagreement[]> {
  const suspected = disagreements(record, listing);
  if (suspected.some(({ difference }) => difference !== 'etag')) return suspected;
  const confirmed = await mapConcurrently(suspected, HEADS_AT_ONCE, async ({ file }) => {
    const head = await store.head(location.prefix + file.path);
    return head?.etag !== file.etag || head.sizeBytes !== file.size;
  });
  return suspected.filter((_, index) => confirmed[index]);
}
