import { InputError } from '../errors.ts';
import type { SourceListing } from '../ports.ts';
import { printable } from '../text.ts';
import { askGit, type GitResult } from './git.ts';

export const SUBMODULE_MODE = '160000 ';

/** A repository's own index, or another one that variables name. */
interface Index {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface IndexListing {
  /** In the format of `git ls-files -s -z`. */
  readonly entries: Buffer;
  /** Pathspecs of submodules that are listed only because a pattern includes everything below them. */
  readonly submodules: readonly string[];
  /** Paths of submodules that git lists although a pattern excludes everything below them. */
  readonly excludedSubmodules: ReadonlySet<string>;
  /** False if git says that one of the patterns matches nothing. */
  readonly allMatch: boolean;
}

/**
 * Lists the entries of an index that match the patterns. To git, a submodule at `X` does not match `X/**`, since
 * nothing in it is in the index, so further processes find the submodules that such patterns include or exclude.
 */
export async function listIndex(index: Index, patterns: readonly string[]): Promise<IndexListing> {
  const including = patterns.filter((pattern) => !isExcluding(pattern));
  const excluding = patterns.filter(isExcluding);
  const [{ entries, allMatch }, included] = await Promise.all([
    listMatching(index, patterns),
    listSubmodules(index, including, excluding),
  ]);
  const excludedSubmodules =
    included.length > 0 || entries.includes(SUBMODULE_MODE)
      ? new Set((await listSubmodules(index, excluding.map(withoutMark))).map(pathOf))
      : new Set<string>();
  const submodules = included.filter((entry) => !excludedSubmodules.has(pathOf(entry)));
  const isAsListed = submodules.length + excludedSubmodules.size === 0;
  return {
    entries: isAsListed ? entries : corrected(entries, submodules, excludedSubmodules),
    submodules: submodules.map((entry) => `:(literal)${Buffer.from(pathOf(entry), 'latin1').toString()}`),
    excludedSubmodules,
    allMatch,
  };
}

/**
 * Finds the including patterns that match nothing. This asks git about each pattern, so it is called only if one is
 * known not to match. Excluding patterns need not match, and may exclude everything that another pattern matches.
 */
export async function unmatchedPatterns(
  index: Index,
  patterns: readonly string[],
  { submodules }: IndexListing,
): Promise<string[]> {
  const isSubmodule = (pattern: string) => submodules.includes(`:(literal)${folderOf(pattern)}`);
  const suspects = patterns.filter((pattern) => !isExcluding(pattern) && !isSubmodule(pattern));
  if (suspects.length === 0 || (await listMatching(index, suspects)).allMatch) return [];
  const unmatched: string[] = [];
  for (const pattern of new Set(suspects)) {
    const { allMatch, submodules: found } = await listIndex(index, [pattern]);
    if (!allMatch && found.length === 0) unmatched.push(pattern);
  }
  return unmatched;
}

/** git can't say whether all patterns match if some of them are excluding, so it is then asked twice. */
async function listMatching(
  index: Index,
  patterns: readonly string[],
): Promise<Pick<IndexListing, 'entries' | 'allMatch'>> {
  const including = patterns.filter((pattern) => !isExcluding(pattern));
  const isMixed = including.length > 0 && including.length < patterns.length;
  const listing = list(index, patterns);
  const [{ output }, { exitCode }] = await Promise.all([listing, isMixed ? list(index, including) : listing]);
  return { entries: output, allMatch: exitCode === 0 };
}

/** Exits with 1 if an including pathspec matches nothing, but lists the entries anyway. */
function list({ root, environment }: Index, patterns: readonly string[]): Promise<GitResult> {
  const args = ['ls-files', '-z', '-s', '--error-unmatch', '--', ...pathspecsOf(patterns)];
  return askGit(root, args, { environment, accepted: [0, 1] });
}

/**
 * @param patterns including patterns
 * @param excluding patterns that begin with `!`
 * @returns the entries of submodules at `X` for patterns `X/**`, one character per byte
 */
async function listSubmodules(
  index: Index,
  patterns: readonly string[],
  excluding: readonly string[] = [],
): Promise<string[]> {
  const places = patterns.map(folderOf).filter((folder) => folder !== undefined);
  if (places.length === 0) return [];
  // Excludes the entries below, which can be many and have been matched already.
  const wanted = places.flatMap((folder) => [folder, `!${folder}/**`]);
  const found = await submodulesOf(index, wanted);
  // Excluding patterns are slow for thousands of files, and submodules are rare.
  return found.length === 0 || excluding.length === 0 ? found : submodulesOf(index, [...wanted, ...excluding]);
}

async function submodulesOf(index: Index, patterns: readonly string[]): Promise<string[]> {
  const { output } = await list(index, patterns);
  return recordsOf(output.toString('latin1')).filter((entry) => entry.startsWith(SUBMODULE_MODE));
}

/** @returns `X` for a pattern `X/**` */
function folderOf(pattern: string): string | undefined {
  return /^(.+?)(?:\/\*\*)+(?:\/\*)?$/s.exec(pattern)?.[1];
}

/** Adds and removes entries, and sorts by the bytes of paths, like git. */
function corrected(entries: Buffer, added: readonly string[], removed: ReadonlySet<string>): Buffer {
  const all = new Set([...recordsOf(entries.toString('latin1')), ...added]);
  const kept = [...all].map((entry) => ({ entry, path: pathOf(entry) })).filter(({ path }) => !removed.has(path));
  const sorted = kept.sort((a, b) => (a.path < b.path ? -1 : 1));
  return Buffer.from(endedByNul(sorted.map(({ entry }) => entry)), 'latin1');
}

/** Merges the entries of several listings: each path once, sorted by the bytes of paths. */
export function unitedEntries(listings: readonly SourceListing[]): SourceListing {
  const [first] = listings;
  if (first !== undefined && listings.length === 1) return first;
  const texts = listings.map((listing) => Buffer.from(listing).toString('latin1'));
  return corrected(Buffer.alloc(0), texts.flatMap(recordsOf), new Set());
}

// Texts here are git's output with one character per byte (Latin-1).

/** How tracked files differ from the index, according to `git diff-files --name-status`. */
export interface Changes {
  readonly modified: readonly string[];
  readonly deleted: ReadonlySet<string>;
  /** A path with an unresolved merge conflict, if there is one. */
  readonly conflicted: string | undefined;
}

/** @param output of `git diff-files -z --name-status --no-renames`: alternating statuses and paths */
export function parseChanges(output: string): Changes {
  const modified: string[] = [];
  const deleted = new Set<string>();
  let conflicted: string | undefined;
  let status = '';
  for (const [index, record] of recordsOf(output).entries()) {
    if (index % 2 === 0) status = record;
    else if (status === 'D') deleted.add(record);
    else if (status === 'U') conflicted ??= record;
    // If a nested repository has replaced a file (a change of type), update-index removes the file the first time that
    // it gets the path, and adds the repository the second time.
    else modified.push(...(status === 'T' ? [record, record] : [record]));
  }
  return { modified, deleted, conflicted };
}

/** Splits output into records, each terminated by NUL. */
export function recordsOf(output: string): string[] {
  return output.split('\0').slice(0, -1);
}

/** The opposite of `recordsOf`. */
export function endedByNul(records: readonly string[]): string {
  return records.map((record) => `${record}\0`).join('');
}

/** The path of a record of `git ls-files -s`. */
export function pathOf(entry: string): string {
  return entry.slice(entry.indexOf('\t') + 1);
}

// No entry of an index can have this name.
const NOTHING = ':(literal).git';

/**
 * Converts patterns of code-hash-filter to git's pathspecs. If all including patterns begin with the same folder, `git
 * ls-files` also skips as many characters of the excluding ones, so that `src/** !lib/a*` would exclude `src/a.ts`. An
 * extra pathspec without a common folder prevents that.
 *
 * @throws InputError for an empty pattern, which would match everything, and for one with a leading slash, which git
 *   would look for at the root of the disk
 */
export function pathspecsOf(patterns: readonly string[]): string[] {
  const pathspecs = patterns.map(pathspecOf);
  return patterns.some(isExcluding) && !patterns.every(isExcluding) ? [...pathspecs, NOTHING] : pathspecs;
}

/**
 * Converts a pattern of code-hash-filter to a pathspec: `:(glob)`, in which `**` crosses folders and `*` does not, or
 * `:(exclude,glob)` for `!pattern`. The prefix also keeps git from reading a pattern as an option or other magic.
 */
function pathspecOf(pattern: string): string {
  const glob = withoutMark(pattern);
  const refused = `code-hash-filter has the pattern '${printable(pattern)}'`;
  if (glob === '' || glob.includes('\0')) throw new InputError(`${refused}: give a path or a glob in its place`);
  if (glob.startsWith('/'))
    throw new InputError(`${refused}: patterns are relative to the repository, so leave out the '/'`);
  return isExcluding(pattern) ? `:(exclude,glob)${glob}` : `:(glob)${glob}`;
}

export function isExcluding(pattern: string): boolean {
  return pattern.startsWith('!');
}

/** Removes the leading `!` of an excluding pattern. */
export function withoutMark(pattern: string): string {
  return isExcluding(pattern) ? pattern.slice(1) : pattern;
}
