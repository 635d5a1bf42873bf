import { copyFile, mkdir, mkdtemp, realpath, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';
import type { PatternGroup, SourceEntries, SourceListing, SourceName } from '../ports.ts';
import { printable, systemCode } from '../text.ts';
import { assertRepositoryRoot, readGit, runGit } from './git.ts';
import {
  type Changes,
  endedByNul,
  type IndexListing,
  listIndex,
  parseChanges,
  pathOf,
  pathspecsOf,
  recordsOf,
  SUBMODULE_MODE,
  unitedEntries,
  unmatchedPatterns,
} from './index-listing.ts';

export const LIST_UNTRACKED = ['ls-files', '-z', '-o', '--exclude-standard', '--'];
// A submodule counts by the commit checked out in it, so changes inside it don't matter.
export const COMPARE = ['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=dirty', '--'];

/**
 * Lists the entries of the working tree that match the patterns. For a clean checkout, concurrent git processes need
 * only the index: up to three list it, one lists untracked files, and one compares it with the times and sizes of
 * files. If some differ, another process reads those files.
 */
export async function findEntries(
  root: string,
  packageDirectories: readonly string[],
  patterns: readonly string[],
): Promise<SourceEntries> {
  await assertRepositoryRoot(root);
  // Without a pattern, git would list every file.
  if (patterns.length === 0) return { entries: Buffer.alloc(0), unmatched: [] };
  const pathspecs = pathspecsOf(patterns);
  const index = { root, environment: {} };
  // The slowest one starts first.
  const [differing, others, listed, packages] = await Promise.all([
    readGit(root, [...COMPARE, ...pathspecs]),
    readGit(root, [...LIST_UNTRACKED, ...pathspecs]),
    listIndex(index, patterns),
    packagePaths(root, packageDirectories),
  ]);
  const { submodules } = listed;
  const moved = submodules.length === 0 ? '' : await readGit(root, [...COMPARE, ...submodules]);
  const { conflicted, ...changes } = parseChanges(differing + moved);
  if (conflicted !== undefined) throw conflictError(conflicted);
  const untracked = recordsOf(others).filter((path) => !isPackaged(path, packages));
  const isClean = changes.modified.length + changes.deleted.size + untracked.length === 0;
  if (!isClean) return listWithChanges(root, patterns, { ...changes, untracked });
  const unmatched = listed.allMatch ? [] : await unmatchedPatterns(index, patterns, listed);
  return { entries: listed.entries, unmatched };
}

function conflictError(path: string): UserError {
  const name = printable(Buffer.from(path, 'latin1').toString());
  return new UserError(
    `'${name}' is in an unresolved merge conflict, so the code has no hash: resolve the conflict first`,
  );
}

/**
 * Lists the entries of HEAD's tree that match one of the groups of patterns. The tree is read into a scratch index
 * first, since `git ls-tree` does not support such patterns.
 *
 * @throws UserError without a repository or a commit
 */
export async function findCommittedEntries(root: string, groups: readonly PatternGroup[]): Promise<SourceListing> {
  await assertRepositoryRoot(root);
  return withScratchIndex(root, async (environment) => {
    await readGit(root, ['read-tree', 'HEAD'], { environment });
    const listed: SourceListing[] = [];
    for (const patterns of groups)
      if (patterns.length > 0) listed.push((await listIndex({ root, environment }, patterns)).entries);
    return unitedEntries(listed);
  });
}

/**
 * Lists sources that match, whether or not they exist: git looks for them in an index of just these names.
 *
 * @param named by path, one character per byte
 * @returns the paths that match
 */
export async function findNames(
  root: string,
  patterns: PatternGroup,
  named: ReadonlyMap<string, SourceName>,
): Promise<readonly string[]> {
  await assertRepositoryRoot(root);
  if (patterns.length === 0) return [];
  return inTemporaryFolder(async (directory) => {
    const index = { root, environment: { GIT_INDEX_FILE: join(directory, 'index') } };
    // Its digits depend on the repository's format.
    const id = (await readGit(root, ['hash-object', '--stdin'], { input: '' })).trim();
    // Within one stage, a deleted file would be lost if its name is now that of a folder.
    const entries = [...named].map(
      ([path, { isSubmodule, isDeleted }]) =>
        `${isSubmodule ? SUBMODULE_MODE : '100644 '}${id} ${isDeleted ? 1 : 0}\t${path}`,
    );
    await readGit(root, ['update-index', '-z', '--index-info'], { ...index, input: endedByNul(entries) });
    const { entries: matching } = await listIndex(index, patterns);
    return recordsOf(matching.toString('latin1')).map(pathOf);
  });
}

/**
 * The locations of package directories in the repository, both as named and with links resolved. Assets are built from
 * the code, so they are not part of it.
 *
 * @returns paths relative to the root with a trailing slash, one character per byte of UTF-8; just `/` for the root
 *   itself; none for directories outside
 */
export async function packagePaths(root: string, packageDirectories: readonly string[]): Promise<readonly string[]> {
  const paths = await Promise.all(
    packageDirectories.map(async (directory) => {
      const named = relative(resolve(root), resolve(directory));
      const real = await Promise.all([realpath(root), realpath(directory)]).then(
        ([realRoot, realDirectory]) => relative(realRoot, realDirectory),
        () => named, // it does not exist yet
      );
      return [named, real];
    }),
  );
  return paths
    .flat()
    .filter(isInside)
    .map((path) => Buffer.from(`${path.split(sep).join('/')}/`).toString('latin1'));
}

/** Whether an untracked path, as `git ls-files -o` prints it, is one of these directories or inside one. */
export function isPackaged(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => directory === '/' || `${path}/`.startsWith(directory));
}

function isInside(path: string): boolean {
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

/**
 * Calls `use` with a copy of the repository's index and an empty object store, and deletes both afterwards.
 *
 * @param use receives the variables that make git work on the copy
 */
function withScratchIndex<T>(root: string, use: (environment: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  return inTemporaryFolder(async (directory) => use(await copyIndex(root, directory)));
}

async function inTemporaryFolder<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await makeDirectory();
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Creates a folder in RUNNER_TEMP, which the runner cleans up, or else in the system's temporary folder. */
async function makeDirectory(): Promise<string> {
  const { RUNNER_TEMP } = process.env;
  const places = RUNNER_TEMP ? [RUNNER_TEMP, tmpdir()] : [tmpdir()];
  const faults: string[] = [];
  for (const place of places)
    try {
      return await mkdtemp(join(place, 's3-asset-manager-'));
    } catch (error) {
      faults.push(`'${printable(place)}' (${systemCode(error)})`);
    }
  throw new UserError(
    `No temporary folder can be made in ${faults.join(' or ')}: let RUNNER_TEMP or TMPDIR name a directory that can be written to`,
  );
}

async function copyIndex(root: string, directory: string): Promise<NodeJS.ProcessEnv> {
  const located = await readGit(root, ['rev-parse', '--git-path', 'index', '--git-path', 'objects']);
  const [index = '', objects = ''] = Buffer.from(located, 'latin1').toString().split('\n');
  const scratch = { index: join(directory, 'index'), objects: join(directory, 'objects') };
  await copyWithTime(resolve(root, index), scratch.index);
  await mkdir(scratch.objects);
  return {
    GIT_INDEX_FILE: scratch.index,
    GIT_OBJECT_DIRECTORY: scratch.objects,
    // git reads stored files to decide about line ends. Without quotes, the path would end at a colon.
    GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${resolve(root, objects).replaceAll(/["\\]/g, '\\$&')}"`,
  };
}

async function copyWithTime(index: string, copy: string): Promise<void> {
  const original = await stat(index).catch(() => undefined); // no index yet if nothing was ever added
  if (original === undefined) return;
  await copyFile(index, copy);
  // git compares the contents of files that are not older than the index, so with a newer index it would miss a change
  // within the same second. An older one is safe, so the fraction of a second, which the disk may not keep, is dropped.
  const seconds = Math.floor(original.mtimeMs / 1000);
  await utimes(copy, seconds, seconds);
}

interface Differences extends Omit<Changes, 'conflicted'> {
  /** Paths that would be added; a nested repository has a trailing slash. */
  readonly untracked: readonly string[];
}

interface Addition {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly differences: Differences;
}

/**
 * Adds changed, deleted and untracked files to a copy of the index, like `git add -A`, and lists that. git itself takes
 * care of filters, line endings, modes, links and submodules.
 *
 * @throws UserError if git can't read a file, or a file disappears in the meantime
 */
function listWithChanges(root: string, patterns: readonly string[], differences: Differences): Promise<SourceEntries> {
  return withScratchIndex(root, async (environment) => {
    const index = { root, environment };
    const sparse = await isSparse(root);
    const add = sparse ? addWithinSparseCheckout : updateIndex;
    await add({ ...index, differences });
    const listed = await listIndex(index, patterns);
    if (!sparse) assertAdded(listed, differences);
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

/** Adds only the paths that differ, so that the number of patterns does not matter, and writes no objects. */
async function updateIndex({ root, environment, differences }: Addition): Promise<void> {
  const update = (options: readonly string[], paths: readonly string[]) =>
    readGit(root, ['update-index', ...options, '-z', '--stdin'], { environment, input: endedByNul(paths) });
  // Without force, git refuses to remove a deleted file whose folder has become a link.
  if (differences.deleted.size > 0) await update(['--force-remove'], [...differences.deleted]);
  const paths = [...differences.modified, ...differences.untracked.map((path) => path.replace(/\/$/, ''))];
  await update(['--info-only', '--add', '--remove', '--replace'], paths);
}

/**
 * Only `git add` knows which paths are outside a sparse checkout. It leaves their entries unchanged and exits with 1
 * after adding the others. It is slow for thousands of changes, since it matches every path against every entry.
 */
async function addWithinSparseCheckout({ root, environment, differences }: Addition): Promise<void> {
  const paths = [...differences.modified, ...differences.deleted, ...differences.untracked];
  await readGit(root, ['--literal-pathspecs', 'add', '-A', '--pathspec-from-file=-', '--pathspec-file-nul'], {
    environment,
    input: endedByNul(paths),
    accepted: [0, 1],
  });
}

/** Skips nested repositories: they are added without a trailing slash, so their patterns may no longer match. */
function assertAdded({ entries, excludedSubmodules }: IndexListing, { modified, untracked }: Differences): void {
  const added = [...modified, ...untracked].filter((path) => !path.endsWith('/'));
  const awaited = new Set(added).difference(excludedSubmodules);
  for (const entry of recordsOf(entries.toString('latin1'))) awaited.delete(pathOf(entry));
  const [lost] = awaited;
  if (lost === undefined) return;
  throw new UserError(
    `git would not add '${printable(Buffer.from(lost, 'latin1').toString())}', so it can't be hashed: hash before the build changes files, or exclude it in code-hash-filter`,
  );
}
