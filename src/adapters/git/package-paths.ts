import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/**
 * Where the package directory lies in the repository: by its name and, where a link is on the way, in truth. Assets
 * are built from the code, and no part of it.
 *
 * @returns paths relative to the root, each with a trailing slash, one character for each byte of UTF-8; `/` alone
 *   for the root itself; none where it lies outside
 */
export async function packagePaths(root: string, packageDirectory: string): Promise<readonly string[]> {
  const named = relative(resolve(root), resolve(packageDirectory));
  const real = await Promise.all([realpath(root), realpath(packageDirectory)]).then(
    ([realRoot, realDirectory]) => relative(realRoot, realDirectory),
    () => named, // nothing there yet
  );
  return [named, real].filter(isInside).map((path) => asBytes(`${path.split(sep).join('/')}/`));
}

/** Whether an untracked path, as `git ls-files -o` prints it, is one of those directories or lies in it. */
export function isPackaged(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => directory === '/' || `${path}/`.startsWith(directory));
}

function isInside(path: string): boolean {
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
