import { InputError } from '../errors.ts';
import type { SourceListing } from '../ports.ts';
import { printable } from '../text.ts';
import { askGit, type GitResult } from './git.ts';

export const SUBMODULE_MODE = '160000 ';

/** A repository's own index, or another that variables name. */
interface Index {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface IndexListing {
  /** As `git ls-files -s -z` prints them. */
  readonly entries: Buffer;
  /** Pathspecs of the submodules that are listed only because a pattern takes in everything below them. */
  readonly submodules: readonly string[];
  /** Paths of the submodules that git lists although a pattern excludes everything below them. */
  readonly excludedSubmodules: ReadonlySet<string>;
  /** False where git says that one of the patterns matches nothing. */
  readonly allMatch: boolean;
}

/**
 * Lists what an index has for patterns. To git a submodule at `X` does not match `X/**`, as nothing in it is in the
 * index, so other processes look for those that such patterns include or exclude.
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
 * Asks git pattern by pattern, so only where one of them is known not to match. An excluding pattern need not match,
 * nor does it matter whether it takes out all that another one matches.
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

/** git can say of the including patterns alone whether all of them match, so with excluding ones it is asked twice. */
async function listMatching(
  index: Index,
  patterns: readonly string[],
): Promise<Pick<IndexListing, 'entries' | 'allMatch'>> {
  const including = patterns.filter((pattern) => !isExcluding(pattern));
  const judging = list(index, including.length === 0 ? patterns : including);
  if (including.length === 0 || including.length === patterns.length) {
    const { exitCode, output } = await judging;
    return { entries: output, allMatch: exitCode === 0 };
  }
  const [{ exitCode }, { output }] = await Promise.all([judging, list(index, patterns)]);
  return { entries: output, allMatch: exitCode === 0 };
}

/** Ends with 1 where a pathspec that includes matches nothing, having listed all the same. */
function list({ root, environment }: Index, patterns: readonly string[]): Promise<GitResult> {
  const args = ['ls-files', '-z', '-s', '--error-unmatch', '--', ...pathspecsOf(patterns)];
  return askGit(root, args, { environment, accepted: [0, 1] });
}

/**
 * @param patterns including ones
 * @param excluding ones that begin with `!`
 * @returns the entries of submodules at an `X` whose pattern is `X/**`, one character for each byte
 */
async function listSubmodules(
  index: Index,
  patterns: readonly string[],
  excluding: readonly string[] = [],
): Promise<string[]> {
  const places = patterns.map(folderOf).filter((folder) => folder !== undefined);
  if (places.length === 0) return [];
  // Without what lies below, which can be long and which git has judged.
  const wanted = places.flatMap((folder) => [folder, `!${folder}/**`]);
  const found = await submodulesOf(index, wanted);
  // Excluding patterns take their time over thousands of files, and there are submodules seldom.
  return found.length === 0 || excluding.length === 0 ? found : submodulesOf(index, [...wanted, ...excluding]);
}

async function submodulesOf(index: Index, patterns: readonly string[]): Promise<string[]> {
  const { output } = await list(index, patterns);
  return recordsOf(output.toString('latin1')).filter((entry) => entry.startsWith(SUBMODULE_MODE));
}

/** `X` of a pattern for everything below it. */
function folderOf(pattern: string): string | undefined {
  return /^(.+?)(?:\/\*\*)+(?:\/\*)?$/s.exec(pattern)?.[1];
}

/** In the order of the bytes of their paths, which is git's. */
function corrected(entries: Buffer, added: readonly string[], removed: ReadonlySet<string>): Buffer {
  const all = new Set([...recordsOf(entries.toString('latin1')), ...added]);
  const kept = [...all].map((entry) => ({ entry, path: pathOf(entry) })).filter(({ path }) => !removed.has(path));
  const sorted = kept.sort((a, b) => (a.path < b.path ? -1 : 1));
  return Buffer.from(endedByNul(sorted.map(({ entry }) => entry)), 'latin1');
}

/** Entries of several listings together, each path once, in the order of the bytes of their paths. */
export function unitedEntries(listings: readonly SourceListing[]): SourceListing {
  const [first] = listings;
  if (first !== undefined && listings.length === 1) return first;
  const texts = listings.map((listing) => Buffer.from(listing).toString('latin1'));
  return corrected(Buffer.alloc(0), texts.flatMap(recordsOf), new Set());
}

// Everything here is bytes of git's output as text, one character for each (Latin-1).

/** What `git diff-files --name-status` says: how tracked files differ from the index. */
export interface Changes {
  readonly modified: readonly string[];
  readonly deleted: ReadonlySet<string>;
  /** A path that a merge left undecided, where there is one. */
  readonly conflicted: string | undefined;
}

/** @param output of `git diff-files -z --name-status --no-renames`: status and path by turns */
export function parseChanges(output: string): Changes {
  const modified: string[] = [];
  const deleted = new Set<string>();
  let conflicted: string | undefined;
  let status = '';
  for (const [index, record] of recordsOf(output).entries()) {
    if (index % 2 === 0) status = record;
    else if (status === 'D') deleted.add(record);
    else if (status === 'U') conflicted ??= record;
    // Where a nested repository came in the place of a file (a change of type), update-index takes the file away when
    // it is first told of the path, and adds the repository the next time.
    else modified.push(...(status === 'T' ? [record, record] : [record]));
  }
  return { modified, deleted, conflicted };
}

/** What is ended by NUL each. */
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

// Nothing in an index can have this name.
const NOTHING = ':(literal).git';

/**
 * Patterns of code-hash-filter as git takes them. Where all that include begin with the same folder, `git ls-files`
 * skips as many characters of the excluding ones too, and `src/** !lib/a*` would leave out `src/a.ts`: one that begins
 * with nothing keeps it from that.
 *
 * @throws InputError for an empty pattern, which git would take for everything, and for one with a leading slash, which
 *   git would look for at the root of the disk
 */
export function pathspecsOf(patterns: readonly string[]): string[] {
  const pathspecs = patterns.map(pathspecOf);
  return patterns.some(isExcluding) && !patterns.every(isExcluding) ? [...pathspecs, NOTHING] : pathspecs;
}

/**
 * A pattern of code-hash-filter as git takes it: `:(glob)`, where `**` crosses folders and `*` does not, or for
 * `!pattern` one that excludes. The magic in front also keeps a pattern from being read as an option or other magic.
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

/** What an excluding pattern excludes, or an including one includes. */
export function withoutMark(pattern: string): string {
  return isExcluding(pattern) ? pattern.slice(1) : pattern;
}
