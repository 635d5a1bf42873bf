import { createHash } from 'node:crypto';
import { once } from '../async.ts';
import { InputError } from '../errors.ts';
import type { PatternGroup, SourceListing, SourceTree } from '../ports.ts';
import { printable } from '../text.ts';

const VERSION = 's3-asset-manager/code-hash/v1';

/**
 * The `git-sha256` code hash, as specified in protocol.md: SHA-256 of a version and the salt, each ended by NUL, and of
 * the entries exactly as git prints them.
 *
 * @param salt anything else the build depends on; hashed as UTF-8
 * @returns 64 hex digits
 * @throws InputError if the salt has a NUL, since two different inputs could then give the same bytes
 */
export function gitSha256(salt: string, listing: SourceListing): string {
  if (salt.includes('\0')) throw new InputError('code-hash-salt contains a NUL character: take it out');
  return createHash('sha256').update(`${VERSION}\0${salt}\0`, 'utf8').update(listing).digest('hex');
}

/**
 * The `md5` code hash, as the Python tool computes it.
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

/** How to find the code hash, according to the inputs. */
export type CodeHashRequest =
  | { readonly kind: 'given'; readonly value: string }
  | {
      readonly kind: 'computed';
      readonly patterns: readonly string[];
      /** Set if the sources are those of a package. */
      readonly package?: PackageRequest | undefined;
      readonly algorithm: CodeHashAlgorithm;
      readonly salt: string;
      /** How to treat a pattern that matches nothing. */
      readonly unmatchedPatterns: 'error' | 'warn';
    };

/** The package that the patterns belong to, and the packages that it needs. */
export interface PackageRequest {
  readonly name: string;
  /** All packages that it needs, directly or not. */
  readonly needs: readonly { readonly name: string; readonly patterns: PatternGroup }[];
  /** Its patterns and those of the packages that it needs. */
  readonly declared: readonly DeclaredPattern[];
}

/** A pattern in the document that is the input `packages`. */
export interface DeclaredPattern {
  readonly pattern: string;
  /** Whose it is, for messages: `the sources of package 'api'`. */
  readonly owner: string;
  /** Where it is, as messages about the document begin: `packages, line 2, column 13`. */
  readonly place: string;
}

/** A hex digest of the sources that a build depends on, and its algorithm if that is known. */
export interface CodeHash {
  readonly value: string;
  readonly algorithm: CodeHashAlgorithm | undefined;
  /**
   * Returns the sources that it was computed from, in the format of asset-set/sources.ts; undefined if they are
   * unknown.
   */
  readonly sources?: () => Promise<string | undefined>;
}

interface SourceTreeOptions {
  /** The root of a repository that is checked out. */
  readonly repositoryPath: string;
  /** Untracked files in it are assets, not sources; need not exist. */
  readonly packageDirectory: string;
  /** Set if there are several packages. */
  readonly packages?: SharedPackages | undefined;
}

/** Settings for listing the sources of several packages together. */
export interface SharedPackages {
  /** The directories of all packages. */
  readonly directories: readonly string[];
  /** All patterns that will be asked for, so that git lists them only once. */
  readonly groups: readonly PatternGroup[];
}

/**
 * The sources in a git repository. Both paths may be relative to the working directory. The modules that do the work
 * are loaded on demand, since a check that finds the commit's own set does not need them.
 */
export function gitSourceTree({ repositoryPath, packageDirectory, packages }: SourceTreeOptions): SourceTree {
  const shared = once(async () => {
    const { sharedEntries } = await import('./shared-entries.ts');
    const { directories, groups } = packages ?? { directories: [packageDirectory], groups: [EVERYTHING] };
    return sharedEntries({ root: repositoryPath, packageDirectories: directories, groups });
  });
  const matcher = once(async () => (await import('./shared-entries.ts')).sourceMatcher(repositoryPath));
  return {
    path: repositoryPath,
    exists: async () => (await import('./git.ts')).isDirectory(repositoryPath),
    isRepository: async () => (await import('./git.ts')).isRepositoryRoot(repositoryPath),
    head: once(async () => (await import('./git.ts')).readHead(repositoryPath)),
    resolve: async (name) => (await import('./git.ts')).resolveName(repositoryPath, name),
    parents: once(async () => (await import('./git.ts')).readParents(repositoryPath)),
    ancestors: async (commit) => (await import('./git.ts')).readAncestors(repositoryPath, commit),
    nested: async () => (await import('./git.ts')).findNested(repositoryPath),
    entries: async (patterns, needs = []) =>
      packages === undefined && needs.length === 0
        ? (await import('./git-entries.ts')).findEntries(repositoryPath, [packageDirectory], patterns)
        : (await shared())([patterns, ...needs]),
    committedEntries: async (patterns, needs = []) =>
      (await import('./git-entries.ts')).findCommittedEntries(repositoryPath, [patterns, ...needs]),
    matching: async (...asked) => (await matcher())(...asked),
    contents: async (patterns) => (await import('./md5.ts')).globbedContents(repositoryPath, patterns),
  };
}

const EVERYTHING: PatternGroup = ['**'];

/** More alternatives than this are not written out. */
const MOST_ALTERNATIVES = 12;
/** A group in braces that contains no other group. */
const INNERMOST_GROUP = /\{([^{}]*,[^{}]*)\}/;

interface ForeignSyntax {
  readonly syntax: RegExp;
  readonly why: string;
  /** @returns the patterns to write instead, or advice if they can't be written out */
  readonly rewrite: (pattern: string) => readonly string[] | string;
}

/** Syntax that people know from other tools, and why it matches nothing here. */
const FOREIGN_SYNTAX: readonly ForeignSyntax[] = [
  { syntax: /["'`]/, why: 'quotes are taken literally', rewrite: (pattern) => [pattern.replaceAll(/["'`]/g, '')] },
  { syntax: /[{}]/, why: 'braces are taken literally', rewrite: alternativesOf },
  // Commas in braces don't separate patterns, so braces are handled first.
  {
    syntax: /,/,
    why: 'patterns are separated by white space, not by commas',
    rewrite: (pattern) => pattern.split(/,+/).filter((part) => part !== ''),
  },
  { syntax: /\\/, why: "folders are separated by '/'", rewrite: (pattern) => [pattern.replaceAll(/\\+/g, '/')] },
  {
    syntax: /^\//,
    why: "patterns are relative to the repository, so leave out the '/'",
    rewrite: (pattern) => [pattern.replace(/^\/+/, '')],
  },
];

/**
 * Says which patterns match nothing.
 *
 * @param patterns at least one
 * @param owner of the patterns, for the message
 * @returns the beginning of a sentence; it also says what to write instead of the first pattern that has syntax of
 *   another tool
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
  for (const { syntax, why, rewrite } of FOREIGN_SYNTAX) {
    if (!texts.some((text) => syntax.test(text))) continue;
    reasons.push(why);
    const mended = new Set<string>();
    for (const part of texts.map(rewrite)) {
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
  // White space has split the pattern, or a brace is unbalanced.
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
