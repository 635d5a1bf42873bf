import { isUtf8 } from 'node:buffer';
import { closeSync, type Dirent, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import type { SourceContents } from '../ports.ts';
import { comparePaths, printable, systemCode } from '../text.ts';
import { hasMagic, namePattern } from './python-pattern.ts';

const PIECE_BYTES = 256 * 1024;
const TURN_MS = 50;

/**
 * The contents that the Python tool hashes with MD5: for each pattern in order, the files that Python's glob finds,
 * sorted by code point. A file that matches two patterns comes twice.
 *
 * @param root taken literally, even if it contains wildcards
 * @returns pieces of at most 256 KiB, each valid until the next one is requested; iterating throws UserError for a file
 *   that can't be read
 */
export function globbedContents(root: string, patterns: readonly string[]): SourceContents {
  const found = patterns.map((pattern) => filesOf(root, pattern));
  const files = found.flat();
  const unmatched = patterns.filter((_, index) => found[index]?.length === 0);
  return { fileCount: files.length, unmatched, pieces: contentsOf(files) };
}

async function* contentsOf(files: readonly string[]): AsyncGenerator<Uint8Array, void> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let turnBeganMs = performance.now();
  for (const file of files) {
    for (const lengthBytes of readInto(buffer, file)) {
      yield buffer.subarray(0, lengthBytes);
      if (performance.now() - turnBeganMs < TURN_MS) continue;
      // Synchronous reads would delay the handling of signals.
      await nextTurn();
      turnBeganMs = performance.now();
    }
  }
}

function filesOf(root: string, pattern: string): string[] {
  const found = glob(root, pattern).toSorted(comparePaths);
  return found.map((path) => `${root}/${path}`).filter(isFile);
}

/**
 * Whether it is a file, or a link to one. Up to Python 3.12, `file/**` finds the file with a trailing slash; that does
 * not count, since the Python tool stopped with an error.
 */
function isFile(path: string): boolean {
  try {
    return statSync(encodePath(path), { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    if (systemCode(error) === 'ELOOP') return false;
    throw unreadable(path, error);
  }
}

/** Reads a file into the buffer piece by piece; yields the number of bytes each time. */
function* readInto(buffer: Buffer, path: string): Generator<number, void> {
  const file = attempt(path, () => openSync(encodePath(path), 'r'));
  try {
    const readNext = () => attempt(path, () => readSync(file, buffer));
    for (let lengthBytes = readNext(); lengthBytes > 0; lengthBytes = readNext()) yield lengthBytes;
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): UserError {
  return new UserError(
    `Cannot read '${printable(path)}' for the code hash (${systemCode(cause)}): make it readable, or change code-hash-filter`,
    { cause },
  );
}

/**
 * Finds what CPython's `glob.glob(f'{root}/{pattern}', recursive=True)` finds, in any order. A part `**` crosses
 * folders and follows links, wildcards skip names with a leading dot, and a pattern with several `**` finds paths
 * repeatedly.
 *
 * @param root taken literally, although Python would expand wildcards in it
 * @param directoriesOnly as in Python, this only filters the matches of wildcards: under a plain name that is a file,
 *   nothing is found
 * @returns paths relative to the root, as Python's text
 */
function glob(root: string, pattern: string, directoriesOnly = false): string[] {
  const { parent, name } = splitLast(pattern);
  const folders = hasMagic(parent) ? glob(root, parent, true) : [parent];
  const find = finderOf(root, name, directoriesOnly);
  return folders.flatMap((folder) => find(folder).map((path) => join(folder, path)));
}

/** @returns a function that finds the paths in a folder that match one part of a pattern; an empty one is the folder */
function finderOf(root: string, name: string, directoriesOnly: boolean): (folder: string) => readonly string[] {
  if (name === '**') return (folder) => ['', ...namesBelow(join(root, folder), directoriesOnly)];
  if (name === '') return (folder) => (isDirectory(join(root, folder)) ? [''] : []);
  if (!hasMagic(name)) return (folder) => (exists(join(join(root, folder), name)) ? [name] : []);
  const isMatch = namePattern(name);
  const isWanted = (found: string) => (isHidden(name) || !isHidden(found)) && isMatch(found);
  return (folder) => namesIn(join(root, folder), directoriesOnly).filter(isWanted);
}

function namesIn(path: string, directoriesOnly: boolean): string[] {
  const entries = directoryEntries(path);
  const wanted = directoriesOnly ? entries.filter((entry) => isDirectoryEntry(path, entry)) : entries;
  return wanted.map(({ name }) => name);
}

/** @returns every path below a folder, except those with a hidden part */
function namesBelow(path: string, directoriesOnly: boolean): string[] {
  const found: string[] = [];
  const visit = (folder: string, prefix: string) => {
    for (const entry of directoryEntries(folder)) {
      if (isHidden(entry.name) || (directoriesOnly && !isDirectoryEntry(folder, entry))) continue;
      found.push(prefix + entry.name);
      if (entry.mayBeDirectory) visit(join(folder, entry.name), `${prefix}${entry.name}/`);
    }
  };
  visit(path, '');
  return found;
}

function isDirectoryEntry(folder: string, { name, mayBeDirectory }: DirectoryEntry): boolean {
  return mayBeDirectory && isDirectory(join(folder, name));
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/** Python's `os.path.split`: the parent loses its trailing slashes. */
function splitLast(pattern: string): { readonly parent: string; readonly name: string } {
  const start = pattern.lastIndexOf('/') + 1;
  return { parent: pattern.slice(0, start).replace(/\/+$/, ''), name: pattern.slice(start) };
}

/** Python's `os.path.join`. Node's resolves `..` in the text, which is wrong after a link. */
function join(folder: string, path: string): string {
  return folder === '' || folder.endsWith('/') ? folder + path : `${folder}/${path}`;
}

interface DirectoryEntry {
  readonly name: string;
  /** True for a directory, and for a link, which could lead to one. */
  readonly mayBeDirectory: boolean;
}

// All calls are synchronous: for small files they take a tenth of the time of asynchronous ones.

/**
 * @param path as Python's text
 * @returns the entries of a directory, in any order; none if it can't be read, as in Python's glob
 */
function directoryEntries(path: string): DirectoryEntry[] {
  try {
    const entries = readdirSync(encodePath(path), { withFileTypes: true });
    // Node puts U+FFFD into names that are not UTF-8. Always reading bytes would slow down all other directories.
    const isText = entries.every(({ name }) => !name.includes('\uFFFD'));
    if (isText) return entries.map((entry) => described(entry.name, entry));
    const rawEntries = readdirSync(encodePath(path), { withFileTypes: true, encoding: 'buffer' });
    return rawEntries.map((entry) => described(decodeFileName(entry.name), entry));
  } catch {
    return [];
  }
}

/** Whether anything is there, even a broken link. */
function exists(path: string): boolean {
  try {
    return lstatSync(encodePath(path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether it is a directory, or a link to one. */
function isDirectory(path: string): boolean {
  try {
    return statSync(encodePath(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

function described(name: string, entry: Pick<Dirent, 'isDirectory' | 'isSymbolicLink'>): DirectoryEntry {
  return { name, mayBeDirectory: entry.isDirectory() || entry.isSymbolicLink() };
}

// Python represents file names that are not UTF-8 as text, with each invalid byte as a code point from U+DC80 to U+DCFF
// ("surrogateescape", PEP 383). Real text never contains these, so the conversion is reversible.

const STRAY_BYTE = /([\uDC80-\uDCFF])/u;

/** Converts the bytes of a file name to Python's text. */
export function decodeFileName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let name = '';
  for (let start = 0; start < bytes.length; ) {
    const lengthBytes = sequenceLength(bytes[start] ?? 0);
    const sequence = bytes.subarray(start, start + lengthBytes);
    const isCharacter = sequence.length === lengthBytes && isUtf8(sequence);
    name += isCharacter ? sequence.toString() : String.fromCharCode(0xdc00 + (bytes[start] ?? 0));
    start += isCharacter ? lengthBytes : 1;
  }
  return name;
}

/** @returns the path for Node: the text itself if it is well-formed, or else its bytes */
export function encodePath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  const parts = path.split(STRAY_BYTE);
  return Buffer.concat(
    parts.map((part) => (STRAY_BYTE.test(part) ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part))),
  );
}

/** @returns the length of the UTF-8 sequence that begins with this byte (RFC 3629) */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
