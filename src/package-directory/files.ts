import { constants, lstatSync, read, readSync, realpathSync, statSync, write, writeSync } from 'node:fs';
import { sep } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../errors.ts';
import { codeOf, isError, printable } from '../text.ts';

/** Opening must not follow a link (not available on Windows), and must not block on a pipe. */
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** @throws UserError if something else is in its place */
export function isDirectory(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw directoryFault(path, error);
  }
  throw new UserError(`package-directory '${printable(path)}' is a file: name a directory`);
}

/** The error for a directory that can't be created or read. */
export function directoryFault(path: string, cause: unknown): UserError {
  const why = isError(cause) ? cause.message : String(cause);
  return new UserError(
    `package-directory '${printable(path)}' can't be used (${why}): check the path and its permissions`,
    {
      cause,
    },
  );
}

/**
 * @param realRoot the package directory with every link resolved
 * @param path the file's name in messages
 * @returns the file with every link resolved
 * @throws UserError if a link is broken or leads out of the package directory
 */
export function resolveInside(realRoot: string, file: string, path: string): string {
  const target = resolved(file, path);
  if (target === realRoot || target.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) return target;
  throw new UserError(
    `'${printable(path)}' leads out of the package directory, to '${printable(target)}': put a copy of the file there instead of a link`,
  );
}

function resolved(file: string, path: string): string {
  try {
    return realpathSync.native(file);
  } catch (cause) {
    if (!isLink(file)) throw changed(path, cause);
    throw new UserError(`'${printable(path)}' is a broken link: fix or exclude it`, { cause });
  }
}

function isLink(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    return false; // it is gone or can't be read, so it can't be called a broken link
  }
}

/** The error for a file that was deleted or replaced while it was in use. */
export function changed(path: string, cause?: unknown): UserError {
  return new UserError(
    `'${printable(path)}' changed while it was read: upload only after the build has stopped writing to the package directory`,
    { cause },
  );
}

// Reading and writing open files: small amounts synchronously, large ones on another thread, which leaves this one free
// for requests but costs too much for small amounts.

const FEW_BYTES = 256 * 1024;
const readElsewhere = promisify(read);
const writeElsewhere = promisify(write);

/**
 * Fills `bytes` from the file, starting at `position`.
 *
 * @returns the number of bytes read; fewer than asked for if the file ends first
 */
export async function readAt(descriptor: number, bytes: Uint8Array, position: number): Promise<number> {
  let filledBytes = 0;
  while (filledBytes < bytes.length) {
    const rest = bytes.subarray(filledBytes);
    const at = position + filledBytes;
    const count =
      rest.length <= FEW_BYTES
        ? readSync(descriptor, rest, 0, rest.length, at)
        : (await readElsewhere(descriptor, rest, 0, rest.length, at)).bytesRead;
    if (count === 0) break;
    filledBytes += count;
  }
  return filledBytes;
}

/** Writes all of `bytes` to the file, starting at `position`. */
export async function writeAt(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let writtenBytes = 0; writtenBytes < bytes.length; ) {
    const rest = bytes.subarray(writtenBytes);
    const at = position + writtenBytes;
    writtenBytes +=
      rest.length <= FEW_BYTES
        ? writeSync(descriptor, rest, 0, rest.length, at)
        : (await writeElsewhere(descriptor, rest, 0, rest.length, at)).bytesWritten;
  }
}
