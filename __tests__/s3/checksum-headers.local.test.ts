import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, type LoggedRequest, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { isUnknownHeader } from '../../src/s3/faults.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import { LIMITS } from '../../src/s3/transport.ts';
import { ABSENT, assetOf, BUCKET, copyOf, faultOf, largeAssetOf, OPERATIONS, prepare, settingsFor } from './stores.ts';

// Stores that refuse headers that AWS accepts.

let server: LocalS3;
let lines: string[];
let store: ObjectStore;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
});
beforeEach(() => {
  server.fault = undefined;
  prepare(server);
  server.clearRequests();
  lines = [];
  const log = { info: () => {}, debug: (line: string) => void lines.push(line) };
  // One attempt: a refusal is not a transient fault.
  const settings = settingsFor(server.url, { partSizeBytes: 3, maxAttempts: 1 });
  store = s3ObjectStore(settings, { limits: LIMITS, log });
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

type Has = (request: LoggedRequest) => boolean;

const hasChecksum: Has = ({ headers }) => Object.keys(headers).some((name) => name.startsWith('x-amz-checksum-'));
const hasCondition: Has = ({ method, headers }) =>
  method !== 'GET' && ('if-none-match' in headers || 'if-match' in headers);

function refuse(isRefused: Has, { status, code }: { status: number; code: string }): void {
  server.fault = (request) => (isRefused(request) ? { kind: 'error', status, code } : undefined);
}

const REFUSALS = [
  { code: 'InvalidArgument', status: 400 },
  { code: 'InvalidRequest', status: 400 },
  { code: 'NotImplemented', status: 501 },
];

describe.each(REFUSALS)('a server that answers $code to checksums', (refusal) => {
  beforeEach(() => refuse(hasChecksum, refusal));

  it.each(['writeDocument', 'head', 'putAsset', 'putAssetInParts'])(
    'is sent one by %s, and none after that',
    async (first) => {
      for (const name of [first, ...Object.keys(OPERATIONS)]) await OPERATIONS[name]?.(store);
      expect(server.requests.filter(hasChecksum)).toHaveLength(1);
      expect(lines).toEqual([
        expect.stringMatching(/^The store refuses checksum headers \(\w+\): requests go without/),
      ]);
      expect(server.get(BUCKET, 'parts')?.content.text()).toBe('asset');
      expect(server.uploads(BUCKET)).toEqual([]);
    },
  );

  it('is logged once if many requests are in flight', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => store.putAsset(assetOf(key, key))));
    expect(lines).toHaveLength(1);
    expect(server.keys(BUCKET)).toEqual(['a', 'b', 'c', 'd', 'doc', 'source']);
  });

  it('still checks every byte', async () => {
    await store.putAsset(assetOf('a', 'a'));
    const fault = await faultOf(store.putAsset({ ...assetOf('b', 'b'), body: Buffer.from('x') }));
    expect(fault.message).toContain('XAmzContentSHA256Mismatch');
    expect(server.keys(BUCKET)).not.toContain('b');
  });

  it('still checks every condition', async () => {
    expect(await store.putAsset(assetOf('doc', 'x'))).toEqual({ outcome: 'precondition-failed' });
    expect(await store.putAsset(assetOf('new', 'x'))).toMatchObject({ outcome: 'written', guarded: true });
  });
});

describe.each(REFUSALS)('a server that answers $code to conditions', ({ code, status }) => {
  beforeEach(() => refuse(hasCondition, { code, status }));

  it.each<[name: string, work: (store: ObjectStore) => Promise<unknown>]>([
    ['a document', (to) => to.writeDocument('new', Buffer.from('{}'), ABSENT)],
    [
      'a document in place of another',
      (to) => to.writeDocument('doc', Buffer.from('{}'), { kind: 'unchanged', etag: '"e"' }),
    ],
    ['an asset', (to) => to.putAsset(assetOf('new', '{}'))],
    ['an asset in parts', (to) => to.putAssetInParts(largeAssetOf('new', Buffer.from('{}')))],
  ])('gets %s without a condition, and the result says so', async (_, work) => {
    expect(await work(store)).toEqual({ outcome: 'written', guarded: false, etag: expect.any(String) });
    expect(server.uploads(BUCKET)).toEqual([]);
  });

  it('gets each kind of condition, with each kind of write, only once', async () => {
    const source = { key: 'source', etag: server.get(BUCKET, 'source')?.etag ?? '', sizeBytes: 6 };
    for (const name of ['a', 'b', 'c']) {
      await store.putAsset(assetOf(name, name));
      await store.writeDocument(name, Buffer.from('{}'), { kind: 'unchanged', etag: '"e"' });
      expect(await store.copyAsset(copyOf(source, name, { condition: ABSENT }))).toMatchObject({ outcome: 'copied' });
    }
    expect(server.requests.filter(hasCondition).map(({ operation, key }) => [operation, key])).toEqual([
      // Each twice, since the refusal could also be about the checksum.
      ...Array(4).fill(['PutObject', 'a']),
      ['CopyObject', 'a'],
    ]);
    const unchecked = server.requests.filter(
      ({ operation, headers }) => operation === 'PutObject' && !('x-amz-checksum-sha256' in headers),
    );
    expect(unchecked).toHaveLength(2);
    expect(lines).toEqual([]);
  });

  it('and to checksums gets neither', async () => {
    refuse((request) => hasChecksum(request) || hasCondition(request), { code, status });
    for (const operate of Object.values(OPERATIONS)) await operate(store);
    expect(server.keys(BUCKET)).toEqual(['copy', 'doc', 'new-doc', 'parts', 'put', 'source']);
    expect(server.requests.filter(hasChecksum).length).toBeLessThanOrEqual(2);
    expect(lines).toHaveLength(1);
  });

  it('but refuses the request without them too is quoted in the error', async () => {
    server.fault = () => ({ kind: 'error', status, code });
    const fault = await faultOf(store.writeDocument('new', Buffer.from('{}'), ABSENT));
    expect(fault.message).toContain(`answered ${status} (${code}: `);
    expect(server.requests).toHaveLength(4);
    expect(lines).toEqual([]);
  });
});

it('if the second attempt fails differently, the first error is reported', async () => {
  // Like a bucket with Object Lock.
  server.fault = (request) =>
    hasChecksum(request)
      ? { kind: 'error', status: 400, code: 'InvalidArgument', message: 'Bad tags' }
      : { kind: 'error', status: 400, code: 'InvalidRequest', message: 'Content-MD5 OR x-amz-checksum- is required' };
  expect((await faultOf(store.putAsset(assetOf('a', 'a')))).message).toContain('(InvalidArgument: Bad tags)');
});

it('never leaves headers out at AWS because of a 400', () => {
  const [aws, other] = [settingsFor(undefined), settingsFor('https://s3.example.com')];
  expect(REFUSALS.map(({ code }) => isUnknownHeader(aws, code))).toEqual([false, false, true]);
  expect(REFUSALS.map(({ code }) => isUnknownHeader(other, code))).toEqual([true, true, true]);
  expect(isUnknownHeader(other, 'AccessDenied')).toBe(false);
});
