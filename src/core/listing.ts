import type { StorageTier } from '../ports.ts';
import type { AssetFile } from './record.ts';

export interface ListedAsset extends Pick<AssetFile, 'size' | 'etag'> {
  readonly tier?: StorageTier;
}

/** What lies under a set's prefix, by path relative to it, in the order the store listed it. */
export type Listing = ReadonlyMap<string, ListedAsset>;
