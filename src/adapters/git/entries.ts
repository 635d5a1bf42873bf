import type { SourceListing } from '../../core/code-hash.ts';
import { printable } from '../../core/printable.ts';
import { InputError, UserError } from '../../errors.ts';
import { parseChanges, recordsOf } from './listing.ts';
import { isPackaged, packagePaths } from './package-paths.ts';
import { pathspecOf } from './pathspec.ts';
import { assertRepositoryRoot } from './repository-root.ts';
import { readGit, readGitBytes } from './run-git.ts';
import { settle } from './settle.ts';

const LIST = ['ls-files', '-z', '-s', '--'];
const LIST_UNTRACKED = ['ls-files', '-z', '-o', '--exclude-standard', '--'];
// A submodule counts by the commit that is checked out in it, so changes inside are not looked for.
const COMPARE = ['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=dirty', '--'];

/**
 * In a clean checkout three git processes, side by side, answer from the index alone: one lists it, which is all that
 * there is to hash, one what is untracked, and one compares times and sizes of the files with it. Only what differs is
 * then read, by a fourth.
 */
export async function findEntries(
  root: string,
  packageDirectory: string,
  patterns: readonly string[],
): Promise<SourceListing> {
  await assertRepositoryRoot(root);
  // git takes no pattern for every file.
  if (patterns.length === 0) throw noMatchError(root, patterns);
  const pathspecs = patterns.map(pathspecOf);
  // The one that takes longest is started first.
  const [differing, others, listed, packages] = await Promise.all([
    readGit(root, [...COMPARE, ...pathspecs]),
    readGit(root, [...LIST_UNTRACKED, ...pathspecs]),
    readGitBytes(root, [...LIST, ...pathspecs]),
    packagePaths(root, packageDirectory),
  ]);
  const { conflicted, ...changes } = parseChanges(differing);
  if (conflicted !== undefined) throw conflictError(conflicted);
  const untracked = recordsOf(others).filter((path) => !isPackaged(path, packages));
  const isClean = changes.modified.length + changes.deleted.size + untracked.length === 0;
  const listing = isClean ? listed : await settle(root, pathspecs, { ...changes, untracked });
  if (listing.length === 0) throw noMatchError(root, patterns);
  return listing;
}

function noMatchError(root: string, patterns: readonly string[]): InputError {
  return new InputError(
    `code-hash-filter '${printable(patterns.join(' '))}' matches no file in the repository at '${printable(root)}': fix the patterns, which are relative to its root`,
  );
}

function conflictError(path: string): UserError {
  const name = printable(Buffer.from(path, 'latin1').toString());
  return new UserError(
    `'${name}' is in an unresolved merge conflict, so the code has no hash: resolve the conflict first`,
  );
}
