import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { styleText } from 'node:util';
import { SERVERS } from './catalog.ts';
import { mergeRows, parsePage, renderPage, type ServerRow, saysTheSame } from './compatibility-page.ts';
import { parseOptions } from './options.ts';
import { PROBES } from './probes/ask.ts';
import { testServer } from './test-server.ts';

// node dev/servers/run.ts [--only seaweedfs,minio] [--install-dir DIR] [--report-dir DIR] [--check]
// Tests the action against real S3 servers on this machine, and tells in docs/compatibility.md how each of them does.

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'compatibility.md');

const cancellation = new AbortController();
let exitCode = 0;
// Not `once`: npm passes a Ctrl-C on to a process that the terminal has told of it already.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    exitCode = 128 + constants.signals[name];
    cancellation.abort(new Error('cancelled'));
  });

try {
  await testServers();
} catch (error) {
  fail(Error.isError(error) ? error.message : String(error));
}
process.exitCode = exitCode;

async function testServers(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const rows: ServerRow[] = [];
  for (const server of options.servers) {
    console.log(styleText('bold', `\n${server.name} ${server.version}`));
    const { row, failures } = await testServer(server, options, cancellation.signal).catch(whatFailed);
    for (const failure of failures) fail(failure);
    if (row !== undefined) rows.push(row);
  }
  for (const { name, version, smoke, suite, took } of rows)
    console.log(`${name} ${version}: the action itself ${smoke}; integration suite: ${suite} (${took})`);
  await publish(rows, options.check);
}

/** A server that can't be had or started does not keep the others from being tested. */
function whatFailed(error: unknown): { row: undefined; failures: string[] } {
  cancellation.signal.throwIfAborted();
  return { row: undefined, failures: [Error.isError(error) ? error.message : String(error)] };
}

async function publish(fresh: readonly ServerRow[], check: boolean): Promise<void> {
  const old = await readFile(PAGE, 'utf8').catch(() => '');
  const names = SERVERS.map(({ name }) => name);
  const page = renderPage(mergeRows(parsePage(old), fresh, names), PROBES);
  if (!check) {
    await mkdir(dirname(PAGE), { recursive: true });
    await writeFile(PAGE, page);
  } else if (!saysTheSame(old, page)) {
    fail("docs/compatibility.md says something else: run 'npm run test:servers' and commit it");
  }
}

function fail(line: string): void {
  exitCode ||= 1;
  console.error(styleText('red', line, { stream: process.stderr }));
}
