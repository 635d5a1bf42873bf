export interface ListedAsset {
  readonly sizeBytes: number;
  readonly etag: string;
}

/** What lies under a set's prefix, by path relative to it, in the order the store listed it. */
export type Listing = ReadonlyMap<string, ListedAsset>;
