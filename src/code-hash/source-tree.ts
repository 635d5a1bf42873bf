import { once } from '../async.ts';
import type { SourceTree } from '../ports.ts';

interface SourceTreeOptions {
  /** The root of a repository that is checked out. */
  readonly repositoryPath: string;
  /** Untracked files in it are assets, not sources; need not exist. */
  readonly packageDirectory: string;
}

/**
 * The sources as git has them; both paths may be relative to the working directory. A check that finds the commit's own
 * set asks nothing of them, so what answers is loaded when it is asked.
 */
export function gitSourceTree({ repositoryPath, packageDirectory }: SourceTreeOptions): SourceTree {
  return {
    path: repositoryPath,
    exists: async () => (await import('./git.ts')).isDirectory(repositoryPath),
    isRepository: async () => (await import('./git.ts')).isRepositoryRoot(repositoryPath),
    head: once(async () => (await import('./git.ts')).readHead(repositoryPath)),
    nested: async () => (await import('./git.ts')).findNested(repositoryPath),
    entries: async (patterns) =>
      (await import('./git-entries.ts')).findEntries(repositoryPath, packageDirectory, patterns),
    committedEntries: async (patterns) =>
      (await import('./git-entries.ts')).findCommittedEntries(repositoryPath, patterns),
    contents: async (patterns) => (await import('./md5.ts')).globbedContents(repositoryPath, patterns),
  };
}
