import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readAt } from './file-bytes.ts';
import { READ_FLAGS } from './read-flags.ts';

const READ_BYTES = 1024 * 1024;

/**
 * @returns the base64 SHA-256 of a regular file of this size; undefined where there is no such file, where a link leads
 *   to it, or where it can't be read (it is then simply fetched anew)
 */
export async function digestFile(root: string, path: string, sizeBytes: number): Promise<string | undefined> {
  try {
    const found = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || found.size !== sizeBytes) return undefined;
    const folder = join(realpathSync.native(root), dirname(path));
    if (realpathSync.native(folder) !== folder) return undefined;
    const file = join(folder, basename(path));
    const descriptor = openSync(file, READ_FLAGS);
    try {
      return await digestOf(descriptor, sizeBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

async function digestOf(descriptor: number, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  const bytes = Buffer.allocUnsafe(Math.min(sizeBytes, READ_BYTES));
  for (let position = 0; ; ) {
    const count = await readAt(descriptor, bytes, position);
    hash.update(bytes.subarray(0, count));
    position += count;
    if (count < bytes.length || count === 0) return hash.digest('base64');
  }
}
