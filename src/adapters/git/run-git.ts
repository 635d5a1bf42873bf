import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { printable } from '../../core/printable.ts';
import { systemCode, UserError } from '../../errors.ts';
import { fixedOptions, repositoryVariables, scrubbed } from './git-environment.ts';

export interface GitOptions {
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

export interface ReadOptions extends GitOptions {
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
