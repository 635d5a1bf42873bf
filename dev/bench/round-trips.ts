import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../src/text.ts';
import { Repository } from '../demo/repository.ts';
import { CREDENTIALS, type LocalS3, startLocalS3 } from '../local-s3/local-s3.ts';
import { runAction, storeInputs } from '../run-action.ts';

const BUCKET = 'my-assets';
const CACHING = { 'code-hash-filter': 'src/**' };
const NAMES = Array.from({ length: 10 }, (_, index) => `package-${index}`);
/** Ten packages with the same sources and assets. */
const PACKAGES = {
  packages: JSON.stringify({
    packages: Object.fromEntries(NAMES.map((name) => [name, { sources: ['src/**'], directory: `packages/${name}` }])),
  }),
};
const ROUND_TRIP_MS = 50;
/** After this time, the record is old enough for a check to believe the listing. */
const LATER_MS = 60_000;

/**
 * Counts the requests of a check in the local server, which delays each of them a little, so that requests sent
 * together overlap.
 *
 * @returns a line for a hit, one for a miss with caching, and the same for ten packages
 */
export async function describeRoundTrips(): Promise<string[]> {
  await using resources = new AsyncDisposableStack();
  let aheadMs = 0;
  const store = await startLocalS3({ buckets: [BUCKET], now: () => Date.now() + aheadMs });
  resources.defer(() => store.close());
  const root = await mkdtemp(join(tmpdir(), 'bench-round-trips-'));
  resources.defer(() => rm(root, { recursive: true, force: true }));
  const commit = await build(root);
  await step({ store, root, commit }, { mode: 'upload', ...CACHING });
  for (const name of NAMES) await step({ store, root, commit }, { mode: 'upload', ...PACKAGES, package: name });
  aheadMs = LATER_MS;
  store.fault = () => ({ kind: 'delay', ms: ROUND_TRIP_MS });
  const lines: string[] = [];
  for (const [name, inputs] of [
    ['hit', CACHING],
    ['miss with caching', { ...CACHING, prefix: 'elsewhere' }],
    ['hits of ten packages', PACKAGES],
    ['misses of ten packages', { ...PACKAGES, prefix: 'elsewhere' }],
  ] as const) {
    store.clearRequests();
    await step({ store, root, commit }, { mode: 'check', ...inputs });
    lines.push(`\`check\`, ${name}: ${describeRequests(store)}`);
  }
  return lines;
}

async function build(root: string): Promise<string> {
  const repository = new Repository(root);
  const { id } = await repository.commit('sources', { '.gitignore': 'packages/\n', 'src/main.txt': 'source\n' });
  await mkdir(join(root, 'packages'));
  for (const name of NAMES) {
    await mkdir(join(root, 'packages', name));
    await writeFile(join(root, 'packages', name, 'app.zip'), `asset of ${name}`);
  }
  return id;
}

interface Scene {
  readonly store: LocalS3;
  readonly root: string;
  readonly commit: string;
}

async function step({ store, root, commit }: Scene, inputs: Readonly<Record<string, string>>): Promise<void> {
  const { exitCode, lines } = await runAction({
    cwd: root,
    env: { GITHUB_SHA: commit },
    inputs: {
      ...storeInputs(BUCKET, store.url, CREDENTIALS),
      ...inputs,
    },
  });
  if (exitCode !== 0) throw new Error(lines.join('\n'));
}

/** Requests that began before an earlier one had ended belong to the same round trip. */
function describeRequests({ requests }: LocalS3): string {
  const trips: string[][] = [];
  let tripEndsMs = Number.NEGATIVE_INFINITY;
  for (const request of requests.toSorted((left, right) => left.startedAt - right.startedAt)) {
    if (request.startedAt >= tripEndsMs) trips.push([]);
    trips.at(-1)?.push(request.operation);
    tripEndsMs = Math.max(tripEndsMs, request.endedAt ?? tripEndsMs);
  }
  const description = trips.map(describeTrip).join(', then ');
  return `${counted(requests.length, 'request')} in ${counted(trips.length, 'round trip')}: ${description}`;
}

function describeTrip(operations: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const operation of operations.toSorted()) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return [...counts].map(([operation, count]) => (count === 1 ? operation : `${count} × ${operation}`)).join(' + ');
}
