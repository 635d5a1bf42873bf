import type { ListedAsset } from './listing.ts';
import { comparePaths } from './path-order.ts';
import type { AssetFile, CompleteRecord } from './record.ts';
import type { Strays } from './strays.ts';
import { type Disagreement, disagreementOn } from './verdict.ts';

/** Where one of them is out of order, a listing can't be held against a record by going through both once. */
export class UnorderedError extends Error {
  override name = 'UnorderedError';
}

/**
 * Holds a listing against the record of a large set, asset by asset as they are listed, with neither of them in memory.
 * Both are in the order of the paths' bytes.
 *
 * Its methods throw an UnorderedError where one of them is not.
 */
export class PagedComparison {
  /** As by `disagreements`, but none after the first that is a difference beyond doubt. */
  readonly disagreements: Disagreement[] = [];
  strays: Strays = { count: 0, first: undefined };
  readonly #files: Iterator<AssetFile>;
  #file: AssetFile | undefined;
  #lastPath: string | undefined;

  constructor({ files }: CompleteRecord) {
    this.#files = files[Symbol.iterator]();
    this.#advance();
  }

  add(path: string, listed: ListedAsset): void {
    if (this.#lastPath !== undefined && comparePaths(this.#lastPath, path) >= 0) throw new UnorderedError(path);
    this.#lastPath = path;
    this.#passUpTo(path);
    if (this.#file?.path !== path) this.strays = { count: this.strays.count + 1, first: this.strays.first ?? path };
    // A record may name one twice.
    while (this.#file?.path === path) this.#hold(this.#file, listed);
  }

  /** To be told when all is listed. */
  end(): void {
    this.#passUpTo(undefined);
  }

  /** What the record names before a path, or at all, is not listed. */
  #passUpTo(path: string | undefined): void {
    while (this.#file !== undefined && (path === undefined || comparePaths(this.#file.path, path) < 0))
      this.#hold(this.#file, undefined);
  }

  #hold(file: AssetFile, listed: ListedAsset | undefined): void {
    const disagreement = disagreementOn(file, listed);
    const last = this.disagreements.at(-1);
    if (disagreement !== undefined && (last === undefined || last.difference === 'etag'))
      this.disagreements.push(disagreement);
    this.#advance();
  }

  #advance(): void {
    const next = this.#files.next();
    const file = next.done ? undefined : next.value;
    if (file !== undefined && this.#file !== undefined && comparePaths(this.#file.path, file.path) > 0)
      throw new UnorderedError(file.path);
    this.#file = file;
  }
}
