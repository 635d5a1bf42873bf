import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../src/text.ts';
import { answerHelp } from '../help.ts';
import { type Program, runProgram } from '../program.ts';
import { installServer } from '../servers/install-server.ts';
import { RunningServer } from '../servers/running-server.ts';
import { judgeBundle } from './bundle.ts';
import { LINK_NAMES, type LinkName } from './link.ts';
import { describeMachine } from './machine.ts';
import { type Measuring, measureWork } from './measure-work.ts';
import { Links } from './open-links.ts';
import { type Options, parseOptions } from './options.ts';
import { enterOwnNetwork } from './own-network.ts';
import { findPeers, type Peers } from './peers.ts';
import { publishFigures } from './performance-page.ts';
import { ProcessMeter } from './process-meter.ts';
import { openPythonEnvironment } from './python-environment.ts';
import { type Judged, type Measured, renderResults, renderTargets } from './report.ts';
import { describeRoundTrips } from './round-trips.ts';
import { FULL } from './sizes.ts';
import type { Target } from './targets.ts';

answerHelp(`npm run bench -- [--only upload-8x40mb,…] [--link ${LINK_NAMES}] [--runs 5] [--server versitygw|seaweedfs|minio] [--quick]

Times the built action and its peers as whole processes, over TLS, against an S3 server on this machine: at once, with a
round trip of 25 ms between them, and with 2 Gbit/s, for which the kernel needs root. Prints medians and which targets are reached; a full run puts them into
docs/internals/performance.md. Exits with 1 where a work could not be measured, never for a target that is missed.`);

const SERVERS = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'servers');

await runProgram((program) => bench(parseOptions(process.argv.slice(2)), program));

async function bench(options: Options, program: Program): Promise<void> {
  const { cancelled } = program;
  const { server, runs, sizes, isFull } = options;
  const environment = await openPythonEnvironment();
  const peers = await findPeers(environment);
  const executable = await installServer(server, { installDirectory: SERVERS, cancelled });
  const names = await availableLinks(options);
  const subject = describeSubject(options, peers);
  console.log(`${subject}\n`);
  await using running = await RunningServer.start(server, executable, { cancelled, overTls: true });
  await using links = await Links.open(names, running.endpoint);
  await using meter = new ProcessMeter(environment.python, cancelled);
  const measuring = { server: running, meter, peers, sizes, runs, cancelled, links: links.all, progress: console.log };
  const figures = await renderFindings(await measureAll(options, measuring, program.fail));
  console.log(`\n${figures}`);
  if (isFull && names.length === LINK_NAMES.length && !program.hasFailed)
    await publishFigures(`The last full run of \`npm run bench\`:\n\n${subject}\n\n${figures}`);
}

async function availableLinks({ links }: Options): Promise<readonly LinkName[]> {
  if (!links.includes('2gbit') || (await enterOwnNetwork())) return links;
  return links.filter((name) => name !== '2gbit');
}

function describeSubject({ runs, server, sizes }: Options, peers: Peers): string {
  return [
    `- ${new Date().toISOString().slice(0, 10)}, ${counted(runs, 'run')} of each program`,
    ...(sizes === FULL ? [] : ['- a sample: too small for its figures to say much']),
    `- server: ${server.name} ${server.version}, over TLS; inputs, bucket and outputs in ${tmpdir()}`,
    `- Node ${process.version}; peers: ${peers.versions.join(', ') || 'none'}`,
    `- ${describeMachine()}`,
  ].join('\n');
}

interface Findings {
  readonly measured: readonly Measured[];
  readonly judged: readonly Judged[];
}

/** A work that can't be measured does not prevent the measurement of the others. */
async function measureAll({ works, sizes }: Options, measuring: Measuring, fail: Program['fail']): Promise<Findings> {
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

/** A target is left out if its peer could not be installed. */
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
