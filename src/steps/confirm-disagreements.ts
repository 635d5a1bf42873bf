import { mapConcurrently } from '../core/concurrency.ts';
import type { SetLocation } from '../core/keys.ts';
import type { Disagreement } from '../core/verdict.ts';
import type { ObjectStore } from '../ports.ts';

const HEADS_AT_ONCE = 16;

/**
 * Where assets differ from their record indeed. Some servers list an ETag in another form than they answer with, so where
 * ETags alone differ the object itself is asked.
 *
 * @param suspected what record and listing disagree about
 */
export async function confirmDisagreements(
  store: ObjectStore,
  location: SetLocation,
  suspected: readonly Disagreement[],
): Promise<readonly Disagreement[]> {
  if (suspected.some(({ difference }) => difference !== 'etag')) return suspected;
  const confirmed = await mapConcurrently(suspected, HEADS_AT_ONCE, async ({ file }) => {
    const head = await store.head(location.prefix + file.path);
    return head?.etag !== file.etag || head.sizeBytes !== file.size;
  });
  return suspected.filter((_, index) => confirmed[index]);
}
