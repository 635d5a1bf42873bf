import { spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeDirectory } from './build.ts';
import type { Tally } from './tally.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

export interface FuzzPlan {
  readonly tally: Tally;
  /** Number of cases for each property. */
  readonly cases: number;
  /** A whole number, since fast-check draws the cases. */
  readonly seed: number;
}

/** Runs the tests in `__tests__/fuzz` with more cases than `npm test` does. */
export async function proveByFuzz({ tally, cases, seed }: FuzzPlan): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'proof-fuzz-'));
  try {
    const report = join(directory, 'report.json');
    const args = [...JEST, '__tests__/fuzz', '--verbose', '--json', `--outputFile=${report}`];
    const env = { ...process.env, FUZZ_CASES: String(cases), FUZZ_SEED: String(seed) };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
    await new Promise((done, failed) => child.on('close', done).on('error', failed));
    count(tally, JSON.parse(await readFile(report, 'utf8')), cases);
  } finally {
    await removeDirectory(directory);
  }
}

/** The format of `jest --json`. */
interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function count(tally: Tally, { testResults }: Report, cases: number): void {
  for (const { assertionResults, message } of testResults) {
    if (assertionResults.length === 0) tally.violations.push(message);
    for (const { title, status, failureMessages } of assertionResults) {
      if (title.includes(`(${cases} cases, `)) {
        tally.add('properties');
        tally.add('cases', cases);
      }
      if (status !== 'passed') tally.violations.push(`${title}\n${failureMessages.join('\n')}`);
    }
  }
}
