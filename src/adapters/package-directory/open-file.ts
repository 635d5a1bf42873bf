import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { OpenFile } from '../../ports.ts';
import { readAt } from './file-bytes.ts';
import { changed, resolveInside } from './resolve-inside.ts';

// Synchronous but for large reads: for a small file, each call handed to another thread costs more than all of them.

/** Not there on Windows; a pipe in place of the file must not block the open. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of the package directory, and makes sure that what was opened is the regular file that lies there: a
 * link swapped in between look and read is refused.
 *
 * @throws UserError
 */
export function openFile(root: string, path: string): OpenFile {
  const target = resolveInside(realpathSync.native(root), join(root, path), path);
  const descriptor = openTarget(target, path);
  try {
    return checked(descriptor, { root, path, target });
  } catch (error) {
    closeSync(descriptor);
    throw error instanceof UserError ? error : changed(path, error);
  }
}

function openTarget(target: string, path: string): number {
  try {
    return openSync(target, READ_FLAGS);
  } catch (cause) {
    throw new UserError(`'${printable(path)}' can't be read (${codeOf(cause)}): check its permissions`, { cause });
  }
}

interface Opened {
  readonly root: string;
  readonly path: string;
  readonly target: string;
}

function checked(descriptor: number, { root, path, target }: Opened): OpenFile {
  const opened = fstatSync(descriptor, { bigint: true });
  const named = lstatSync(target, { bigint: true });
  const stillThere = resolveInside(realpathSync.native(root), join(root, path), path) === target;
  if (!stillThere || !opened.isFile() || opened.ino !== named.ino || opened.dev !== named.dev) throw changed(path);
  return {
    sizeBytes: Number(opened.size),
    read: (position, lengthBytes) => readExactly(descriptor, { path, position, lengthBytes }),
    assertUnchanged: async () => {
      const now = fstatSync(descriptor, { bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed(path);
    },
    [Symbol.asyncDispose]: async () => closeSync(descriptor),
  };
}

async function readExactly(
  descriptor: number,
  { path, position, lengthBytes }: { path: string; position: number; lengthBytes: number },
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(lengthBytes);
  const readBytes = await readAt(descriptor, bytes, position);
  if (readBytes < lengthBytes) throw changed(path);
  return bytes;
}

function codeOf(error: unknown): string {
  return Error.isError(error) && 'code' in error ? String(error.code) : String(error);
}
