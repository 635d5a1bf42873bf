import type { SourceEntry } from '../../core/code-hash.ts';
import { printable } from '../../core/printable.ts';
import { InputError, UserError } from '../../errors.ts';
import { parseChanges, parseListing } from './listing.ts';
import { isPackaged, packagePaths } from './package-paths.ts';
import { pathspecOf } from './pathspec.ts';
import { assertRepositoryRoot } from './repository-root.ts';
import { readGit } from './run-git.ts';
import { settle } from './settle.ts';

const LIST = ['ls-files', '-z', '-t', '-s', '-o', '--exclude-standard', '--'];
// A submodule counts by the commit that is checked out in it, so changes inside are not looked for.
const COMPARE = ['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=dirty', '--'];

/**
 * In a clean checkout two git processes, side by side, answer from the index alone: one lists it, and what is
 * untracked; the other compares times and sizes of the files with it. Only what differs is then read, by a third.
 */
export async function findEntries(
  root: string,
  packageDirectory: string,
  patterns: readonly string[],
): Promise<readonly SourceEntry[]> {
  await assertRepositoryRoot(root);
  // git takes no pattern for every file.
  if (patterns.length === 0) throw noMatchError(root, patterns);
  const pathspecs = patterns.map(pathspecOf);
  const [listed, differing, packages] = await Promise.all([
    readGit(root, [...LIST, ...pathspecs]),
    readGit(root, [...COMPARE, ...pathspecs]),
    packagePaths(root, packageDirectory),
  ]);
  const listing = parseListing(listed);
  if (listing.conflicted !== undefined) throw conflictError(listing.conflicted);
  const untracked = listing.untracked.filter((path) => !isPackaged(path, packages));
  const { modified, deleted } = parseChanges(differing);
  const isClean = modified.length + deleted.size + untracked.length === 0;
  const entries = isClean ? listing.entries : await settle(root, pathspecs, { modified, deleted, untracked });
  if (entries.length === 0) throw noMatchError(root, patterns);
  return entries;
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
