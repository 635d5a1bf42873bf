import { copyFile, mkdir, mkdtemp, realpath, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';
import type { PatternGroup, SourceEntries, SourceListing } from '../ports.ts';
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
  unitedEntries,
  unmatchedPatterns,
} from './index-listing.ts';

export const LIST_UNTRACKED = ['ls-files', '-z', '-o', '--exclude-standard', '--'];
// A submodule counts by the commit that is checked out in it, so changes inside are not looked for.
export const COMPARE = ['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=dirty', '--'];

/**
 * In a clean checkout git processes, side by side, answer from the index alone: up to three list it, which is all that
 * there is to hash, one what is untracked, and one compares times and sizes of the files with it. Only what differs is
 * then read, by another.
 */
export async function findEntries(
  root: string,
  packageDirectories: readonly string[],
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
    packagePaths(root, packageDirectories),
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

/**
 * Lists the entries of HEAD's tree that match one of the groups of patterns, by an index that is made of it: `git
 * ls-tree` takes no such patterns.
 *
 * @returns nothing where none matches
 * @throws UserError where there is no repository or no commit
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
 * Where package directories lie in the repository: by their names and, where a link is on the way, in truth. Assets
 * are built from the code, and no part of it.
 *
 * @returns paths relative to the root, each with a trailing slash, one character for each byte of UTF-8; `/` alone
 *   for the root itself; none for those that lie outside
 */
export async function packagePaths(root: string, packageDirectories: readonly string[]): Promise<readonly string[]> {
  const paths = await Promise.all(
    packageDirectories.map(async (directory) => {
      const named = relative(resolve(root), resolve(directory));
      const real = await Promise.all([realpath(root), realpath(directory)]).then(
        ([realRoot, realDirectory]) => relative(realRoot, realDirectory),
        () => named, // nothing there yet
      );
      return [named, real];
    }),
  );
  return paths
    .flat()
    .filter(isInside)
    .map((path) => asBytes(`${path.split(sep).join('/')}/`));
}

/** Whether an untracked path, as `git ls-files -o` prints it, is one of those directories or lies in it. */
export function isPackaged(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => directory === '/' || `${path}/`.startsWith(directory));
}

function isInside(path: string): boolean {
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/**
 * Lends a copy of the repository's index, with an object store beside it, and throws both away afterwards.
 *
 * @param use is given the variables that make git work on the copy
 */
async function withScratchIndex<T>(root: string, use: (environment: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const directory = await makeDirectory();
  try {
    return await use(await copyIndex(root, directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Where the runner keeps temporary files, which it also clears away, or else where the system does. */
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
    // git looks at what it has to judge line ends. Unquoted, a path would end at a colon.
    GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${resolve(root, objects).replaceAll(/["\\]/g, '\\$&')}"`,
  };
}

async function copyWithTime(index: string, copy: string): Promise<void> {
  const original = await stat(index).catch(() => undefined); // a repository to which nothing was ever added has none
  if (original === undefined) return;
  await copyFile(index, copy);
  // git compares the contents of a file that is not older than the index: with a newer index it would miss a change
  // made within the same second. Older is safe, so the fraction, which may not survive, is dropped.
  const seconds = Math.floor(original.mtimeMs / 1000);
  await utimes(copy, seconds, seconds);
}

interface Unsettled extends Omit<Changes, 'conflicted'> {
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
function settle(root: string, patterns: readonly string[], unsettled: Unsettled): Promise<SourceEntries> {
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
