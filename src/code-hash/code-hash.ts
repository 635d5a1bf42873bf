import { createHash } from 'node:crypto';
import { once } from '../async.ts';
import { InputError } from '../errors.ts';
import type { PatternGroup, SourceListing, SourceTree } from '../ports.ts';
import { printable } from '../text.ts';

const VERSION = 's3-asset-manager/code-hash/v1';

/**
 * The `git-sha256` code hash, as protocol.md fixes it: SHA-256 of a version and the salt, each ended by NUL, and of the
 * entries just as git prints them.
 *
 * @param salt anything else the build depends on; hashed as UTF-8
 * @returns 64 hex digits
 * @throws InputError where the salt has a NUL, with which two different inputs could give the same bytes
 */
export function gitSha256(salt: string, listing: SourceListing): string {
  if (salt.includes('\0')) throw new InputError('code-hash-salt contains a NUL character: take it out');
  return createHash('sha256').update(`${VERSION}\0${salt}\0`, 'utf8').update(listing).digest('hex');
}

/**
 * The `md5` code hash: what the Python tool computes.
 *
 * @param contents of every file that counts, in order, in pieces of any length
 * @returns 32 hex digits
 */
export async function md5(contents: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of contents) hash.update(piece);
  return hash.digest('hex');
}

export type CodeHashAlgorithm = 'git-sha256' | 'md5';

/** How the code hash is to be had, as the inputs say it. */
export type CodeHashRequest =
  | { readonly kind: 'given'; readonly value: string }
  | {
      readonly kind: 'computed';
      readonly patterns: readonly string[];
      /** Where the sources are a package's. */
      readonly package?: PackageRequest | undefined;
      readonly algorithm: CodeHashAlgorithm;
      readonly salt: string;
      /** What a pattern is that matches nothing. */
      readonly unmatchedPatterns: 'error' | 'warn';
    };

/** Whose the patterns of a request are, and what else counts. */
export interface PackageRequest {
  readonly name: string;
  /** The packages that it needs, all of them. */
  readonly needs: readonly { readonly name: string; readonly patterns: PatternGroup }[];
}

/** A digest of the sources that a build depends on, as hex, and how it was made, where that is known. */
export interface CodeHash {
  readonly value: string;
  readonly algorithm: CodeHashAlgorithm | undefined;
  /** What it was computed from, as asset-set/sources.ts has it; undefined where nobody knows. */
  readonly sources?: () => Promise<string | undefined>;
}

interface SourceTreeOptions {
  /** The root of a repository that is checked out. */
  readonly repositoryPath: string;
  /** Untracked files in it are assets, not sources; need not exist. */
  readonly packageDirectory: string;
  /** Where there are several packages. */
  readonly packages?: SharedPackages | undefined;
}

/** What the sources of packages have in common. */
export interface SharedPackages {
  /** Of all packages. */
  readonly directories: readonly string[];
  /** All that will be asked for: git then lists it once. */
  readonly groups: readonly PatternGroup[];
}

/**
 * The sources as git has them; both paths may be relative to the working directory. A check that finds the commit's own
 * set asks nothing of them, so what answers is loaded when it is asked.
 */
export function gitSourceTree({ repositoryPath, packageDirectory, packages }: SourceTreeOptions): SourceTree {
  const shared = once(async () => {
    const { sharedEntries } = await import('./shared-entries.ts');
    const { directories, groups } = packages ?? { directories: [packageDirectory], groups: [EVERYTHING] };
    return sharedEntries({ root: repositoryPath, packageDirectories: directories, groups });
  });
  const parentsOfHead = once(async () => (await import('./git.ts')).readParents(repositoryPath));
  return {
    path: repositoryPath,
    exists: async () => (await import('./git.ts')).isDirectory(repositoryPath),
    isRepository: async () => (await import('./git.ts')).isRepositoryRoot(repositoryPath),
    head: once(async () => (await import('./git.ts')).readHead(repositoryPath)),
    resolve: async (name) => (await import('./git.ts')).resolveName(repositoryPath, name),
    parents: async (commit) =>
      commit === undefined ? parentsOfHead() : (await import('./git.ts')).readParents(repositoryPath, commit),
    nested: async () => (await import('./git.ts')).findNested(repositoryPath),
    entries: async (patterns, needs = []) =>
      packages === undefined && needs.length === 0
        ? (await import('./git-entries.ts')).findEntries(repositoryPath, [packageDirectory], patterns)
        : (await shared())([patterns, ...needs]),
    committedEntries: async (patterns, needs = []) =>
      (await import('./git-entries.ts')).findCommittedEntries(repositoryPath, [patterns, ...needs]),
    contents: async (patterns) => (await import('./md5.ts')).globbedContents(repositoryPath, patterns),
  };
}

const EVERYTHING: PatternGroup = ['**'];

/** More than these are not written out. */
const MOST_ALTERNATIVES = 12;
/** A group in braces that holds no other. */
const INNERMOST_GROUP = /\{([^{}]*,[^{}]*)\}/;

interface Habit {
  readonly sign: RegExp;
  readonly why: string;
  /** @returns the patterns to write instead, or advice where they can't be written out */
  readonly mend: (pattern: string) => readonly string[] | string;
}

/** What people write by the habit of other tools, and why it matches nothing here. */
const HABITS: readonly Habit[] = [
  { sign: /["'`]/, why: 'quotes are taken literally', mend: (pattern) => [pattern.replaceAll(/["'`]/g, '')] },
  { sign: /[{}]/, why: 'braces are taken literally', mend: alternativesOf },
  // A comma in braces separates no patterns, so this comes after them.
  {
    sign: /,/,
    why: 'patterns are separated by white space, not by commas',
    mend: (pattern) => pattern.split(/,+/).filter((part) => part !== ''),
  },
  { sign: /\\/, why: "folders are separated by '/'", mend: (pattern) => [pattern.replaceAll(/\\+/g, '/')] },
  {
    sign: /^\//,
    why: "patterns are relative to the repository, so leave out the '/'",
    mend: (pattern) => [pattern.replace(/^\/+/, '')],
  },
];

/**
 * Says which patterns match nothing.
 *
 * @param patterns at least one
 * @param owner what they are of
 * @returns the beginning of a line; of the first pattern that shows a habit, also what to write instead
 */
export function describeUnmatched(
  patterns: readonly string[],
  repositoryPath: string,
  owner = 'code-hash-filter',
): string {
  const names = patterns.map((pattern) => `'${printable(pattern)}'`).join(' or ');
  const hint = patterns.map(hintFor).find((text) => text !== undefined);
  const line = `Nothing in '${printable(repositoryPath)}' matches ${names} of ${owner}`;
  return hint === undefined ? line : `${line} (${hint})`;
}

function hintFor(pattern: string): string | undefined {
  const reasons: string[] = [];
  let texts: readonly string[] = [pattern];
  for (const { sign, why, mend } of HABITS) {
    if (!texts.some((text) => sign.test(text))) continue;
    reasons.push(why);
    const mended = new Set<string>();
    for (const part of texts.map(mend)) {
      if (typeof part === 'string') return `${part}: ${reasons.join('; ')}`;
      for (const text of part) mended.add(text);
    }
    texts = [...mended];
  }
  if (reasons.length === 0) return undefined;
  const reason = reasons.join('; ');
  const mended = texts.join(' ');
  return mended === '' ? reason : `write '${printable(mended)}': ${reason}`;
}

/** Expands braces as shells do. */
function alternativesOf(pattern: string): readonly string[] | string {
  let texts = [pattern];
  for (;;) {
    const expanded = new Set(texts.flatMap(expandGroup));
    if (expanded.size > MOST_ALTERNATIVES)
      return `write each of its more than ${MOST_ALTERNATIVES} alternatives as a pattern of its own`;
    if (texts.every((text) => expanded.has(text))) break;
    texts = [...expanded];
  }
  // White space has cut the pattern in two, or a brace has no counterpart.
  if (texts.some((text) => /[{}]/.test(text)))
    return 'write each alternative as a pattern of its own, without braces and white space';
  return texts;
}

function expandGroup(text: string): string[] {
  const group = INNERMOST_GROUP.exec(text);
  if (group === null) return [text];
  const [whole, alternatives = ''] = group;
  const after = text.slice(group.index + whole.length);
  return alternatives.split(',').map((alternative) => text.slice(0, group.index) + alternative + after);
}
