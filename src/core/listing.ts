import { comparePaths } from './path-order.ts';
import type { AssetFile } from './record.ts';

/** A file of a record says as much, too. */
export type ListedAsset = Pick<AssetFile, 'size' | 'etag'>;

/** What lies under a set's prefix, by path relative to it, in the order the store listed it. */
export interface Listing extends ReadonlyMap<string, ListedAsset> {
  /** Whether it came in several replies, so that it may show what never was there together. */
  readonly isPaged?: boolean;
}

/**
 * What is listed mostly is what a record says. Taking the record's own words for it keeps those of the listing, of which
 * each holds on to the page it is from, out of memory.
 *
 * @param files in the order of their paths' bytes; elsewhere, or listed in another order, some are not found again
 * @returns gives the file that is listed just so, or else what it was given
 */
export function inWordsOf(files: readonly AssetFile[]): (listed: AssetFile) => AssetFile {
  let next = 0;
  return (listed) => {
    for (let file = files[next]; file !== undefined; file = files[next]) {
      const order = comparePaths(file.path, listed.path);
      if (order > 0) break;
      next += 1;
      if (order === 0) return file.size === listed.size && file.etag === listed.etag ? file : listed;
    }
    return listed;
  };
}
