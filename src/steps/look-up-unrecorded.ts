import { commitOf, isRecorded } from '../core/asset-attributes.ts';
import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import type { Verdict } from '../core/verdict.ts';
import type { AssetAttributes, ObjectStore } from '../ports.ts';
import type { Finding, RecordedSet } from './look-up.ts';
import { type Listed, readRecord } from './read-set.ts';

/**
 * Decides on a set of which there are assets and no record. One that is still absent after the listing tells that nobody
 * had begun one by then.
 *
 * @param judge decides where there is one after all
 */
export async function lookUpUnrecorded(
  store: ObjectStore,
  { location, ...found }: Listed & { readonly location: SetLocation },
  judge: (read: RecordedSet) => Promise<Finding>,
): Promise<Finding> {
  const record = await readRecord(store, location);
  if (record === undefined)
    return { location, record, ...found, verdict: await verdictOnUnrecorded(store, location, found.listing) };
  return judge({ location, record, pages: store.list(location.prefix) });
}

/** Tells whether the assets are a tool's that keeps no record, or ours with the record deleted. */
async function verdictOnUnrecorded(store: ObjectStore, location: SetLocation, listing: Listing): Promise<Verdict> {
  const [first] = listing.keys();
  if (first === undefined) return { reason: 'absent' };
  const head = await store.head(location.prefix + first);
  // One that is gone by now can't tell whose the set was.
  if (head === undefined || isOurs(head, location))
    return { reason: 'incomplete', detail: 'its assets are there but their record was deleted' };
  const { findArchived } = await import('./find-archived.ts');
  const name = await findArchived(store, { location, listing, paths: listing.keys() });
  return name === undefined ? { reason: 'legacy' } : { reason: 'archived', name };
}

/** Whether this project stored an object for the very set it is in; the Python tool copies from our cache, too. */
function isOurs(head: AssetAttributes, location: SetLocation): boolean {
  return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);
}
