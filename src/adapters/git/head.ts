import { isRepositoryRoot } from './repository-root.ts';
import { readGit } from './run-git.ts';

/** @returns the full id of the commit checked out; undefined where there is no repository or no commit yet */
export async function readHead(root: string): Promise<string | undefined> {
  if (!(await isRepositoryRoot(root))) return undefined;
  // Exit code 1 and no output: a repository without a commit.
  const output = await readGit(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { accepted: [0, 1] });
  return output.trim() || undefined;
}
