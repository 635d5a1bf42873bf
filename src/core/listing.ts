import type { AssetFile } from './record.ts';

/** A file of a record says as much, too. */
export type ListedAsset = Pick<AssetFile, 'size' | 'etag'>;

/** What lies under a set's prefix, by path relative to it, in the order the store listed it. */
export type Listing = ReadonlyMap<string, ListedAsset>;
