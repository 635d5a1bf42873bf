import { mapConcurrently } from '../core/concurrency.ts';
import type { SetLocation } from '../core/keys.ts';
import type { Disagreement } from '../core/verdict.ts';
import type { ObjectStore } from '../ports.ts';
import { readListing } from './read-set.ts';

export const HEADS_AT_ONCE = 16;

/**
 * Where assets differ from their record indeed, of those that record and listing disagree about. Some servers list an
 * ETag in another form than they answer with, so where ETags alone differ the object itself is asked. One that then
 * agrees was either replaced since, so that the set was not whole while it was read, or is listed in that other form: a
 * second listing tells.
 */
export async function confirmDisagreements(
  store: ObjectStore,
  location: SetLocation,
  suspected: readonly Disagreement[],
): Promise<readonly Disagreement[]> {
  if (suspected.length === 0 || suspected.some(({ difference }) => difference !== 'etag')) return suspected;
  const confirmed = await mapConcurrently(suspected, HEADS_AT_ONCE, async ({ file }) => {
    const head = await store.head(location.prefix + file.path);
    return head?.etag !== file.etag || head.sizeBytes !== file.size;
  });
  if (confirmed.every(Boolean)) return suspected;
  const again = await readListing(store, location);
  return suspected.filter(
    ({ file: { path }, listedEtag }, index) => confirmed[index] || again.get(path)?.etag !== listedEtag,
  );
}
