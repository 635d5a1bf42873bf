import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from './process-group.ts';
import type { Site } from './site.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** More workers than jest's default on a small machine, since most of the time is spent waiting for the server. */
const WORKERS = ['--maxWorkers=3'];

export interface SuiteResult {
  readonly passedCount: number;
  readonly skippedCount: number;
  /** Names of failed tests, and of test files that could not be run. */
  readonly failures: readonly string[];
}

/** The fields used of jest's report; https://jestjs.io/docs/configuration#testresultsprocessor-string */
interface JestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/**
 * Runs the integration suite against a server.
 *
 * @param reportFile where jest's report is written
 * @throws Error if jest could not be run
 */
export async function runSuite(
  { endpoint, credentials }: Site,
  { reportFile, cancelled }: { reportFile: string; cancelled: AbortSignal },
): Promise<SuiteResult> {
  const env = {
    TEST_S3_ENDPOINT: endpoint,
    TEST_S3_ACCESS_KEY: credentials.accessKeyId,
    TEST_S3_SECRET_KEY: credentials.secretAccessKey,
  };
  const args = ['run', '--silent', 'test:server', '--', ...WORKERS, '--json', `--outputFile=${reportFile}`];
  // Jest reports on stderr; stdout has the output of the tested code.
  const end = await runToEnd('npm', args, { cwd: ROOT, env, cancelled, stdio: ['ignore', 'ignore', 'inherit'] });
  const text = await readFile(reportFile, 'utf8').catch((cause: unknown) => {
    throw new Error(`The integration suite left no report, and ended with ${end}`, { cause });
  });
  const result = readReport(JSON.parse(text));
  if (end !== 0 && result.failures.length === 0) throw new Error(`The integration suite ended with ${end}`);
  return result;
}

export function readReport({ numPassedTests, numPendingTests, testResults }: JestReport): SuiteResult {
  const failures = testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed').map(({ fullName }) => fullName);
    return status === 'failed' && failed.length === 0 ? [`${name} could not be run`] : failed;
  });
  return { passedCount: numPassedTests, skippedCount: numPendingTests, failures };
}
