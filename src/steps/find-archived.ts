import { mapConcurrently } from '../core/concurrency.ts';
import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import type { ObjectStore } from '../ports.ts';
import { HEADS_AT_ONCE } from './confirm-disagreements.ts';

/**
 * Finds an asset that nothing can read or copy before somebody has restored it from its archive.
 *
 * @param paths which assets of the listing make the set
 * @returns the first one's path
 */
export async function findArchived(
  store: ObjectStore,
  { location, listing, paths }: { location: SetLocation; listing: Listing; paths: Iterable<string> },
): Promise<string | undefined> {
  const unsure: string[] = [];
  for (const path of paths) {
    const tier = listing.get(path)?.tier;
    if (tier === 'archive') return path;
    if (tier === 'intelligent') unsure.push(path);
  }
  const heads = await mapConcurrently(unsure, HEADS_AT_ONCE, (path) => store.head(location.prefix + path));
  return unsure.find((_, index) => heads[index]?.isArchived);
}
