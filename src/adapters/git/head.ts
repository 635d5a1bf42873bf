import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NestedRepository } from '../../ports.ts';
import { isRepositoryRoot } from './repository-root.ts';
import { readGit } from './run-git.ts';

/** @returns the full id of the commit checked out; undefined where there is no repository or no commit yet */
export async function readHead(root: string): Promise<string | undefined> {
  if (!(await isRepositoryRoot(root))) return undefined;
  // Exit code 1 and no output: a repository without a commit.
  const output = await readGit(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { accepted: [0, 1] });
  return output.trim() || undefined;
}

/** @returns the repositories directly below a directory, if it can be read */
export async function findNested(directory: string): Promise<NestedRepository[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  const found: NestedRepository[] = [];
  for (const path of paths.toSorted())
    if (await isRepositoryRoot(path)) found.push({ path, head: await readHead(path) });
  return found;
}
