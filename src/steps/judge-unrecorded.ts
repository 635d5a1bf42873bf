import { commitOf, isRecorded } from '../core/asset-attributes.ts';
import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import type { Verdict } from '../core/verdict.ts';
import type { AssetAttributes, ObjectStore } from '../ports.ts';

/** Tells whether assets without a record are a tool's that keeps none, or ours with the record deleted. */
export async function judgeUnrecorded(store: ObjectStore, location: SetLocation, listing: Listing): Promise<Verdict> {
  const [first] = listing.keys();
  if (first === undefined) return { reason: 'absent' };
  const head = await store.head(location.prefix + first);
  // One that is gone by now can't tell whose the set was.
  const isLegacy = head !== undefined && !isOurs(head, location);
  return isLegacy
    ? { reason: 'legacy' }
    : { reason: 'incomplete', detail: 'its assets are there but their record was deleted' };
}

/** Whether this project stored an object for the very set it is in; the Python tool copies from our cache, too. */
function isOurs(head: AssetAttributes, location: SetLocation): boolean {
  return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);
}
