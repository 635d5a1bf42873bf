import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../src/text.ts';
import { Repository } from '../demo/repository.ts';
import { CREDENTIALS, type LocalS3, startLocalS3 } from '../local-s3/local-s3.ts';
import { runAction, storeInputs } from '../run-action.ts';

const BUCKET = 'my-assets';
const ROUND_TRIP_MS = 50;
/** Later than this the record is old enough for a check to believe the listing. */
const LATER_MS = 60_000;

/**
 * Counts the requests of a check in the local server, which holds each of them up a little: those that go out together
 * overlap then.
 *
 * @returns a line for a hit, and one for a miss with caching
 */
export async function describeRoundTrips(): Promise<string[]> {
  await using resources = new AsyncDisposableStack();
  let aheadMs = 0;
  const store = await startLocalS3({ buckets: [BUCKET], now: () => Date.now() + aheadMs });
  resources.defer(() => store.close());
  const root = await mkdtemp(join(tmpdir(), 'bench-round-trips-'));
  resources.defer(() => rm(root, { recursive: true, force: true }));
  const commit = await build(root);
  await step({ store, root, commit }, { mode: 'upload' });
  aheadMs = LATER_MS;
  store.fault = () => ({ kind: 'delay', ms: ROUND_TRIP_MS });
  const lines: string[] = [];
  for (const [name, inputs] of [
    ['hit', {}],
    ['miss with caching', { prefix: 'elsewhere' }],
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
  for (let index = 0; index < 10; index += 1) await writeFile(join(root, 'packages', `${index}.zip`), `asset ${index}`);
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
      'code-hash-filter': 'src/**',
      ...inputs,
    },
  });
  if (exitCode !== 0) throw new Error(lines.join('\n'));
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
  const told = trips.map((trip) => trip.toSorted().join(' + ')).join(', then ');
  return `${counted(requests.length, 'request')} in ${counted(trips.length, 'round trip')}: ${told}`;
}
