import { type StdioOptions, spawn } from 'node:child_process';
import { cp, glob, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { withoutGuard } from './guards.ts';
import type { Mutant } from './mutants.ts';

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
const EXPLORER = 'dev/proof/model/explore-alone.ts';
const PARTS = [
  'src',
  'dev',
  '__tests__',
  'package.json',
  'packages.schema.json',
  'jest.config.js',
  'jest.reporter.js',
  'jest.setup.js',
  'jest.transform.js',
  'action.yml',
];
const REPORT = 'report.json';
const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--runInBand', '--json'];

/** A copy of the sources, the model and the tests, from which one guard at a time is removed. */
export class Workbench implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(): Promise<Workbench> {
    const directory = await mkdtemp(join(tmpdir(), 'proof-model-'));
    for (const part of PARTS) await cp(join(ROOT, part), join(directory, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    return new Workbench(directory);
  }

  /**
   * Runs the model without a guard.
   *
   * @returns the number of interleavings until it failed, and the broken promise; undefined if it did not fail
   * @throws Error if the guard is not found exactly once
   */
  async tryWithout(
    mutant: Mutant,
    { interleavings, seed }: { interleavings: number; seed: number },
  ): Promise<Noticed | undefined> {
    const args = [join(this.#directory, EXPLORER), String(interleavings), String(seed)];
    return parse(await this.#runWithout(mutant, args), mutant.guard);
  }

  /**
   * Runs tests with a guard and without it.
   *
   * @returns the name of the first test that fails without it; undefined if all pass
   * @throws Error if the guard is not found exactly once, or if a test fails with it
   */
  async testWithout(mutant: Mutant, tests: string): Promise<string | undefined> {
    const args = [...JEST, `--outputFile=${REPORT}`, tests];
    await this.#run(args);
    const failed = await this.#firstFailed();
    if (failed !== undefined) throw new Error(`The test '${failed}' of ${tests} fails with every guard in place`);
    await this.#runWithout(mutant, args);
    return this.#firstFailed();
  }

  async #firstFailed(): Promise<string | undefined> {
    const report = join(this.#directory, REPORT);
    const { testResults } = JSON.parse(await readFile(report, 'utf8'));
    await rm(report);
    const results: readonly TestResult[] = testResults;
    return results.flatMap(({ assertionResults }) => assertionResults).find(({ status }) => status === 'failed')
      ?.fullName;
  }

  async #runWithout(mutant: Mutant, args: readonly string[]): Promise<string> {
    const { path, original, mutated } = withoutGuard(await this.#sources(), mutant);
    await writeFile(join(this.#directory, path), mutated);
    try {
      return await this.#run(args);
    } finally {
      await writeFile(join(this.#directory, path), original);
    }
  }

  /** The files that have guards, by path. */
  async #sources(): Promise<ReadonlyMap<string, string>> {
    const paths = await Array.fromAsync(glob(['src/**/*.ts', 'dev/proof/model/*.ts'], { cwd: this.#directory }));
    const read = async (path: string) => [path, await readFile(join(this.#directory, path), 'utf8')] as const;
    return new Map(await Promise.all(paths.map(read)));
  }

  async #run(args: readonly string[]): Promise<string> {
    const isTest = args.includes(JEST[1] ?? '');
    // Jest reports on its standard error. Only a test's own server can misbehave.
    const stdio: StdioOptions = ['ignore', 'pipe', isTest ? 'ignore' : 'inherit'];
    const env = { ...process.env, TEST_S3_ENDPOINT: undefined };
    const child = spawn(process.execPath, args, { cwd: this.#directory, env, stdio });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    await new Promise((done, failed) => child.on('close', done).on('error', failed));
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true });
  }
}

/** The result of a test file in jest's report. */
interface TestResult {
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
}

export interface Noticed {
  readonly tried: number;
  readonly violation: string;
}

function parse(output: string, guard: string): Noticed | undefined {
  if (output === '') throw new Error(`The model does not run without '${guard}'`);
  const { tried, violation } = JSON.parse(output);
  return violation === undefined ? undefined : { tried, violation };
}
