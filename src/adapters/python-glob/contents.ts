import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { comparePaths } from '../../core/path-order.ts';
import { printable } from '../../core/printable.ts';
import { systemCode, UserError } from '../../errors.ts';
import type { SourceContents } from '../../ports.ts';
import { encodePath } from './file-name.ts';
import { glob } from './glob.ts';

const PIECE_BYTES = 256 * 1024;
const TURN_MS = 50;

/**
 * The contents that the Python tool feeds into its MD5: for each pattern in order the files that Python's glob finds,
 * sorted by code point, each read to its end. What two patterns match comes twice.
 *
 * @param root taken literally, wildcards in it included
 * @returns the pieces have at most 256 KiB, and each is valid until the next one is asked for; asking throws UserError
 *   for a file that can't be read
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
      // Reading blocks, so a signal would wait for the end of a long run.
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
 * A file, or a link to one. With a slash behind it (up to Python 3.12, `file/**` finds that) it is none here: the
 * Python tool stopped with an error.
 */
function isFile(path: string): boolean {
  try {
    return statSync(encodePath(path), { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    if (systemCode(error) === 'ELOOP') return false;
    throw unreadable(path, error);
  }
}

/** Reads a file into the buffer, again and again; yields how many bytes there are each time. */
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
