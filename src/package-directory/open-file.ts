import { createHash } from 'node:crypto';
import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import type { OnBytes, OpenFile } from '../ports.ts';
import { printable, systemCode } from '../text.ts';
import { changed, READ_FLAGS, readAt, resolveInside } from './files.ts';
import { hashFile } from './hashing.ts';

// Synchronous except for large reads: for a small file, one call on another thread costs more than all calls on this
// one.

/**
 * Opens files of the package directory. Each opened file is certain to be a regular file inside it: a link that is
 * swapped in between check and open is refused.
 *
 * @param root the package directory; its links are resolved only once
 * @returns a function that opens a file by its path in the directory and throws UserError
 */
export function openerOf(root: string): (path: string) => OpenFile {
  const realRoot = realpathSync.native(root);
  return (path) => openByOwnPath(realRoot, path) ?? openWithChecks(realRoot, path);
}

/**
 * On Linux, `/proc` tells the real path of an open file, so nothing needs to be checked before opening.
 *
 * @returns undefined if there is no `/proc`, and for a link, which may lead to a file inside
 */
function openByOwnPath(realRoot: string, path: string): OpenFile | undefined {
  if (process.platform !== 'linux') return undefined;
  const file = join(realRoot, path);
  try {
    const descriptor = openSync(file, READ_FLAGS);
    try {
      if (readlinkSync(`/proc/self/fd/${descriptor}`) === file) return checked(descriptor, path);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  return undefined;
}

/** Resolves the path before and after opening, and compares. */
function openWithChecks(realRoot: string, path: string): OpenFile {
  const target = resolveInside(realRoot, join(realRoot, path), path);
  const descriptor = openTarget(target, path);
  try {
    const opened = fstatSync(descriptor, { bigint: true });
    const named = lstatSync(target, { bigint: true });
    const stillThere = resolveInside(realRoot, join(realRoot, path), path) === target;
    if (!stillThere || opened.ino !== named.ino || opened.dev !== named.dev) throw changed(path);
    return checked(descriptor, path);
  } catch (error) {
    closeSync(descriptor);
    throw error instanceof UserError ? error : changed(path, error);
  }
}

function openTarget(target: string, path: string): number {
  try {
    return openSync(target, READ_FLAGS);
  } catch (cause) {
    throw new UserError(`'${printable(path)}' can't be read (${systemCode(cause)}): check its permissions`, { cause });
  }
}

function checked(descriptor: number, path: string): OpenFile {
  const opened = fstatSync(descriptor, { bigint: true });
  if (!opened.isFile()) throw changed(path);
  const sizeBytes = Number(opened.size);
  return {
    sizeBytes,
    read: async (position, lengthBytes, into = Buffer.allocUnsafe(lengthBytes)) => {
      if ((await readAt(descriptor, into, position)) < into.length) throw changed(path);
      return into;
    },
    digests: (options) =>
      hashFile({ descriptor, sizeBytes }, options).catch((cause: unknown) => {
        options.signal.throwIfAborted();
        throw changed(path, cause);
      }),
    assertUnchanged: async () => {
      const now = fstatSync(descriptor, { bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed(path);
    },
    [Symbol.asyncDispose]: async () => closeSync(descriptor),
  };
}

const READ_BYTES = 1024 * 1024;

/**
 * @returns the base64 SHA-256 of a regular file of this size; undefined if there is no such file, if a link leads to
 *   it, or if it can't be read (it is then downloaded again)
 */
export async function digestFile(
  root: string,
  path: string,
  { sizeBytes, onBytes }: { readonly sizeBytes: number; readonly onBytes: OnBytes | undefined },
): Promise<string | undefined> {
  try {
    const found = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || found.size !== sizeBytes) return undefined;
    const folder = join(realpathSync.native(root), dirname(path));
    if (realpathSync.native(folder) !== folder) return undefined;
    const file = join(folder, basename(path));
    const descriptor = openSync(file, READ_FLAGS);
    try {
      return await digestOf(descriptor, sizeBytes, onBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

async function digestOf(descriptor: number, sizeBytes: number, onBytes: OnBytes = () => {}): Promise<string> {
  const hash = createHash('sha256');
  const bytes = Buffer.allocUnsafe(Math.min(sizeBytes, READ_BYTES));
  for (let position = 0; ; ) {
    const count = await readAt(descriptor, bytes, position);
    hash.update(bytes.subarray(0, count));
    position += count;
    onBytes(count);
    if (count < bytes.length || count === 0) return hash.digest('base64');
  }
}
