import { PagedComparison, UnorderedError } from '../core/paged-comparison.ts';
import type { Comparing, Comparison } from './compare-listing.ts';
import { forEachListed } from './read-set.ts';

/**
 * As `compareListing`, of a large set: what was compared is not kept.
 *
 * @returns undefined where the store lists in another order than that of keys' bytes
 */
export async function comparePages({ location, record, pages }: Comparing): Promise<Comparison | undefined> {
  const comparison = new PagedComparison(record);
  const { prefix } = location;
  try {
    const pageCount = await forEachListed({ prefix, pages }, (path, asset) => comparison.add(path, asset));
    comparison.end();
    const { disagreements: suspected, strays } = comparison;
    return { isPaged: pageCount > 1, suspected, listing: undefined, strays: () => strays };
  } catch (error) {
    if (error instanceof UnorderedError) return undefined;
    throw error;
  }
}
