import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import { runGit } from './run-git.ts';

/** Whether `path` is the root of a checked-out repository: it has `.git`, a folder or (worktree, submodule) a file. */
export async function isRepositoryRoot(path: string): Promise<boolean> {
  return lstat(join(path, '.git')).then(
    () => true,
    () => false,
  );
}

export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** @throws UserError that says what is at `path` instead of the root of a checked-out repository */
export async function assertRepositoryRoot(path: string): Promise<void> {
  if (await isRepositoryRoot(path)) return;
  const found = (await isDirectory(path))
    ? await describeDirectory(path)
    : 'is not a directory: correct it, or check out first';
  throw new UserError(`repository-path '${printable(path)}' ${found}`);
}

async function describeDirectory(path: string): Promise<string> {
  // Without these git searches upwards, as it does for a user in a shell.
  const environment = { GIT_DIR: undefined, GIT_WORK_TREE: undefined };
  const { output } = await runGit(path, ['rev-parse', '--is-bare-repository', '--show-toplevel'], { environment });
  const [isBare, top] = output.toString().split('\n').map(printable);
  if (isBare === 'true') return 'is a bare repository, without files to hash: point it at a checkout';
  if (top === undefined || top === '') return 'is not the root of a git repository: correct it, or check out first';
  return `is a folder inside the repository '${top}': give that path, since patterns are relative to the root`;
}
