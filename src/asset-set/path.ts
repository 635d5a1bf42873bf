import { printable } from '../text.ts';

const MAX_KEY_BYTES = 1024;

/** Files beside the assets that pass results from one step to the next. */
export const MARKERS = [
  '.found',
  '.found-at',
  '.commit-hash',
  '.code-hash',
  '.code-sources',
  '.record.json',
  '.sha256sums',
] as const;
export type Marker = (typeof MARKERS)[number];

const MARKER_NAMES: ReadonlySet<string> = new Set(MARKERS);

/** Characters that HFS+ ignores in names: `next_hfs_char` of https://github.com/git/git/blob/master/utf8.c */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Names that some file systems take for `.git`: in upper or lower case, as a short name, with trailing dots, or with a
 * stream.
 */
const IN_GIT_FOLDER = /(^|\/)(\.git|git~1)[. ]*(:|\/|$)/i;

/** Whether a path is that of a marker file, which is never an asset. */
export function isMarker(path: string): boolean {
  return MARKER_NAMES.has(path);
}

const UUID = '[0-9a-f-]{36}';
const RESTORING = new RegExp(`(^|/)\\.restoring-${UUID}$`);
const UNFINISHED_MARKER = new RegExp(`^(.+)\\.${UUID}\\.tmp$`);

/**
 * Whether a killed run left the file behind while it was restoring an asset or writing a marker file. Such a file is
 * never an asset.
 */
export function isTemporary(path: string): boolean {
  return RESTORING.test(path) || isMarker(UNFINISHED_MARKER.exec(path)?.[1] ?? '');
}

/** A path is hidden when its file or any folder above it starts with a dot. */
export function isHidden(path: string): boolean {
  return path.split('/').some((segment) => segment.startsWith('.'));
}

/** Whether a name was not valid UTF-8: Node replaces such bytes, so no file has the resulting name. */
export function isNoText(path: string): boolean {
  return !path.isWellFormed() || path.includes('\u{fffd}');
}

/**
 * Why no asset can have this path on any system: it would not survive the round trip through a key, or a restore would
 * refuse it. Upload, promotion and restore all check this.
 *
 * @param path relative to the package directory, with `/`; comes from a disk, a listing or a record
 * @param keyPrefixes the prefixes of all keys that the asset will have
 * @returns the reason, or undefined if the path is fine
 */
export function pathProblem(path: string, keyPrefixes: readonly string[]): string | undefined {
  const segments = path.split('/');
  if (path === '') return 'it is empty';
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    return "it has an empty, '.' or '..' segment";
  if (path.includes('\\')) return 'it has a backslash, which is a separator on Windows';
  if (/\p{Cc}/u.test(path)) return 'it has a control character';
  if (isNoText(path)) return 'it is not valid UTF-8';
  if (isMarker(segments[0] ?? '')) return 'it is a marker file of this action';
  if (IN_GIT_FOLDER.test(path.replace(IGNORED_BY_HFS, ''))) return "it leads into git's own files";
  const tooLong = keyPrefixes.find((prefix) => Buffer.byteLength(prefix + path) > MAX_KEY_BYTES);
  if (tooLong === undefined) return undefined;
  return `its key under ${tooLong} would have ${Buffer.byteLength(tooLong + path)} bytes, and S3 takes ${MAX_KEY_BYTES}`;
}

/** A system's rules for file names, by Node's name for the system. */
export type NamingRules = 'win32' | 'darwin' | 'other';

/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file; anything after spaces or a dot is ignored. */
const RESERVED_ON_WINDOWS = /(^|\/)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.[^/]*)?(\/|$)/i;
const FORBIDDEN_ON_WINDOWS = /[<>:"|?*\\]|[. ](\/|$)/;

/** The longest name of a file or folder on the file systems of all runners; see `lengthOf` for the unit. */
const LONGEST_NAME = 255;
/** A shorter name can't have more than 255 bytes: a UTF-16 unit takes three at most. */
const MAYBE_TOO_LONG = /[^/]{86}/;

/**
 * Why these paths can't all be files in one directory on a system, each under its own name and none of them as a marker
 * file. `pathProblem` covers the rules that apply to every system.
 *
 * @param paths relative, with `/`
 * @returns a sentence about the first problem, or undefined if there is none
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

/** Finds two paths that are the same file on the system, or a file that is also the folder of another path. */
function collision(paths: readonly string[], rules: NamingRules): string | undefined {
  // Earlier paths that the current name begins with, shortest first.
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
  /** The path as the system compares it. */
  readonly name: string;
}

/** Sorts the paths so that those that begin with a name come right after it. */
function inOrder(paths: readonly string[], rules: NamingRules): NamedPath[] {
  const named = paths.map((path) => ({ path, name: fold(path, rules) }));
  return named.sort((left, right) => (left.name < right.name ? -1 : Number(left.name > right.name)));
}

/**
 * Windows and macOS ignore case, and macOS also treats composed and decomposed letters alike. NTFS compares letter by
 * letter, so `ß` is not `ss` there.
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
