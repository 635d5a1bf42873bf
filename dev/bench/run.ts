import { constants } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { counted } from '../../src/core/counted.ts';
import { installServer } from '../servers/install-server.ts';
import { RunningServer } from '../servers/running-server.ts';
import { judgeBundle } from './bundle.ts';
import { describeMachine } from './machine.ts';
import { type Measuring, measureWork } from './measure-work.ts';
import { type Options, parseOptions } from './options.ts';
import { findPeers, type Peers } from './peers.ts';
import { publishFigures } from './performance-page.ts';
import { ProcessMeter } from './process-meter.ts';
import { startProxyProcess } from './proxy-process.ts';
import { openPythonEnvironment } from './python-environment.ts';
import { type Judged, type Measured, renderResults, renderTargets } from './report.ts';
import { describeRoundTrips } from './round-trips.ts';
import { FULL } from './sizes.ts';
import type { LinkName, Target } from './targets.ts';

// npm run bench -- [--only check-hit,…] [--runs 10] [--server versitygw|seaweedfs|minio] [--quick] [--no-latency]
//
// Times the built action and its peers as whole processes, against an S3 server on this machine, and once more with a
// round trip of 25 ms between them. Prints medians and which targets are reached; a full run puts them into
// docs/performance.md. Exits with 1 where a work could not be measured, never for a target that is missed.

const SERVERS = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'servers');
const ROUND_TRIP_MS = 25;

const cancellation = new AbortController();
let exitCode = 0;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    exitCode = 128 + constants.signals[name];
    cancellation.abort(new Error('cancelled'));
  });

try {
  await bench(parseOptions(process.argv.slice(2)));
} catch (error) {
  fail(error);
}
process.exitCode = exitCode;

async function bench(options: Options): Promise<void> {
  const cancelled = cancellation.signal;
  const { server, runs, sizes } = options;
  const environment = await openPythonEnvironment();
  const peers = await findPeers(environment);
  const program = await installServer(server, { installDirectory: SERVERS, cancelled });
  const subject = describeSubject(options, peers);
  console.log(`${subject}\n`);
  await using running = await RunningServer.start(server, program, cancelled);
  await using proxy = await startProxyProcess(running.endpoint, ROUND_TRIP_MS);
  await using meter = new ProcessMeter(environment.python, cancelled);
  const endpoints = new Map<LinkName, string>([['loopback', running.endpoint]]);
  if (options.withLatency) endpoints.set('latency', proxy.endpoint);
  const measuring = { server: running, meter, peers, sizes, runs, cancelled, endpoints, progress: console.log };
  const figures = await renderFindings(await measureAll(options, measuring));
  console.log(`\n${figures}`);
  if (options.isFull && exitCode === 0)
    await publishFigures(`The last full run of \`npm run bench\`:\n\n${subject}\n\n${figures}`);
}

function describeSubject({ runs, server, sizes }: Options, peers: Peers): string {
  return [
    `- ${new Date().toISOString().slice(0, 10)}, ${counted(runs, 'run')} of each program`,
    ...(sizes === FULL ? [] : ['- a sample: too small for its figures to say much']),
    `- server: ${server.name} ${server.version}`,
    `- Node ${process.version}; peers: ${peers.versions.join(', ') || 'none'}`,
    `- ${describeMachine()}`,
  ].join('\n');
}

interface Findings {
  readonly measured: readonly Measured[];
  readonly judged: readonly Judged[];
}

/** A work that can't be measured does not keep the others from it. */
async function measureAll({ works, sizes }: Options, measuring: Measuring): Promise<Findings> {
  const measured: Measured[] = [];
  const judged: Judged[] = [];
  for (const work of works) {
    const found = await measureWork(work, measuring).catch(fail);
    measuring.cancelled.throwIfAborted();
    measured.push(...(found ?? []));
    for (const one of found ?? []) judged.push(...judge(work.targets(sizes), one));
    console.log(`\n${renderResults(found ?? [])}\n`);
  }
  return { measured, judged };
}

/** A target whose peer could not be had is left out. */
function judge(targets: readonly Target[], { title, link, results }: Measured): Judged[] {
  return targets
    .filter(({ links }) => links.includes(link))
    .map(({ says, judge }) => ({ title, link, says, judgement: judge(results) }))
    .flatMap(({ judgement, ...rest }) => (judgement === undefined ? [] : [{ ...rest, ...judgement }]));
}

async function renderFindings({ measured, judged }: Findings): Promise<string> {
  const bundle = (await judgeBundle()).map((size): Judged => ({ title: 'bundle', link: undefined, ...size }));
  const trips = await describeRoundTrips();
  return [
    renderTargets([...judged, ...bundle]),
    renderResults(measured),
    `### Requests\n\n${trips.map((line) => `- ${line}`).join('\n')}`,
  ].join('\n\n');
}

function fail(error: unknown): undefined {
  exitCode ||= 1;
  console.error(styleText('red', Error.isError(error) ? error.message : String(error), { stream: process.stderr }));
}
