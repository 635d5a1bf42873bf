import type { SourceListing } from '../../core/code-hash.ts';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import { type Changes, pathOf, recordsOf } from './listing.ts';
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
 * @returns what matches the pathspecs
 * @throws UserError where git can't read a file, or a file went meanwhile
 */
export function settle(root: string, pathspecs: readonly string[], unsettled: Unsettled): Promise<SourceListing> {
  return withScratchIndex(root, async (environment) => {
    const sparse = await isSparse(root);
    const add = sparse ? addWithinSparseCheckout : updateIndex;
    await add({ root, environment, unsettled });
    const listed = await readGit(root, ['ls-files', '-z', '-s', '--', ...pathspecs], { environment });
    const settled = sparse ? listed : endedByNul(settledEntries(recordsOf(listed), unsettled));
    return Buffer.from(settled, 'latin1');
  });
}

async function isSparse(root: string): Promise<boolean> {
  const { output } = await runGit(root, ['config', '--bool', '--get', 'core.sparseCheckout']);
  return output.toString().trim() === 'true';
}

/**
 * Only the paths that differ, so its time does not grow with the number of patterns; and no object is written.
 * Deleted files are left out: it would refuse one whose folder has become a link.
 */
async function updateIndex({ root, environment, unsettled }: Addition): Promise<void> {
  const paths = [...unsettled.modified, ...unsettled.untracked.map(withoutSlash)];
  const args = ['update-index', '--info-only', '--add', '--remove', '--replace', '-z', '--stdin'];
  await readGit(root, args, { environment, input: endedByNul(paths) });
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

function settledEntries(entries: readonly string[], { modified, deleted, untracked }: Unsettled): readonly string[] {
  // A nested repository is added without its slash, and then need not match the pattern that its folder did.
  const awaited = new Set([...modified, ...untracked].filter((path) => !path.endsWith('/')));
  for (const entry of entries) awaited.delete(pathOf(entry));
  const [lost] = awaited;
  if (lost === undefined) return entries.filter((entry) => !deleted.has(pathOf(entry)));
  throw new UserError(
    `git would not add '${printable(Buffer.from(lost, 'latin1').toString())}', so it can't be hashed: hash before the build changes files, or exclude it in code-hash-filter`,
  );
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function endedByNul(records: readonly string[]): string {
  return records.map((record) => `${record}\0`).join('');
}
