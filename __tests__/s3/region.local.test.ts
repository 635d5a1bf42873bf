import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FaultAction, type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { BUCKET, faultOf, keysIn, OPERATIONS, prepare, storeAt } from './stores.ts';

const UNKNOWN = { region: undefined };

let server: LocalS3;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  const buckets = [{ name: BUCKET, region: 'eu-central-1' }];
  server = await startLocalS3({ buckets, minPartSizeBytes: 1, region: 'us-east-1' });
});
beforeEach(() => {
  prepare(server);
  server.clearRequests();
});
afterEach(() => {
  server.fault = undefined;
  server.deny = undefined;
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

function signedRegions(): (string | undefined)[] {
  return server.requests.map(
    ({ headers }) => /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1],
  );
}

it.each(Object.entries(OPERATIONS))('%s finds out which region the bucket is in', async (_, operate) => {
  await operate(storeAt(server, UNKNOWN));
  expect(server.requests[0]).toMatchObject({ operation: 'HeadBucket', method: 'HEAD', accessKeyId: undefined });
  const [first, ...others] = signedRegions();
  expect(first).toBeUndefined();
  expect(new Set(others)).toEqual(new Set(['eu-central-1']));
});

it('asks once for all requests', async () => {
  const store = storeAt(server, UNKNOWN);
  await Promise.all([store.readDocument('doc'), keysIn(store), store.head('source'), store.head('none')]);
  await store.readDocument('doc');
  expect(server.requests.filter(({ operation }) => operation === 'HeadBucket')).toHaveLength(1);
});

it('does not ask if the region is given', async () => {
  await keysIn(storeAt(server, { region: 'eu-central-1' }));
  expect(server.requests.map(({ operation }) => operation)).toEqual(['ListObjectsV2']);
});

it('finds the region even if nothing is allowed', async () => {
  server.deny = ({ action }) => action === 's3:ListBucket';
  expect(await storeAt(server, UNKNOWN).readDocument('doc')).toBeDefined();
});

it('uses the default name for a server without regions', async () => {
  server.createBucket({ name: 'here' });
  server.fault = ({ operation }) => (operation === 'HeadBucket' ? { kind: 'reply', status: 400 } : undefined);
  expect(await keysIn(storeAt(server, { ...UNKNOWN, bucket: 'here' }))).toEqual([]);
  expect(signedRegions()).toEqual([undefined, 'us-east-1']);
});

it.each(['list', 'head'])('%s reports a missing bucket', async (name) => {
  const work = OPERATIONS[name]?.(storeAt(server, { ...UNKNOWN, bucket: 'elsewhere' })) ?? Promise.resolve();
  expect((await faultOf(work)).kind).toBe('no-such-bucket');
});

describe('a passing fault', () => {
  it.each<[what: string, action: FaultAction]>([
    ['a broken connection', { kind: 'reset' }],
    ['a busy server', { kind: 'error', status: 503, code: 'SlowDown' }],
    ['a busy gateway', { kind: 'reply', status: 502 }],
    ['too many requests', { kind: 'reply', status: 429 }],
  ])('(%s) is retried', async (_, action) => {
    let isFirst = true;
    server.fault = () => {
      if (!isFirst) return undefined;
      isFirst = false;
      return action;
    };
    expect(await keysIn(storeAt(server, UNKNOWN))).toEqual(['doc', 'source']);
    expect(server.requests.map(({ operation }) => operation)).toEqual(['HeadBucket', 'HeadBucket', 'ListObjectsV2']);
  });

  it.each<[action: FaultAction, kind: string]>([
    [{ kind: 'reset' }, 'unreachable'],
    [{ kind: 'reply', status: 503 }, 'throttled'],
  ])('that does not pass is reported and not cached: %j', async (action, kind) => {
    const store = storeAt(server, UNKNOWN);
    server.fault = () => action;
    for (const work of [keysIn(store), store.head('source')]) {
      const fault = await faultOf(work);
      expect(fault.kind).toBe(kind);
      expect(fault.message).toMatch(/^Could not find the region of s3:\/\/bucket: 127.0.0.1:\d+ /);
    }
    server.fault = undefined;
    expect(await keysIn(store)).toEqual(['doc', 'source']);
    expect(await store.head('source')).toBeDefined();
  });
});

it('an unreachable server is reported within seconds', async () => {
  const fault = await faultOf(keysIn(storeAt({ url: 'http://127.0.0.1:1' }, { ...UNKNOWN, maxAttempts: 10 })));
  expect(fault).toMatchObject({ kind: 'unreachable' });
  expect(fault.message).toContain("127.0.0.1:1 can't be reached");
});
