import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { SourceEntries } from '../../ports.ts';
import { listIndex, unmatchedPatterns } from './index-listing.ts';
import { parseChanges, recordsOf } from './listing.ts';
import { isPackaged, packagePaths } from './package-paths.ts';
import { pathspecsOf } from './pathspec.ts';
import { assertRepositoryRoot } from './repository-root.ts';
import { readGit } from './run-git.ts';
import { settle } from './settle.ts';

const LIST_UNTRACKED = ['ls-files', '-z', '-o', '--exclude-standard', '--'];
// A submodule counts by the commit that is checked out in it, so changes inside are not looked for.
const COMPARE = ['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=dirty', '--'];

/**
 * In a clean checkout git processes, side by side, answer from the index alone: up to three list it, which is all that
 * there is to hash, one what is untracked, and one compares times and sizes of the files with it. Only what differs is
 * then read, by another.
 */
export async function findEntries(
  root: string,
  packageDirectory: string,
  patterns: readonly string[],
): Promise<SourceEntries> {
  await assertRepositoryRoot(root);
  // git takes no pattern for every file.
  if (patterns.length === 0) return { entries: Buffer.alloc(0), unmatched: [] };
  const pathspecs = pathspecsOf(patterns);
  const index = { root, environment: {} };
  // The one that takes longest is started first.
  const [differing, others, listed, packages] = await Promise.all([
    readGit(root, [...COMPARE, ...pathspecs]),
    readGit(root, [...LIST_UNTRACKED, ...pathspecs]),
    listIndex(index, patterns),
    packagePaths(root, packageDirectory),
  ]);
  const { submodules } = listed;
  const moved = submodules.length === 0 ? '' : await readGit(root, [...COMPARE, ...submodules]);
  const { conflicted, ...changes } = parseChanges(differing + moved);
  if (conflicted !== undefined) throw conflictError(conflicted);
  const untracked = recordsOf(others).filter((path) => !isPackaged(path, packages));
  const isClean = changes.modified.length + changes.deleted.size + untracked.length === 0;
  if (!isClean) return settle(root, patterns, { ...changes, untracked });
  const unmatched = listed.allMatch ? [] : await unmatchedPatterns(index, patterns, listed);
  return { entries: listed.entries, unmatched };
}

function conflictError(path: string): UserError {
  const name = printable(Buffer.from(path, 'latin1').toString());
  return new UserError(
    `'${name}' is in an unresolved merge conflict, so the code has no hash: resolve the conflict first`,
  );
}
