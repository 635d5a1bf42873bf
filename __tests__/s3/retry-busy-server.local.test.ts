import { afterAll, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { Dice } from '../../dev/proof/dice.ts';
import { mapConcurrently } from '../../src/async.ts';
import { parseInputs } from '../../src/inputs/inputs.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { assetOf, BUCKET, copyOf, keysIn, never, storeAt } from './stores.ts';

// A set fails as a whole if one of its files fails.
const FILES = 1000;
const LANES = 64;
const DEFAULTS = { mode: 'check', bucket: BUCKET } as const;
const { store: defaults } = parseInputs({
  input: (name) => (name in DEFAULTS ? Reflect.get(DEFAULTS, name) : ''),
  variable: () => undefined,
});

let server: LocalS3;
let store: ObjectStore;
beforeAll(async () => {
  // Makes waits a fiftieth of their maximum.
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET] });
  store = storeAt(server, { maxAttempts: defaults.maxAttempts });
});
beforeEach(() => {
  const dice = new Dice(expect.getState().currentTestName ?? '');
  server.clearRequests();
  server.fault = () => (dice.chance(0.5) ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

const FILE = Array.from({ length: FILES }, (_, index) => `sent/${index}`);

it('stores 1,000 files on a server that refuses half of all requests', async () => {
  const results = await mapConcurrently(FILE, LANES, (key) => store.putAsset(assetOf(key, 'x')));
  expect(results.filter(({ outcome }) => outcome === 'written')).toHaveLength(FILES);
  server.fault = undefined;
  expect(await keysIn(storeAt(server), 'sent/')).toHaveLength(FILES);
  expect(server.requests.length).toBeGreaterThan(1.8 * FILES);
});

it('copies and restores files from that server', async () => {
  const { etag } = server.put(BUCKET, 'source', 'x');
  const results = await mapConcurrently(FILE.slice(0, 200), LANES, async (key) => {
    const copied = await store.copyAsset(copyOf({ key: 'source', etag, sizeBytes: 1 }, `${key}-copied`));
    const range = { position: 0, lengthBytes: 1 };
    const read = await store.readAsset({ key: 'source', etag, sizeBytes: 1, range, signal: never() });
    return `${copied.outcome} ${read.outcome}`;
  });
  expect(new Set(results)).toEqual(new Set(['copied read']));
});
