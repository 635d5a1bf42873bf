import { once, semaphore, waitForAll } from '../async.ts';
import type { PatternGroup, SourceEntries, SourceName, SourceTree } from '../ports.ts';
import { askGit, assertRepositoryRoot, readGit } from './git.ts';
import { COMPARE, findEntries, findNames, isPackaged, LIST_UNTRACKED, packagePaths } from './git-entries.ts';
import { isExcluding, pathOf, recordsOf, SUBMODULE_MODE, unitedEntries, withoutMark } from './index-listing.ts';

// The sources of several packages. git lists all of them once, and each package's patterns are matched here. Only git
// knows how to treat changes, submodules and unusual patterns, so a group that involves any of these is left to git.

/** Groups that are left to git at a time, each with several processes. */
const GROUPS_AT_ONCE = 4;

interface SharedSources {
  readonly root: string;
  readonly packageDirectories: readonly string[];
  /** All groups that will be asked for. */
  readonly groups: readonly PatternGroup[];
}

/** The matches of a group: indexes of a snapshot's entries, or git's own answer for the group. */
type Found = { readonly places: readonly number[] } | SourceEntries;

/** @returns a function that lists the entries that match any of several groups */
export function sharedEntries(sources: SharedSources): (groups: readonly PatternGroup[]) => Promise<SourceEntries> {
  const { root, packageDirectories } = sources;
  const snapshot = once(() => takeSnapshot(sources));
  const waiting = semaphore(GROUPS_AT_ONCE);
  const known = new Map<string, Promise<Found>>();
  // Several packages may need the same one.
  const find = (group: PatternGroup): Promise<Found> => {
    const key = JSON.stringify(group);
    // git also decides whether a pattern matches nothing.
    const byGit = () => waiting.take(() => findEntries(root, packageDirectories, group));
    const found = known.get(key) ?? snapshot().then((taken) => matching(taken, group) ?? byGit());
    known.set(key, found);
    return found;
  };
  return async (groups) => united(await snapshot(), await waitForAll(groups.map(find)));
}

function united({ entries }: Snapshot, found: readonly Found[]): SourceEntries {
  const places = new Set(found.flatMap((one) => ('places' in one ? one.places : [])));
  const listed = [...places].sort((left, right) => left - right).map((place) => `${entries[place]}\0`);
  const own = Buffer.from(listed.join(''), 'latin1');
  const others = found.filter((one) => 'entries' in one);
  if (others.length === 0) return { entries: own, unmatched: [] };
  return {
    entries: unitedEntries([...(own.length > 0 ? [own] : []), ...others.map((one) => one.entries)]),
    unmatched: [...new Set(others.flatMap(({ unmatched }) => unmatched))],
  };
}

/** git's answer for all packages at once, as text with one character per byte (Latin-1). */
interface Snapshot {
  /** Sorted by path. */
  readonly entries: readonly string[];
  readonly paths: readonly string[];
  /** Files that differ from the index or are not in it. */
  readonly changed: readonly string[];
  /** Submodules and nested repositories, whose files don't belong to this one. */
  readonly repositories: readonly string[];
}

async function takeSnapshot({ root, packageDirectories, groups }: SharedSources): Promise<Snapshot> {
  await assertRepositoryRoot(root);
  const places = placesOf(groups);
  const [differing, others, { output }, packages] = await Promise.all([
    readGit(root, [...COMPARE, ...places]),
    readGit(root, [...LIST_UNTRACKED, ...places]),
    askGit(root, ['ls-files', '-z', '-s', '--', ...places]),
    packagePaths(root, packageDirectories),
  ]);
  const entries = recordsOf(output.toString('latin1'));
  const paths = entries.map(pathOf);
  const untracked = recordsOf(others).filter((path) => !isPackaged(path, packages));
  const isNested = (path: string) => path.endsWith('/');
  const submodules = entries.filter((entry) => entry.startsWith(SUBMODULE_MODE)).map(pathOf);
  return {
    entries,
    paths,
    // The output alternates between status and path.
    changed: [
      ...recordsOf(differing).filter((_, index) => index % 2 === 1),
      ...untracked.filter((path) => !isNested(path)),
    ],
    repositories: [...submodules, ...untracked.filter(isNested).map((path) => path.slice(0, -1))],
  };
}

/**
 * Pathspecs of the folders and files that patterns begin with: few, and quick to compare. An empty list stands for
 * everything.
 */
function placesOf(groups: readonly PatternGroup[]): string[] {
  const places = new Set<string>();
  for (const group of groups) {
    const including = group.filter((pattern) => !isExcluding(pattern));
    for (const pattern of including.length > 0 || group.length === 0 ? including : ['']) {
      const start = isPlain(pattern) ? literalStart(pattern) : '';
      const place = start === pattern ? start : start.slice(0, start.lastIndexOf('/') + 1);
      places.add(place.replace(/\/$/, ''));
    }
  }
  return places.has('') ? [] : [...places].map((place) => `:(literal)${place}`);
}

/** @returns undefined if only git can answer */
function matching(snapshot: Snapshot, group: PatternGroup): Found | undefined {
  const plain = plainGroup(group);
  if (plain === undefined) return undefined;
  const { wanted, excluding, isExcluded, isIncluded } = plain;
  const all = [...wanted, ...excluding];
  if (snapshot.changed.some(isIncluded) || snapshot.repositories.some((path) => all.some((one) => meets(one, path))))
    return undefined;
  const chosen = new Set<number>();
  for (const { start, matches } of wanted) {
    let isMatched = false;
    for (let index = firstFrom(snapshot.paths, start); snapshot.paths[index]?.startsWith(start); index += 1) {
      const path = snapshot.paths[index] ?? '';
      if (!matches(path)) continue;
      isMatched = true;
      if (!isExcluded(path)) chosen.add(index);
    }
    if (!isMatched) return undefined;
  }
  return { places: [...chosen] };
}

/** @returns the index of the first path that is not less than a text */
function firstFrom(paths: readonly string[], text: string): number {
  let [low, high] = [0, paths.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((paths[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Plain patterns, which are easy to match: ASCII without brackets and backslashes, `**` only as a whole segment, and no
 * segment that git would remove from the path.
 */
const PLAIN = /^(?!\.{0,2}(\/|$))(?!.*\/\.{0,2}\/)(?!.*\/\.{1,2}$)(?!.*\*{3})(?!.*[^/]\*\*)(?!.*\*\*[^/])[ -Z^-~]+$/;

function isPlain(pattern: string): boolean {
  return PLAIN.test(withoutMark(pattern));
}

interface PlainPattern {
  /** The beginning of every path that matches. */
  readonly start: string;
  readonly matches: (path: string) => boolean;
}

const EVERYTHING: PlainPattern = { start: '', matches: () => true };

/** Patterns that belong together and are all plain. */
interface PlainGroup {
  readonly wanted: readonly PlainPattern[];
  readonly excluding: readonly PlainPattern[];
  readonly isExcluded: (path: string) => boolean;
  readonly isIncluded: (path: string) => boolean;
}

/** @returns undefined if only git knows what the patterns mean */
function plainGroup(group: PatternGroup): PlainGroup | undefined {
  if (!group.every(isPlain)) return undefined;
  const including = group.filter((pattern) => !isExcluding(pattern)).map(plainPattern);
  const excluding = group.filter(isExcluding).map((pattern) => plainPattern(withoutMark(pattern)));
  const wanted = including.length > 0 || group.length === 0 ? including : [EVERYTHING];
  const isExcluded = (path: string) => excluding.some(({ matches }) => matches(path));
  const isIncluded = (path: string) => wanted.some(({ matches }) => matches(path)) && !isExcluded(path);
  return { wanted, excluding, isExcluded, isIncluded };
}

/** @returns a function that matches sources by their names alone, as {@link SourceTree.matching} says */
export function sourceMatcher(root: string): SourceTree['matching'] {
  const waiting = semaphore(GROUPS_AT_ONCE);
  const known = new Map<string, Promise<readonly string[]>>();
  return async (groups, sources, signal) => {
    const { encodePath } = await import('./md5.ts');
    const bytesOf = ({ path }: SourceName) => Buffer.from(encodePath(path)).toString('latin1');
    const named = new Map(sources.map((source) => [bytesOf(source), source]));
    const hasSubmodule = sources.some(({ isSubmodule }) => isSubmodule);
    // Several packages may need the same one.
    const matchedByGit = (group: PatternGroup): Promise<readonly string[]> => {
      const key = JSON.stringify([group, sources]);
      const start = async () => {
        signal?.throwIfAborted();
        return findNames(root, group, named);
      };
      const found = known.get(key) ?? waiting.take(start);
      known.set(key, found);
      // A later package has time of its own.
      found.catch(() => known.delete(key));
      return found;
    };
    const find = (group: PatternGroup) => {
      const plain = hasSubmodule ? undefined : plainGroup(group);
      return plain === undefined ? matchedByGit(group) : [...named.keys()].filter(plain.isIncluded);
    };
    const found = await waitForAll(groups.map(find));
    return found.map((names) => new Set(names.map((name) => named.get(name)?.path ?? '')));
  };
}

/** Matches like a `:(glob)` pathspec of git, which also matches its literal text, and everything below that path. */
function plainPattern(pattern: string): PlainPattern {
  const start = literalStart(pattern);
  const folder = pattern.endsWith('/') ? pattern : `${pattern}/`;
  const isLiteral = (path: string) => path === pattern || path.startsWith(folder);
  if (start === pattern) return { start, matches: isLiteral };
  if (pattern === `${start}**`) return { start, matches: (path) => path.startsWith(start) };
  const regex = new RegExp(`^${pattern.replaceAll(/(?:\*\*\/)+|\*\*|[*?]|[^*?]+/g, translated)}$`, 's');
  return { start, matches: (path) => path.startsWith(start) && (regex.test(path) || isLiteral(path)) };
}

function literalStart(pattern: string): string {
  return /^[^*?]*/.exec(pattern)?.[0] ?? '';
}

function translated(token: string): string {
  if (token.startsWith('**/')) return '(?:.*/)?';
  const known: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
  return known[token] ?? token.replaceAll(/[.+^$(){}|]/g, '\\$&');
}

/** Whether a pattern may match something at or below a path. */
function meets({ start, matches }: PlainPattern, path: string): boolean {
  return matches(path) || matches(`${path}/-`) || start.startsWith(`${path}/`);
}
