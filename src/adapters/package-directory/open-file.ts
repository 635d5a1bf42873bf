import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { OpenFile } from '../../ports.ts';
import { changed, resolveInside } from './scan.ts';

/** Not there on Windows; a pipe in place of the file must not block the open. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of the package directory, and makes sure that what was opened is the regular file that lies there: a
 * link swapped in between look and read is refused.
 *
 * @throws UserError
 */
export async function openFile(root: string, path: string): Promise<OpenFile> {
  const target = await resolveInside(await realpath(root), join(root, path), path);
  const handle = await open(target, READ_FLAGS).catch((cause: unknown) => {
    throw new UserError(`'${printable(path)}' can't be read (${codeOf(cause)}): check its permissions`, { cause });
  });
  try {
    return await checked(handle, { root, path, target });
  } catch (error) {
    await handle.close();
    throw error instanceof UserError ? error : changed(path, error);
  }
}

interface Opened {
  readonly root: string;
  readonly path: string;
  readonly target: string;
}

async function checked(handle: FileHandle, { root, path, target }: Opened): Promise<OpenFile> {
  const opened = await handle.stat({ bigint: true });
  const named = await lstat(target, { bigint: true });
  const stillThere = (await resolveInside(await realpath(root), join(root, path), path)) === target;
  if (!stillThere || !opened.isFile() || opened.ino !== named.ino || opened.dev !== named.dev) throw changed(path);
  return {
    sizeBytes: Number(opened.size),
    read: (position, lengthBytes) => readExactly(handle, { path, position, lengthBytes }),
    assertUnchanged: async () => {
      const now = await handle.stat({ bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed(path);
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function readExactly(
  handle: FileHandle,
  { path, position, lengthBytes }: { path: string; position: number; lengthBytes: number },
): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(lengthBytes);
  for (let filled = 0; filled < lengthBytes; ) {
    const { bytesRead } = await handle.read(buffer, filled, lengthBytes - filled, position + filled);
    if (bytesRead === 0) throw changed(path);
    filled += bytesRead;
  }
  return buffer;
}

function codeOf(error: unknown): string {
  return Error.isError(error) && 'code' in error ? String(error.code) : String(error);
}
