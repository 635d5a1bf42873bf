import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Content, type FaultAction, type LocalS3, type Reply, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { AssetRead, ReadResult } from '../../src/ports.ts';
import { BUCKET, faultOf, never, storeAt } from './stores.ts';

const BYTES = Buffer.from('0123456789');
const ETAG = `"${createHash('md5').update(BYTES).digest('hex')}"`;

let server: LocalS3;
beforeAll(async () => {
  server = await startLocalS3({ buckets: [BUCKET] });
});
beforeEach(() => {
  server.fault = undefined;
  server.put(BUCKET, 'asset', BYTES);
  server.clearRequests();
});
afterAll(() => server.close());

function read(
  position: number,
  lengthBytes: number,
  overrides: Partial<AssetRead> = {},
  maxAttempts = 1,
): Promise<ReadResult> {
  const range = { position, lengthBytes };
  const asked = { key: 'asset', etag: ETAG, sizeBytes: BYTES.length, range, signal: never(), ...overrides };
  return storeAt(server, { maxAttempts }).readAsset(asked);
}

async function textOf(reading: Promise<ReadResult>): Promise<string> {
  const result = await reading;
  return result.outcome === 'read' ? Buffer.from(result.bytes).toString() : result.outcome;
}

function rewriting(change: (reply: Reply) => Partial<Reply>): FaultAction {
  return { kind: 'rewrite', rewrite: (reply) => ({ ...reply, ...change(reply) }) };
}

function withHeader(name: string, value: string): FaultAction {
  return rewriting(({ headers }) => ({ headers: { ...headers, [name]: value } }));
}

describe('a read', () => {
  it.each([
    [0, 10, undefined, '0123456789'],
    [0, 4, 'bytes=0-3', '0123'],
    [4, 4, 'bytes=4-7', '4567'],
    [8, 2, 'bytes=8-9', '89'],
    [9, 1, 'bytes=9-9', '9'],
  ])('from %i, of %i bytes, requests %s with If-Match', async (position, lengthBytes, range, text) => {
    expect(await textOf(read(position, lengthBytes))).toBe(text);
    expect(server.requests).toHaveLength(1);
    const [request] = server.requests;
    expect(request?.operation).toBe('GetObject');
    expect(request?.headers['if-match']).toBe(ETAG);
    expect(request?.headers.range).toBe(range);
  });

  it('of an empty object sends a request too', async () => {
    const { etag } = server.put(BUCKET, 'empty', '');
    expect(await textOf(read(0, 0, { key: 'empty', etag, sizeBytes: 0 }))).toBe('');
    expect(server.requests[0]?.headers).toMatchObject({ 'if-match': etag });
    expect(server.requests[0]?.headers.range).toBeUndefined();
  });

  it('works for any key', async () => {
    const key = "a b/ö+%2F?#&='()*~!@$:;,\u{1f680}";
    const { etag } = server.put(BUCKET, key, BYTES);
    expect(await textOf(read(1, 2, { key, etag }))).toBe('12');
  });

  it('assembles a reply that comes in many pieces', async () => {
    const large = Buffer.alloc(3_000_000, 'large');
    const { etag } = server.put(BUCKET, 'large', large);
    const result = await read(1_000_000, 1_500_000, { key: 'large', etag, sizeBytes: large.length });
    expect(result.outcome === 'read' && large.subarray(1_000_000, 2_500_000).equals(result.bytes)).toBe(true);
  });
});

describe('an object that is no longer the one asked for', () => {
  it.each<[string, () => void]>([
    ['is gone', () => server.delete(BUCKET, 'asset')],
    ['has other bytes', () => void server.put(BUCKET, 'asset', '9876543210')],
    ['is shorter', () => void server.put(BUCKET, 'asset', '01')],
    ['is empty', () => void server.put(BUCKET, 'asset', '')],
  ])('%s', async (_, change) => {
    change();
    expect(await read(4, 4)).toEqual({ outcome: 'changed' });
    expect(await read(0, 10)).toEqual({ outcome: 'changed' });
  });

  it.each<[string, () => void]>([
    ['has other bytes', () => void server.put(BUCKET, 'asset', '9876543210')],
    ['is shorter', () => void server.put(BUCKET, 'asset', '01')],
    ['is longer', () => void server.put(BUCKET, 'asset', '0123456789abc')],
    ['is empty', () => void server.put(BUCKET, 'asset', '')],
  ])('%s, on a server that ignores If-Match', async (_, change) => {
    change();
    server.fault = () => ({ kind: 'ignore', headers: ['if-match'] });
    expect(await read(4, 4)).toEqual({ outcome: 'changed' });
    expect(await read(0, 10)).toEqual({ outcome: 'changed' });
  });

  it.each<[string, FaultAction]>([
    ['a bare 412', { kind: 'reply', status: 412 }],
    ['a 412 with a code', { kind: 'error', status: 412, code: 'PreconditionFailed' }],
    ['a 416', { kind: 'error', status: 416, code: 'InvalidRange' }],
    ['a 404 with a code', { kind: 'error', status: 404, code: 'NoSuchKey' }],
    ['another ETag', withHeader('etag', '"other"')],
    ['a weak ETag', withHeader('etag', `W/${ETAG}`)],
  ])('is recognised by %s', async (_, action) => {
    server.fault = () => action;
    expect(await read(4, 4)).toEqual({ outcome: 'changed' });
  });
});

describe('a reply that does not match the request', () => {
  async function refusal(reading: Promise<ReadResult>): Promise<string> {
    const { kind, message } = await faultOf(reading);
    expect(kind).toBe('malformed-reply');
    return message;
  }

  it.each([
    ['short', 10],
    ['long', 100_000],
  ])('is reported as an ignored Range if it is the whole of a %s object', async (_, sizeBytes) => {
    const { etag } = server.put(BUCKET, 'asset', Buffer.alloc(sizeBytes, 'x'));
    server.fault = () => ({ kind: 'ignore', headers: ['range'] });
    expect(await refusal(read(0, 4, { sizeBytes, etag }))).toContain(
      `Could not read s3://bucket/asset: 127.0.0.1:${server.port} was asked for bytes 0-3 and answered 200: it ignores Range`,
    );
    server.put(BUCKET, 'asset', Buffer.alloc(sizeBytes, 'y'));
    server.fault = () => ({ kind: 'ignore', headers: ['range', 'if-match'] });
    expect(await read(0, 4, { sizeBytes, etag })).toEqual({ outcome: 'changed' });
  });

  it.each<[string, number, number, FaultAction]>([
    ['fewer bytes', 4, 4, rewriting(() => ({ body: Content.from('456') }))],
    ['more bytes', 4, 4, rewriting(() => ({ body: Content.from('45678') }))],
    ['no bytes', 4, 4, rewriting(() => ({ body: Content.from('') }))],
    ['the range as the whole object', 4, 4, rewriting(() => ({ status: 200 }))],
    ['the whole object as a range', 0, 10, rewriting(() => ({ status: 206 }))],
  ])('is never used: %s', async (_, position, lengthBytes, action) => {
    server.fault = () => action;
    await refusal(read(position, lengthBytes));
  });

  it.each(['bytes 0-3/10', 'bytes 4-8/10', 'bytes', ''])(
    'is never used: one with the Content-Range %j',
    async (contentRange) => {
      server.fault = () => withHeader('content-range', contentRange);
      expect(await refusal(read(4, 4))).toContain('was asked for bytes 4-7 and answered 206 with ');
    },
  );

  it.each<[string, number, number, FaultAction]>([
    ['a range of another size', 4, 4, withHeader('content-range', 'bytes 4-7/11')],
    ['fewer bytes of the whole object', 0, 10, rewriting(() => ({ body: Content.from('012345678') }))],
    ['more bytes of the whole object', 0, 10, rewriting(() => ({ body: Content.from('0123456789a') }))],
  ])('means that the object has changed: %s', async (_, position, lengthBytes, action) => {
    server.fault = () => action;
    expect(await read(position, lengthBytes)).toEqual({ outcome: 'changed' });
  });
});

describe('a fault', () => {
  it.each<[string, FaultAction, string]>([
    ['a denial', { kind: 'error', status: 403, code: 'AccessDenied' }, 'access-denied'],
    ['a bucket that is gone', { kind: 'error', status: 404, code: 'NoSuchBucket' }, 'no-such-bucket'],
    ['a 404 of somebody else', { kind: 'reply', status: 404, body: '<html></html>' }, 'malformed-reply'],
    ['a page of somebody else', { kind: 'reply', status: 200, body: '0123' }, 'malformed-reply'],
    ['a server that is overloaded', { kind: 'error', status: 503, code: 'SlowDown' }, 'throttled'],
    ['a reply that breaks off', { kind: 'truncate', afterBytes: 2 }, 'unreachable'],
    ['a connection that breaks off', { kind: 'reset' }, 'unreachable'],
  ])('is never a change: %s', async (_, action, kind) => {
    server.fault = () => action;
    const { kind: actual, message } = await faultOf(read(4, 4));
    expect(actual).toBe(kind);
    expect(message).toContain('Could not read s3://bucket/asset');
  });

  it('that is transient leaves none of its bytes behind', async () => {
    let count = 0;
    server.fault = () => {
      count += 1;
      return count === 1 ? { kind: 'truncate', afterBytes: 2 } : undefined;
    };
    expect(await textOf(read(4, 4, {}, 2))).toBe('4567');
  });
});

describe('a read that is cancelled', () => {
  it.each<[string, FaultAction]>([
    ['before the reply', { kind: 'delay', ms: 20_000 }],
    ['within the reply', { kind: 'stall', afterBytes: 2 }],
  ])('%s ends with the reason', async (_, action) => {
    server.fault = () => action;
    const cancellation = new AbortController();
    const reading = read(4, 4, { signal: cancellation.signal }, 5);
    const failed = expect(reading).rejects.toThrow('cancelled');
    while (server.requests.length === 0) await setTimeout(5);
    await setTimeout(50);
    cancellation.abort(new Error('cancelled'));
    const abortedMs = performance.now();
    await failed;
    expect(performance.now() - abortedMs).toBeLessThan(2000);
    expect(server.requests).toHaveLength(1);
  });
});
