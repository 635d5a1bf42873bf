import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * @returns the base64 SHA-256 of a regular file of this size; undefined where there is no such file, where a link leads
 *   to it, or where it can't be read (it is then simply fetched anew)
 */
export async function digestFile(root: string, path: string, sizeBytes: number): Promise<string | undefined> {
  try {
    const folder = join(await realpath(root), dirname(path));
    if ((await realpath(folder)) !== folder) return undefined;
    const file = join(folder, basename(path));
    const found = await lstat(file);
    if (!found.isFile() || found.size !== sizeBytes) return undefined;
    await using handle = await open(file, READ_FLAGS);
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest('base64');
  } catch {
    return undefined;
  }
}
