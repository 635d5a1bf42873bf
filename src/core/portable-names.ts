import { IGNORED_BY_HFS, isMarker } from './asset-path.ts';
import { printable } from './printable.ts';

/** A system by what it makes of file names; as Node names it. */
export type NamingRules = 'win32' | 'darwin' | 'other';

/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file; what follows spaces or a point does not count. */
const RESERVED_ON_WINDOWS = /(^|\/)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.[^/]*)?(\/|$)/i;
const FORBIDDEN_ON_WINDOWS = /[<>:"|?*\\]|[. ](\/|$)/;

/** Of a file or folder name, on every file system that runners have. */
const LONGEST_NAME = 255;
/** No shorter one has more bytes: a UTF-16 unit has three at most. */
const MAYBE_TOO_LONG = /[^/]{86}/;

/**
 * Why a set of paths can't all be files of one directory on a system, each under its own name and none of them a
 * marker file. What no system takes, `pathProblem` tells.
 *
 * @param paths relative, with `/`
 * @returns one sentence about the first trouble, or undefined where there is none
 */
export function namingProblem(paths: readonly string[], rules: NamingRules): string | undefined {
  for (const path of paths) {
    const problem = problemOf(path, rules);
    if (problem !== undefined) return `'${printable(path)}' ${problem}`;
  }
  return collision(paths, rules);
}

function problemOf(path: string, rules: NamingRules): string | undefined {
  if (rules === 'win32' && (RESERVED_ON_WINDOWS.test(path) || FORBIDDEN_ON_WINDOWS.test(path)))
    return 'is no name for a file on Windows';
  if (MAYBE_TOO_LONG.test(path) && path.split('/').some((name) => lengthOf(name, rules) > LONGEST_NAME))
    return `has a file or folder name of more than ${LONGEST_NAME} ${rules === 'other' ? 'bytes' : 'characters'}`;
  const [first = ''] = path.split('/', 1);
  if (isMarker(fold(first, rules))) return 'stands where a marker file of this action belongs';
  return undefined;
}

/** Windows and macOS count UTF-16 units, others bytes. */
function lengthOf(name: string, rules: NamingRules): number {
  return rules === 'other' ? Buffer.byteLength(name) : name.length;
}

/** Two paths that are one file there, or one that is a file and another's folder. */
function collision(paths: readonly string[], rules: NamingRules): string | undefined {
  // Those before a path that its name begins with, shortest first.
  const open: NamedPath[] = [];
  for (const { path, name } of inOrder(paths, rules)) {
    while (open.length > 0 && !name.startsWith(open.at(-1)?.name ?? '')) open.pop();
    const last = open.at(-1);
    if (last?.path === path) return `'${printable(path)}' is named twice`;
    if (last?.name === name)
      return `'${printable(last.path)}' and '${printable(path)}' are the same file on this system`;
    const file = open.find((each) => name[each.name.length] === '/');
    if (file !== undefined) return `'${printable(file.path)}' is a file, and the folder of '${printable(path)}'`;
    open.push({ path, name });
  }
  return undefined;
}

interface NamedPath {
  readonly path: string;
  /** What the system makes of it. */
  readonly name: string;
}

/** So that what begins with a name comes right after it. */
function inOrder(paths: readonly string[], rules: NamingRules): NamedPath[] {
  const named = paths.map((path) => ({ path, name: fold(path, rules) }));
  return named.sort((left, right) => (left.name < right.name ? -1 : Number(left.name > right.name)));
}

/**
 * Windows and macOS do not tell upper from lower case, and macOS does not tell composed from decomposed letters either.
 * NTFS compares letter by letter, so `ß` is not `ss` there.
 */
function fold(path: string, rules: NamingRules): string {
  if (rules === 'other') return path;
  if (rules === 'win32') return path.replace(/./gsu, upperCaseLetter).toLowerCase();
  const decomposed = path.replace(IGNORED_BY_HFS, '').normalize('NFD');
  return decomposed.toUpperCase().toLowerCase().normalize('NFC');
}

function upperCaseLetter(letter: string): string {
  const upper = letter.toUpperCase();
  return upper.length === letter.length ? upper : letter;
}
