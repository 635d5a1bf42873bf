import { Minimatch } from 'minimatch';
import { printable } from '../core/printable.ts';
import { InputError } from '../errors.ts';

/** As `@actions/glob` reads patterns, so that `files` means the same for a disk and for a record. */
const OPTIONS = { dot: true, nobrace: true, nocomment: true, noext: true, nonegate: true } as const;
const OPTIONS_ON_WINDOWS = { ...OPTIONS, nocase: true, windowsPathsNoEscape: true } as const;

interface Matcher {
  readonly isExcluding: boolean;
  readonly matches: (path: string) => boolean;
}

/**
 * Chooses paths by patterns: one that a later `!pattern` excludes is out, unless a later one takes it in again.
 *
 * @param patterns relative to the package directory; none means every path, and only `!` ones all but those
 * @param isWindows there case does not count, and a backslash is a separator
 * @returns whether a path is chosen
 * @throws InputError for a pattern that an upload would refuse too
 */
export function pathMatcher(
  patterns: readonly string[],
  isWindows = process.platform === 'win32',
): (path: string) => boolean {
  const isOnlyExcluding = patterns.every((pattern) => pattern.startsWith('!'));
  const matchers = patterns.map((pattern) => matcherOf(pattern, isWindows));
  return (path) => {
    const last = matchers.findLast(({ matches }) => matches(path));
    return last === undefined ? isOnlyExcluding : !last.isExcluding;
  };
}

/**
 * @param patterns as for `pathMatcher`
 * @returns the including patterns that match none of the paths
 */
export function unmatchedPatterns(
  patterns: readonly string[],
  paths: Iterable<string>,
  isWindows = process.platform === 'win32',
): string[] {
  const including = patterns.filter((pattern) => !pattern.startsWith('!'));
  let unmatched = including.map((pattern) => ({ pattern, ...matcherOf(pattern, isWindows) }));
  for (const path of paths) {
    if (unmatched.length === 0) break;
    unmatched = unmatched.filter(({ matches }) => !matches(path));
  }
  return unmatched.map(({ pattern }) => pattern);
}

function matcherOf(pattern: string, isWindows: boolean): Matcher {
  const isExcluding = pattern.startsWith('!');
  const ownFolder = isWindows ? /^(\.[\\/])+(?=.)/ : /^(\.\/)+(?=.)/;
  const relative = pattern.slice(isExcluding ? 1 : 0).replace(ownFolder, '');
  const segments = relative.split(isWindows ? /[\\/]+/ : /\/+/);
  if (segments.includes('.') || segments.includes('..'))
    throw new InputError(`files has the pattern '${printable(pattern)}': leave out its '.' and '..' segments`);
  const matcher = new Minimatch(relative, isWindows ? OPTIONS_ON_WINDOWS : OPTIONS);
  // There a pattern that ends in `**` takes a file that has the name of the folder before it, too.
  const ending = segments.at(-1) === '**' ? '/' : '';
  return { isExcluding, matches: (path) => matcher.match(path + ending) };
}
