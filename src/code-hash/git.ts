import { spawn } from 'node:child_process';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { UserError } from '../errors.ts';
import type { NestedRepository } from '../ports.ts';
import { printable, systemCode } from '../text.ts';

// Where git's own programs and the user's configuration lie. Everything else that git reads from the environment
// could send it to another repository, index or object store, change what a pattern means, or add configuration.
const KEPT: ReadonlySet<string> = new Set([
  'GIT_EXEC_PATH',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
]);

// What redirects git, and what holds secrets: inputs, AWS credentials and the ways to them, and the runner's tokens.
const REMOVED = /^(GIT|INPUT|AWS|ACTIONS)_/i;

/** The environment without variables that would redirect git, and without secrets, which filters that git starts don't need. */
function scrubbed(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = (name: string) => !REMOVED.test(name) || KEPT.has(name.toUpperCase());
  return Object.fromEntries(Object.entries(inherited).filter(([name]) => isKept(name)));
}

/**
 * Variables that fix the repository to the one at `root`. Naming it, rather than letting git search for it, also
 * keeps git from refusing a repository of another owner (usual where a job runs in a container): `safe.directory`
 * alone is not enough, since git 2.35.2 to 2.37 and the security updates of older ones ignore it on the command line.
 */
function repositoryVariables(root: string): NodeJS.ProcessEnv {
  return { GIT_DIR: join(resolve(root), '.git'), GIT_WORK_TREE: resolve(root), GIT_NO_LAZY_FETCH: '1' };
}

/** Options, placed before the command, that hold for every git run on the repository at `root`. */
function fixedOptions(root: string): string[] {
  const settings = [
    'core.excludesFile=/dev/null', // what one user ignores says nothing about the code; works on Windows too
    'core.fsmonitor=', // empty is off for every version; older ones would take `false` for the name of a hook
    'core.hooksPath=/dev/null', // writing a scratch index would run post-index-change
    'core.splitIndex=false', // else a scratch index could be written in two parts, one of them into the repository
    'core.safecrlf=false', // refuses to store what could not be restored, but nothing is stored here
    'add.ignoreErrors=false',
    'protocol.allow=never', // a partial clone would fetch what it lacks, where git does not know GIT_NO_LAZY_FETCH yet
    `safe.directory=${resolve(root).split(sep).join('/')}`,
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}

interface GitOptions {
  /** Added to the variables that fix the repository; `undefined` takes one away. */
  readonly environment?: NodeJS.ProcessEnv;
  /** What git reads from its standard input, one character for each byte. */
  readonly input?: string;
}

export interface GitResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly output: Buffer;
  /** What git wrote to its standard error. */
  readonly complaint: string;
}

/**
 * Runs git on the repository at `root`, an existing directory, with everything switched off that would make it look
 * elsewhere, fetch or run hooks.
 *
 * @throws UserError where git can't be started; how it ends is for the caller to judge
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
  git.stdin?.on('error', () => {}); // git may end before it has read everything; its exit code says why
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
  /** Exit codes; 0 where absent. */
  readonly accepted?: readonly number[];
}

/**
 * As `runGit`, for a command that must succeed.
 *
 * @returns what git wrote, one character for each byte: paths are bytes, and need not be UTF-8
 * @throws UserError with git's own complaint where its exit code isn't one of `accepted`
 */
export async function readGit(root: string, args: readonly string[], options: ReadOptions = {}): Promise<string> {
  return (await askGit(root, args, options)).output.toString('latin1');
}

/** As `readGit`. @returns everything that is known of how it ended */
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
    `git ${args[0]} failed at repository-path '${printable(root)}' (exit code ${exitCode}), saying '${said}': mend the repository or code-hash-filter`,
  );
}

/**
 * By its events, since to iterate over a stream of megabytes takes longer than git takes to write it.
 *
 * @param stream none where git could not be started, of which its own event tells
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

/** Whether `path` is the root of a checked-out repository: it has `.git`, a folder or (worktree, submodule) a file. */
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

/** @throws UserError that says what is at `path` instead of the root of a checked-out repository */
export async function assertRepositoryRoot(path: string): Promise<void> {
  if (await isRepositoryRoot(path)) return;
  const found = (await isDirectory(path))
    ? await describeDirectory(path)
    : 'is not a directory: correct it, or check out first';
  throw new UserError(`repository-path '${printable(path)}' ${found}`);
}

async function describeDirectory(path: string): Promise<string> {
  // Without these git searches upwards, as it does for a user in a shell.
  const environment = { GIT_DIR: undefined, GIT_WORK_TREE: undefined };
  const { output } = await runGit(path, ['rev-parse', '--is-bare-repository', '--show-toplevel'], { environment });
  const [isBare, top] = output.toString().split('\n').map(printable);
  if (isBare === 'true') return 'is a bare repository, without files to hash: point it at a checkout';
  if (top === undefined || top === '') return 'is not the root of a git repository: correct it, or check out first';
  return `is a folder inside the repository '${top}': give that path, since patterns are relative to the root`;
}

/** @returns the full id of the commit checked out; undefined where there is no repository or no commit yet */
export async function readHead(root: string): Promise<string | undefined> {
  if (!(await isRepositoryRoot(root))) return undefined;
  // Exit code 1 and no output: a repository without a commit.
  const output = await readGit(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { accepted: [0, 1] });
  return output.trim() || undefined;
}

/** @returns the full id of the commit of that name, if there is one */
export async function resolveName(root: string, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--quiet', '--verify', '--end-of-options', `${name}^{commit}`];
  return (await readGit(root, args, { accepted: [0, 1, 128] })).trim() || undefined;
}

/**
 * By the commit itself: everything else that git tells of parents leaves out those that a shallow clone lacks.
 *
 * @returns their full ids, the first parent first
 */
export async function readParents(root: string, commit = 'HEAD'): Promise<string[]> {
  const [head = ''] = (await readGit(root, ['cat-file', 'commit', commit])).split('\n\n', 1);
  return head.split('\n').flatMap((line) => /^parent ([0-9a-f]+)$/.exec(line)?.[1] ?? []);
}

/** @returns the repositories directly below a directory, if it can be read */
export async function findNested(directory: string): Promise<NestedRepository[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  const found: NestedRepository[] = [];
  for (const path of paths.toSorted())
    if (await isRepositoryRoot(path)) found.push({ path, head: await readHead(path) });
  return found;
}
