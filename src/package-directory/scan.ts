import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Minimatch } from 'minimatch';
import { isHidden, isMarker, isNoText, isTemporary } from '../asset-set/path.ts';
import { InputError, UserError } from '../errors.ts';
import type { FileSelection, Log, ScannedFile } from '../ports.ts';
import { comparePaths, isError, printable, systemCode } from '../text.ts';
import { changed, resolveInside } from './files.ts';

const FILES_A_TURN = 500;

const ANY_EXECUTE_BIT = 0o111;

// Except on Windows, a backslash escapes the next character.
const SEPARATOR = sep === '\\' ? /[\\/]/ : /\//;
const OWN_FOLDER = sep === '\\' ? /^(\.[\\/])+(?=.)/ : /^(\.\/)+(?=.)/;

/**
 * Finds the files to upload. Links to files inside the directory are followed; nothing is ever read through a link
 * that leads out of it.
 *
 * @param root the package directory
 * @returns sorted by the bytes of their paths
 * @throws UserError for a broken link or one that leads out, a pipe, a socket or a device
 */
export async function scanFiles(root: string, selection: FileSelection, log: Log): Promise<readonly ScannedFile[]> {
  const realRoot = realpathSync.native(root);
  const found =
    selection.patterns.length === 0 ? everyPath(realRoot, selection) : await matchingPaths(realRoot, selection);
  const files: ScannedFile[] = [];
  let count = 0;
  for (const path of found) {
    if (isMarker(path) || isTemporary(path) || (!selection.includeHidden && isHidden(path))) continue;
    count += 1;
    // Lets signals and git's output be handled.
    if (count % FILES_A_TURN === 0) await nextTurn();
    const file = describe(realRoot, path);
    if (file === undefined) log.warning(`'${printable(path)}' is left out: a link to a folder is not followed.`);
    else files.push(file);
  }
  if (count > 0 && selection.patterns.length > 0) warnAboutUnmatched(selection, files, log);
  return files;
}

/** Warns about patterns that match no file. If no file at all was found, if-no-files-found decides instead. */
function warnAboutUnmatched(selection: FileSelection, files: readonly ScannedFile[], log: Log): void {
  const { patterns, includeHidden } = selection;
  const paths = files.map(({ path }) => path);
  const isLeftOut = (pattern: string) => !includeHidden && isHidden(pattern.replace(OWN_FOLDER, ''));
  for (const pattern of unmatchedPatterns(patterns, paths))
    log.warning(
      `No file to upload matches the pattern '${printable(pattern)}' of files: correct or remove it${isLeftOut(pattern) ? ', or set include-hidden-files' : ''}.`,
    );
}

/**
 * Counts the files that an upload without patterns would find, without opening any of them.
 *
 * @returns undefined if a folder can't be read
 */
export function countFiles(root: string): number | undefined {
  const isAsset = (path: string) => !isMarker(path) && !isTemporary(path) && !isHidden(path);
  try {
    return everyPath(root, { patterns: [], includeHidden: false })
      .filter(isAsset)
      .reduce((count) => count + 1, 0);
  } catch {
    return undefined;
  }
}

/**
 * Lists every path of a folder. Links are listed, not followed.
 *
 * @param folder empty, or ends in `/`
 * @returns the paths in the order of their bytes, since a folder's name is sorted with its `/`
 */
function* everyPath(root: string, selection: FileSelection, folder = ''): Generator<string> {
  const entries = entriesOf(root, folder).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  for (const name of entries.sort(comparePaths))
    if (!name.endsWith('/')) yield folder + name;
    else if (selection.includeHidden || !isHidden(name)) yield* everyPath(root, selection, folder + name);
}

function entriesOf(root: string, folder: string): Dirent[] {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch (cause) {
    refuseNoText(folder);
    const why = systemCode(cause);
    throw new UserError(`The folder '${printable(folder)}' can't be read (${why}): check its permissions`, { cause });
  }
}

function refuseNoText(path: string): void {
  if (isNoText(path))
    throw new InputError(`'${printable(path)}' can't be an asset: its name is not valid UTF-8. Rename or exclude it.`);
}

/** @param root absolute, with every link resolved, since the matcher does not follow links */
async function matchingPaths(root: string, { patterns }: FileSelection): Promise<string[]> {
  if (/[\r\n]/.test(root))
    throw new InputError(`package-directory is '${printable(root)}': rename it without line ends`);
  const { create } = await import('@actions/glob');
  const wanted = patterns.some((pattern) => !pattern.startsWith('!')) ? patterns : ['**', ...patterns];
  const options = { followSymbolicLinks: false, implicitDescendants: false, matchDirectories: false };
  const globber = create(wanted.map((pattern) => rooted(root, pattern)).join('\n'), options);
  const found = await globber
    .then((created) => created.glob())
    .catch((cause: unknown) => {
      const why = printable(isError(cause) ? cause.message : String(cause));
      throw new InputError(`files can't be used as patterns: ${why}`, { cause });
    });
  const paths = new Set(found.map((path) => relative(root, path).split(sep).join('/')));
  return [...paths].sort(comparePaths);
}

function rooted(root: string, pattern: string): string {
  const negation = pattern.startsWith('!') ? '!' : '';
  const relativePattern = pattern.slice(negation.length).replace(OWN_FOLDER, '');
  const segments = relativePattern.split(SEPARATOR);
  if (segments.includes('..') || segments[0] === '' || segments[0]?.startsWith('~') || /^[a-z]:/i.test(relativePattern))
    throw new InputError(`files has the pattern '${printable(pattern)}': give patterns relative to package-directory`);
  return `${negation}${escapePattern(root)}/${relativePattern}`;
}

/** Escapes a path so that it matches only itself. */
function escapePattern(path: string): string {
  const escaped = sep === '\\' ? path : path.replaceAll('\\', '\\\\');
  return escaped.replace(/[[*?]/g, '[$&]');
}

function describe(root: string, path: string): ScannedFile | undefined {
  const file = join(root, path);
  try {
    const own = lstatSync(file);
    if (own.isSymbolicLink()) resolveInside(root, file, path);
    const target = own.isSymbolicLink() ? statSync(file) : own;
    if (target.isDirectory()) return undefined;
    if (target.isFile()) return { path, sizeBytes: target.size, executable: (target.mode & ANY_EXECUTE_BIT) !== 0 };
  } catch (error) {
    refuseNoText(path);
    throw error instanceof UserError ? error : changed(path, error);
  }
  throw new UserError(
    `'${printable(path)}' is a pipe, a socket or a device: exclude it, or have the build write a file`,
  );
}

/** Reads patterns like `@actions/glob`, so that `files` means the same for a disk and for a record. */
const OPTIONS = { dot: true, nobrace: true, nocomment: true, noext: true, nonegate: true } as const;
const OPTIONS_ON_WINDOWS = { ...OPTIONS, nocase: true, windowsPathsNoEscape: true } as const;

interface Matcher {
  readonly isExcluding: boolean;
  readonly matches: (path: string) => boolean;
}

/**
 * Selects paths by patterns, of which the last one that matches decides.
 *
 * @param patterns relative to the package directory; `!` excludes. No patterns select every path, and only excluding
 *   ones select all others
 * @param isWindows whether case is ignored and a backslash is a separator
 * @returns whether a path is selected
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
 * @param patterns like those of `pathMatcher`
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
  // In `@actions/glob`, a pattern that ends in `/**` also matches a file with the name of that folder.
  const ending = segments.at(-1) === '**' ? '/' : '';
  return { isExcluding, matches: (path) => matcher.match(path + ending) };
}
