import { compareUtf8, partitionPoint } from './utf8-order.ts';

export interface ListingRequest {
  readonly prefix: string;
  /** Without one, there are no common prefixes. */
  readonly delimiter: string | undefined;
  /** Only keys after this one, or after all keys under this common prefix. */
  readonly after: string | undefined;
  readonly maxKeys: number;
}

export type ListingEntry = { readonly key: string } | { readonly commonPrefix: string };

export interface ListingPage {
  readonly entries: readonly ListingEntry[];
  /** Where the next page starts; undefined if there is none. */
  readonly next: string | undefined;
}

/**
 * One page of the keys that begin with a prefix; those with the delimiter after it are grouped into common prefixes.
 *
 * @param keys in the order of their UTF-8 bytes
 */
export function listKeys(keys: readonly string[], { prefix, delimiter, after, maxKeys }: ListingRequest): ListingPage {
  const entries: ListingEntry[] = [];
  let index = firstIndex(keys, prefix, delimiter, after);
  let next: string | undefined;
  for (let key = keys[index]; key?.startsWith(prefix); key = keys[index]) {
    // S3 answers max-keys=0 with an empty page that isn't truncated.
    if (entries.length >= maxKeys) return { entries, next: maxKeys === 0 ? undefined : next };
    const commonPrefix = rollUp(key, prefix, delimiter);
    entries.push(commonPrefix === undefined ? { key } : { commonPrefix });
    next = commonPrefix ?? key;
    index = commonPrefix === undefined ? index + 1 : endOf(keys, commonPrefix, index);
  }
  return { entries, next: undefined };
}

function firstIndex(
  keys: readonly string[],
  prefix: string,
  delimiter: string | undefined,
  after: string | undefined,
): number {
  const start = partitionPoint(keys, (key) => compareUtf8(key, prefix) < 0);
  if (after === undefined) return start;
  const index = partitionPoint(keys, (key) => compareUtf8(key, after) <= 0, start);
  // After a page that ended with a common prefix, the next one starts after all keys under it.
  const rolledUp = delimiter !== undefined && delimiter !== '' && after.endsWith(delimiter) && after !== prefix;
  return rolledUp && after.startsWith(prefix) ? endOf(keys, after, index) : index;
}

function rollUp(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined || delimiter === '') return undefined;
  const position = key.indexOf(delimiter, prefix.length);
  return position < 0 ? undefined : key.slice(0, position + delimiter.length);
}

/** The first index at or after `from` whose key doesn't begin with the prefix. */
function endOf(keys: readonly string[], prefix: string, from: number): number {
  return partitionPoint(keys, (key) => key.startsWith(prefix), from);
}
