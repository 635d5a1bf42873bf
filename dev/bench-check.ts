import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type LocalS3, startLocalS3 } from './local-s3/local-s3.ts';
import { type ActionResult, machineEnvironment, runAction } from './run-action.ts';

// What a check costs: whole processes, start-up included, against a store on loopback, each run alternated with one of
// `node -e 0` so that both see the same machine. Prints medians and the requests; asserts nothing.

const RUNS = 20;
const BUCKET = 'my-assets';
const ROUND_TRIP_MS = 50;
/** A check lists again where the record is this young. */
const SETTLED_MS = 3500;

await using store = await startLocalS3({ buckets: [BUCKET] });
const directory = await mkdtemp(join(tmpdir(), 'bench-check-'));
try {
  const commit = await makeRepository();
  await prepare(commit);
  await compare('check, hit', () => step('check', commit));
  await compare('check, miss with caching', () => step('check', commit, { prefix: 'elsewhere' }));
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function makeRepository(): Promise<string> {
  await mkdir(join(directory, 'src'));
  await writeFile(join(directory, 'src', 'main.txt'), 'source\n');
  await writeFile(join(directory, '.gitignore'), 'packages/\n');
  git('init', '--quiet');
  git('add', '--all');
  git('-c', 'user.name=bench', '-c', 'user.email=bench@example.com', 'commit', '--quiet', '--message', 'sources');
  return git('rev-parse', 'HEAD').trim();
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: directory, encoding: 'utf8', env: machineEnvironment() });
}

async function prepare(commit: string): Promise<void> {
  await mkdir(join(directory, 'packages'), { recursive: true });
  for (let index = 0; index < 10; index += 1)
    await writeFile(join(directory, 'packages', `${index}.zip`), `asset ${index}`);
  const { exitCode, lines } = await step('upload', commit);
  if (exitCode !== 0) throw new Error(lines.join('\n'));
  await setTimeout(SETTLED_MS);
}

function step(mode: string, commit: string, more: Record<string, string> = {}): Promise<ActionResult> {
  return runAction({
    cwd: directory,
    env: { GITHUB_SHA: commit },
    inputs: {
      mode,
      bucket: BUCKET,
      'code-hash-filter': 'src/**',
      'endpoint-url': store.url,
      'aws-region': 'us-east-1',
      'aws-access-key-id': 'test',
      'aws-secret-access-key': 'testsecret1',
      ...more,
    },
  });
}

async function compare(name: string, run: () => Promise<ActionResult>): Promise<void> {
  const actionMs: number[] = [];
  const nodeMs: number[] = [];
  for (let round = 0; round < RUNS; round += 1) {
    nodeMs.push(await timed(() => runAction({ cwd: directory, inputs: {} }, ['-e', '0'])));
    actionMs.push(await timed(run));
  }
  const overMs = median(actionMs) - median(nodeMs);
  console.log(`${name}: ${median(actionMs).toFixed(1)} ms, ${overMs.toFixed(1)} ms over node -e 0 (${RUNS} runs each)`);
  console.log(`  ${await requestsOf(run)}`);
}

/** One more run, with each request held up a little: what goes out together then overlaps. */
async function requestsOf(run: () => Promise<ActionResult>): Promise<string> {
  store.clearRequests();
  store.fault = () => ({ kind: 'delay', ms: ROUND_TRIP_MS });
  await run();
  store.fault = undefined;
  return describeRequests(store);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle - 0.5)] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/** Requests that began before an earlier one had ended went out in the same round trip. */
function describeRequests({ requests }: LocalS3): string {
  const trips: string[][] = [];
  let tripEndsMs = Number.NEGATIVE_INFINITY;
  for (const request of requests.toSorted((left, right) => left.startedAt - right.startedAt)) {
    if (request.startedAt >= tripEndsMs) trips.push([]);
    trips.at(-1)?.push(request.operation);
    tripEndsMs = Math.max(tripEndsMs, request.endedAt ?? tripEndsMs);
  }
  return `${requests.length} requests in ${trips.length} round trips: ${trips.map((trip) => trip.join(' + ')).join(', then ')}`;
}
