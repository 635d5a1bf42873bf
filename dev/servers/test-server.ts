import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../src/text.ts';
import type { ServerRow } from './compatibility-page.ts';
import { installServer } from './install-server.ts';
import type { Options } from './options.ts';
import { askServer } from './probes/ask.ts';
import { RunningServer } from './running-server.ts';
import type { ServerDefinition } from './server-definition.ts';
import type { Site } from './site.ts';
import { smokeTest } from './smoke.ts';
import { runSuite, type SuiteResult } from './suite.ts';

export interface ServerResult {
  readonly row: ServerRow;
  /** One line for each failure. */
  readonly failures: readonly string[];
}

/** Installs a server, starts it, runs everything against it, and stops it. */
export async function testServer(
  server: ServerDefinition,
  options: Options,
  cancelled: AbortSignal,
): Promise<ServerResult> {
  const program = await installServer(server, { installDirectory: options.installDirectory, cancelled });
  const startedMs = performance.now();
  await using running = await RunningServer.start(server, program, { cancelled });
  console.log(`${server.name} ${server.version} listens on ${running.endpoint}.`);
  const answers = await askServer(running, cancelled);
  const smokeFailures = await failuresOfSmoke(running, cancelled);
  const suite = await runSuiteInto(options.reportDirectory, { server, site: running, cancelled });
  const { name, version } = server;
  const row = {
    name,
    version,
    testedOn: new Date().toISOString().slice(0, 10),
    smoke: smokeFailures.length === 0 ? 'passed' : 'failed',
    suite: describeSuite(suite),
    took: `${((performance.now() - startedMs) / 1000).toFixed(0)} s`,
    answers,
  };
  return { row, failures: [...smokeFailures, ...suite.failures].map((line) => `${name}: ${line}`) };
}

async function failuresOfSmoke(site: Site, cancelled: AbortSignal): Promise<string[]> {
  try {
    await smokeTest(site, cancelled);
    return [];
  } catch (error) {
    cancelled.throwIfAborted();
    return [`the action itself: ${Error.isError(error) ? error.message : error}`];
  }
}

/** @param directory for jest's report, which is deleted if undefined */
async function runSuiteInto(
  directory: string | undefined,
  { server, site, cancelled }: { server: ServerDefinition; site: Site; cancelled: AbortSignal },
): Promise<SuiteResult> {
  if (directory !== undefined) {
    await mkdir(directory, { recursive: true });
    return runSuite(site, { reportFile: join(directory, `${server.id}.json`), cancelled });
  }
  const passing = await mkdtemp(join(tmpdir(), 'test-reports-'));
  try {
    return await runSuite(site, { reportFile: join(passing, 'report.json'), cancelled });
  } finally {
    await rm(passing, { recursive: true, force: true });
  }
}

function describeSuite({ passedCount, skippedCount, failures }: SuiteResult): string {
  const skipped = skippedCount === 0 ? '' : `, ${skippedCount} skipped`;
  if (failures.length === 0) return `all ${passedCount} passed${skipped}`;
  return `${counted(failures.length, 'failure')}, ${passedCount} passed${skipped}`;
}
