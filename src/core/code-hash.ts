import { createHash } from 'node:crypto';
import { InputError } from '../errors.ts';

/**
 * Entries of git's index as `git ls-files -s -z` prints them, in the order of the bytes of their paths, each of them
 * `<mode> SP <object id> SP 0 TAB <path> NUL`. The mode is 100644, 100755, 120000 (symbolic link) or 160000 (submodule),
 * the path is relative to the repository's root.
 */
export type SourceListing = Uint8Array;

const VERSION = 's3-asset-manager/code-hash/v1';

/**
 * The `git-sha256` code hash, as protocol.md fixes it: SHA-256 of a version and the salt, each ended by NUL, and of the
 * entries just as git prints them.
 *
 * @param salt anything else the build depends on; hashed as UTF-8
 * @returns 64 hex digits
 * @throws InputError where the salt has a NUL, with which two different inputs could give the same bytes
 */
export function gitSha256(salt: string, listing: SourceListing): string {
  if (salt.includes('\0')) throw new InputError('code-hash-salt contains a NUL character: take it out');
  return createHash('sha256').update(`${VERSION}\0${salt}\0`, 'utf8').update(listing).digest('hex');
}

/**
 * The `md5` code hash: what the Python tool computes.
 *
 * @param contents of every file that counts, in order, in pieces of any length
 * @returns 32 hex digits
 */
export async function md5(contents: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of contents) hash.update(piece);
  return hash.digest('hex');
}
