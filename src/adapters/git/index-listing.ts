import { endedByNul, pathOf, recordsOf } from './listing.ts';
import { isExcluding, pathspecsOf, withoutMark } from './pathspec.ts';
import { askGit, type GitResult } from './run-git.ts';

const SUBMODULE_MODE = '160000 ';

/** A repository's own index, or another that variables name. */
export interface Index {
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
