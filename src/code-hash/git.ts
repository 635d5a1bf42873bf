import { spawn } from 'node:child_process';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { UserError } from '../errors.ts';
import type { NestedRepository } from '../ports.ts';
import { printable, systemCode } from '../text.ts';

// The locations of git's own programs and of the user's configuration. All other GIT_ variables could send git to
// another repository, index or object store, change the meaning of patterns, or add configuration.
const KEPT: ReadonlySet<string> = new Set([
  'GIT_EXEC_PATH',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
]);

// Variables that redirect git or contain secrets: inputs, AWS credentials and their sources, and the runner's tokens.
const REMOVED = /^(GIT|INPUT|AWS|ACTIONS)_/i;

/** Removes variables that would redirect git, and secrets, which filters started by git don't need. */
function scrubbed(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = (name: string) => !REMOVED.test(name) || KEPT.has(name.toUpperCase());
  return Object.fromEntries(Object.entries(inherited).filter(([name]) => isKept(name)));
}

/**
 * Variables that make git use the repository at `root` instead of searching for one. They also keep git from refusing a
 * repository of another owner, which is common for jobs in containers: `safe.directory` alone is not enough, since git
 * 2.35.2 to 2.37, and security updates of older versions, ignore it on the command line.
 */
function repositoryVariables(root: string): NodeJS.ProcessEnv {
  return {
    GIT_DIR: join(resolve(root), '.git'),
    GIT_WORK_TREE: resolve(root),
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1', // a build could let another commit stand in for HEAD
  };
}

/** Options before the command, for every git run on the repository at `root`. */
function fixedOptions(root: string): string[] {
  const settings = [
    'core.excludesFile=/dev/null', // the code must not depend on what one user ignores; works on Windows too
    'core.fsmonitor=', // empty turns it off in every version; older ones would take `false` for a hook's name
    'core.hooksPath=/dev/null', // writing a scratch index would run post-index-change
    'core.splitIndex=false', // part of a split scratch index would be written into the repository
    'core.safecrlf=false', // it would refuse files whose line ends can't be restored, but nothing is stored here
    'add.ignoreErrors=false',
    'protocol.allow=never', // keeps partial clones from fetching in versions without GIT_NO_LAZY_FETCH
    `safe.directory=${resolve(root).split(sep).join('/')}`,
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}

interface GitOptions {
  /** Added to the variables that set the repository; `undefined` removes a variable. */
  readonly environment?: NodeJS.ProcessEnv;
  /** git's standard input, one character per byte. */
  readonly input?: string;
}

export interface GitResult {
  /** Null if a signal ended git. */
  readonly exitCode: number | null;
  readonly output: Buffer;
  /** git's standard error. */
  readonly complaint: string;
}

/**
 * Runs git on the repository at `root`, an existing directory, and keeps it from using another repository, fetching or
 * running hooks.
 *
 * @returns also if git fails: the caller checks the exit code
 * @throws UserError if git can't be started
 */
export async function runGit(root: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const environment = { ...scrubbed(process.env), ...repositoryVariables(root), ...options.environment };
  const git = spawn('git', [...fixedOptions(root), ...args], {
    cwd: root,
    env: environment,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const ended = new Promise<number | null>((resolve, reject) => git.once('close', resolve).once('error', reject));
  git.stdin?.on('error', () => {}); // git may exit before it has read everything; its exit code says why
  git.stdin?.end(options.input, 'latin1');
  try {
    const [exitCode, output, complaint] = await Promise.all([ended, bytesOf(git.stdout), bytesOf(git.stderr)]);
    return { exitCode, output, complaint: complaint.toString() };
  } catch (error) {
    throw new UserError(`Cannot start git (${systemCode(error)}): install git and put it on the PATH`, {
      cause: error,
    });
  }
}

interface ReadOptions extends GitOptions {
  /** Exit codes that mean success; by default only 0. */
  readonly accepted?: readonly number[];
}

/**
 * Like `runGit`, for a command that must succeed.
 *
 * @returns git's output, one character per byte, since paths need not be UTF-8
 * @throws UserError with git's error message if the exit code is not one of `accepted`
 */
export async function readGit(root: string, args: readonly string[], options: ReadOptions = {}): Promise<string> {
  return (await askGit(root, args, options)).output.toString('latin1');
}

/** Like `readGit`. @returns the exit code and both outputs */
export async function askGit(
  root: string,
  args: readonly string[],
  { accepted = [0], ...options }: ReadOptions = {},
): Promise<GitResult> {
  const result = await runGit(root, args, options);
  const { exitCode, complaint } = result;
  if (exitCode !== null && accepted.includes(exitCode)) return result;
  const said = printable(complaint.trim().replace(/\s+/g, ' ')).slice(0, 500);
  throw new UserError(
    `git ${args[0]} failed at repository-path '${printable(root)}' (exit code ${exitCode}), saying '${said}': fix the repository or code-hash-filter`,
  );
}

/**
 * Reads a stream by its events, since iterating over megabytes takes longer than git takes to write them.
 *
 * @param stream null if git could not be started, which git's own `error` event reports
 */
function bytesOf(stream: Readable | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream
      ?.on('data', (chunk: Buffer) => chunks.push(chunk))
      .once('end', () => resolve(Buffer.concat(chunks)))
      .once('error', reject);
  });
}

/** Whether `path` is the root of a checkout: it contains `.git`, a folder or, in worktrees and submodules, a file. */
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

/** @throws UserError unless `path` is the root of a checkout; it says what is there instead */
export async function assertRepositoryRoot(path: string): Promise<void> {
  if (await isRepositoryRoot(path)) return;
  const found = (await isDirectory(path))
    ? await describeDirectory(path)
    : 'is not a directory: correct it, or check out first';
  throw new UserError(`repository-path '${printable(path)}' ${found}`);
}

async function describeDirectory(path: string): Promise<string> {
  // Without these variables, git searches the parent folders, as it does in a shell.
  const environment = { GIT_DIR: undefined, GIT_WORK_TREE: undefined };
  const { output } = await runGit(path, ['rev-parse', '--is-bare-repository', '--show-toplevel'], { environment });
  const [isBare, top] = output.toString().split('\n').map(printable);
  if (isBare === 'true') return 'is a bare repository, without files to hash: point it at a checkout';
  if (top === undefined || top === '') return 'is not the root of a git repository: correct it, or check out first';
  return `is a folder inside the repository '${top}': give that path, since patterns are relative to the root`;
}

/** @returns the full id of the commit checked out; undefined without a repository or a commit */
export async function readHead(root: string): Promise<string | undefined> {
  if (!(await isRepositoryRoot(root))) return undefined;
  // A repository without a commit: exit code 1 and no output.
  const output = await readGit(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { accepted: [0, 1] });
  return output.trim() || undefined;
}

/** @returns the full id of the commit with this name, if there is one */
export async function resolveName(root: string, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--quiet', '--verify', '--end-of-options', `${name}^{commit}`];
  return (await readGit(root, args, { accepted: [0, 1, 128] })).trim() || undefined;
}

/**
 * Reads a commit's parents from the commit object, since git's other commands omit parents missing from a shallow
 * clone.
 *
 * @returns their full ids, in order
 */
export async function readParents(root: string, commit = 'HEAD'): Promise<string[]> {
  const [head = ''] = (await readGit(root, ['cat-file', 'commit', commit])).split('\n\n', 1);
  return head.split('\n').flatMap((line) => /^parent ([0-9a-f]+)$/.exec(line)?.[1] ?? []);
}

const MOST_ANCESTORS = 50;

/** @returns the full ids of a commit's parents, then of its latest other ancestors that the clone has */
export async function readAncestors(root: string, commit: string): Promise<string[]> {
  const parents = await readParents(root, commit);
  const known = await readGit(root, ['rev-list', `--max-count=${MOST_ANCESTORS}`, '--skip=1', commit]);
  return [...new Set([...parents, ...known.split('\n')])].filter((id) => id !== '');
}

/** @returns the repositories in direct subfolders; none if the directory can't be read */
export async function findNested(directory: string): Promise<NestedRepository[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  const found: NestedRepository[] = [];
  for (const path of paths.toSorted())
    if (await isRepositoryRoot(path)) found.push({ path, head: await readHead(path) });
  return found;
}
