import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { SourceEntries } from '../../ports.ts';
import { type IndexListing, listIndex, unmatchedPatterns } from './index-listing.ts';
import { type Changes, endedByNul, pathOf, recordsOf } from './listing.ts';
import { readGit, runGit } from './run-git.ts';
import { withScratchIndex } from './scratch-index.ts';

export interface Unsettled extends Omit<Changes, 'conflicted'> {
  /** Paths that would be added; a nested repository has a trailing slash. */
  readonly untracked: readonly string[];
}

interface Addition {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly unsettled: Unsettled;
}

/**
 * Has git settle changed, deleted and untracked files as `git add -A` would: filters, line endings, modes, links and
 * submodules are its business. It works on a copy of the index, which is then listed.
 *
 * @throws UserError where git can't read a file, or a file went meanwhile
 */
export function settle(root: string, patterns: readonly string[], unsettled: Unsettled): Promise<SourceEntries> {
  return withScratchIndex(root, async (environment) => {
    const index = { root, environment };
    const sparse = await isSparse(root);
    const add = sparse ? addWithinSparseCheckout : updateIndex;
    await add({ ...index, unsettled });
    const listed = await listIndex(index, patterns);
    if (!sparse) assertAdded(listed, unsettled);
    return {
      entries: listed.entries,
      unmatched: listed.allMatch ? [] : await unmatchedPatterns(index, patterns, listed),
    };
  });
}

async function isSparse(root: string): Promise<boolean> {
  const { output } = await runGit(root, ['config', '--bool', '--get', 'core.sparseCheckout']);
  return output.toString().trim() === 'true';
}

/** Only the paths that differ, so its time does not grow with the number of patterns; and no object is written. */
async function updateIndex({ root, environment, unsettled }: Addition): Promise<void> {
  const update = (options: readonly string[], paths: readonly string[]) =>
    readGit(root, ['update-index', ...options, '-z', '--stdin'], { environment, input: endedByNul(paths) });
  // By force, since git would refuse a deleted file whose folder has become a link.
  if (unsettled.deleted.size > 0) await update(['--force-remove'], [...unsettled.deleted]);
  const paths = [...unsettled.modified, ...unsettled.untracked.map(withoutSlash)];
  await update(['--info-only', '--add', '--remove', '--replace'], paths);
}

/**
 * In a sparse checkout only `git add` knows what lies outside and so stays as it is, whatever is on the disk: it then
 * ends with 1, having done the rest. Slow for thousands of changes, since it tries every path on every entry.
 */
async function addWithinSparseCheckout({ root, environment, unsettled }: Addition): Promise<void> {
  const paths = [...unsettled.modified, ...unsettled.deleted, ...unsettled.untracked];
  await readGit(root, ['--literal-pathspecs', 'add', '-A', '--pathspec-from-file=-', '--pathspec-file-nul'], {
    environment,
    input: endedByNul(paths),
    accepted: [0, 1],
  });
}

/** A nested repository is added without its slash, and then need not match the pattern that its folder did. */
function assertAdded({ entries, excludedSubmodules }: IndexListing, { modified, untracked }: Unsettled): void {
  const added = [...modified, ...untracked].filter((path) => !path.endsWith('/'));
  const awaited = new Set(added).difference(excludedSubmodules);
  for (const entry of recordsOf(entries.toString('latin1'))) awaited.delete(pathOf(entry));
  const [lost] = awaited;
  if (lost === undefined) return;
  throw new UserError(
    `git would not add '${printable(Buffer.from(lost, 'latin1').toString())}', so it can't be hashed: hash before the build changes files, or exclude it in code-hash-filter`,
  );
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
