import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { styleText } from 'node:util';
import { answerHelp } from '../help.ts';
import { type Program, runProgram } from '../program.ts';
import { SERVERS } from './catalog.ts';
import { mergeRows, parsePage, renderPage, type ServerRow, saysTheSame } from './compatibility-page.ts';
import { parseOptions } from './options.ts';
import { PROBES } from './probes/ask.ts';
import { testServer } from './test-server.ts';

answerHelp(`npm run test:servers -- [--only seaweedfs,minio] [--install-dir DIR] [--report-dir DIR] [--check]

Tests the action against real S3 servers on this machine, and writes the results to docs/guide/compatibility.md.
With --check it compares that page with what was found, and writes nothing.`);

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'guide', 'compatibility.md');

await runProgram(testServers);

async function testServers({ cancelled, fail }: Program): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const rows: ServerRow[] = [];
  for (const server of options.servers) {
    console.log(styleText('bold', `\n${server.name} ${server.version}`));
    const { row, failures } = await testServer(server, options, cancelled).catch(whatFailed);
    cancelled.throwIfAborted();
    for (const failure of failures) fail(failure);
    if (row !== undefined) rows.push(row);
  }
  for (const { name, version, smoke, suite, took } of rows)
    console.log(`${name} ${version}: the action itself ${smoke}; integration suite: ${suite} (${took})`);
  if (!(await publish(rows, options.check)))
    fail("docs/guide/compatibility.md says something else: run 'npm run test:servers' and commit it");
}

/** A server that can't be installed or started does not prevent the tests of the others. */
function whatFailed(error: unknown): { row: undefined; failures: string[] } {
  return { row: undefined, failures: [Error.isError(error) ? error.message : String(error)] };
}

/** @returns whether the page is up to date */
async function publish(fresh: readonly ServerRow[], check: boolean): Promise<boolean> {
  const old = await readFile(PAGE, 'utf8').catch(() => '');
  const names = SERVERS.map(({ name }) => name);
  const page = renderPage(mergeRows(parsePage(old), fresh, names), PROBES);
  if (check) return saysTheSame(old, page);
  await mkdir(dirname(PAGE), { recursive: true });
  await writeFile(PAGE, page);
  return true;
}
