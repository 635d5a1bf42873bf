import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FaultAction, type LocalS3, type LoggedRequest, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { ObjectStore } from '../../src/ports.ts';
import {
  ABSENT,
  assetOf,
  BUCKET,
  copyOf,
  faultOf,
  keysIn,
  largeAssetOf,
  OPERATIONS,
  prepare,
  storeAt,
} from './stores.ts';

let server: LocalS3;
beforeAll(async () => {
  // Makes the random waits between attempts short.
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
});
beforeEach(() => {
  server.fault = undefined;
  prepare(server);
  server.clearRequests();
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

type Wanted = (request: LoggedRequest) => boolean;

/** Makes the first matching request fail. */
function failOnce(action: FaultAction, wanted: Wanted = () => true): void {
  let isDone = false;
  server.fault = (request) => {
    if (isDone || !wanted(request)) return undefined;
    isDone = true;
    return action;
  };
}

function operate(name: keyof typeof OPERATIONS, store: ObjectStore): Promise<unknown> {
  return OPERATIONS[name]?.(store) ?? Promise.reject(new Error(`no operation ${name}`));
}

function requestsOf(operation: LoggedRequest['operation']): readonly LoggedRequest[] {
  return server.requests.filter((request) => request.operation === operation);
}

const PASSING: Readonly<Record<string, FaultAction>> = {
  'an internal error': { kind: 'error', status: 500, code: 'InternalError' },
  'a bad gateway': { kind: 'reply', status: 502, body: '<html><br></html>' },
  'a bad gateway of Cloudflare': { kind: 'reply', status: 522, body: '<html><br></html>' },
  'slow down': { kind: 'error', status: 503, code: 'SlowDown' },
  'too many requests': { kind: 'error', status: 429, code: 'TooManyRequests' },
  'a conflict': { kind: 'error', status: 409, code: 'ConditionalRequestConflict' },
  'an aborted operation': { kind: 'error', status: 409, code: 'OperationAborted' },
  'a broken connection': { kind: 'reset' },
};

describe.each(Object.entries(PASSING))('%s, then a proper answer', (_, action) => {
  it.each(['list', 'putAsset'])('%s succeeds', async (name) => {
    failOnce(action);
    const answer = await operate(name, storeAt(server));
    expect(answer).toEqual(name === 'list' ? ['doc', 'source'] : expect.objectContaining({ outcome: 'written' }));
    expect(server.requests).toHaveLength(2);
  });
});

const GARBLED: Readonly<Record<string, FaultAction>> = {
  'an empty 200': { kind: 'reply', status: 200 },
  'a page in place of a reply': { kind: 'reply', status: 200, body: '<html><br>' },
  'XML that is cut off': { kind: 'rewrite', rewrite: (reply) => ({ ...reply, body: reply.body.slice(0, 50) }) },
};
const IN_XML = ['list', 'copyAsset', 'putAssetInParts', 'abortUploads'];
const GOT_OVER = Object.entries(GARBLED).flatMap(([what, action]) =>
  (what.startsWith('XML') ? IN_XML : Object.keys(OPERATIONS)).map((name) => ({ what, action, name })),
);

it.each(GOT_OVER.filter(({ name }) => name !== 'readAsset'))(
  '$what, then a proper answer, is got over by $name',
  async ({ action, name }) => {
    failOnce(action);
    await operate(name, storeAt(server, { partSizeBytes: 3 }));
    expect(server.requests.length).toBeGreaterThan(1);
    // An upload whose id was lost can only be found by its key.
    await storeAt(server).abortUploads('');
  },
);

it.each(Object.keys(GARBLED))('%s, again and again, is reported after four attempts', async (name) => {
  server.fault = () => GARBLED[name];
  const fault = await faultOf(operate('list', storeAt(server, { maxAttempts: 25 })));
  expect(fault).toMatchObject({ kind: 'malformed-reply' });
  expect(server.requests).toHaveLength(4);
});

describe.each(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'])('bytes that were lost (%s)', (code) => {
  it.each<[name: string, operation: LoggedRequest['operation'], status: number]>([
    ['putAsset', 'PutObject', 400],
    ['writeDocument', 'PutObject', 400],
    ['putAssetInParts', 'UploadPart', 400],
    ['putAssetInParts', 'CompleteMultipartUpload', 412],
  ])('are sent again by %s (%s, %i)', async (name, operation, status) => {
    failOnce({ kind: 'error', status, code }, (request) => request.operation === operation);
    expect(await operate(name, storeAt(server))).toMatchObject({ outcome: 'written' });
    server.clearRequests();
    server.fault = (request) => (request.operation === operation ? { kind: 'error', status, code } : undefined);
    prepare(server);
    const fault = await faultOf(operate(name, storeAt(server, { maxAttempts: 25 })));
    expect(fault.message).toContain(`answered ${status} (${code}: `);
    expect(requestsOf(operation)).toHaveLength(4);
  });
});

describe('a reply that breaks off', () => {
  it.each(['list', 'readDocument', 'readAsset'])('%s is retried', async (name) => {
    failOnce({ kind: 'truncate', afterBytes: 3 });
    const answer = await operate(name, storeAt(server));
    server.fault = undefined;
    expect(server.requests).toHaveLength(2);
    const again = await operate(name, storeAt(server));
    expect(answer).toEqual(name === 'readDocument' ? { ...Object(again), dateMs: expect.any(Number) } : again);
  });

  it.each(['list', 'readDocument', 'copyAsset'])('again and again, makes %s fail', async (name) => {
    server.fault = () => ({ kind: 'truncate', afterBytes: 3 });
    const fault = await faultOf(operate(name, storeAt(server)));
    expect(fault).toMatchObject({ kind: 'unreachable' });
    expect(server.requests).toHaveLength(3);
  });
});

describe('a server that falls silent', () => {
  const limits = { silenceTimeoutMs: 100 };

  it.each<[name: string, action: FaultAction]>([
    ['list', { kind: 'stall', afterBytes: 20 }],
    ['readDocument', { kind: 'stall', afterBytes: 2 }],
    ['list', { kind: 'delay', ms: 60_000 }],
    ['putAsset', { kind: 'delay', ms: 60_000 }],
    ['copyAsset', { kind: 'stall', afterBytes: 20 }],
  ])('once, is asked again by %s', async (name, action) => {
    failOnce(action);
    await operate(name, storeAt(server, {}, limits));
    expect(server.requests).toHaveLength(2);
  });

  it.each(['list', 'putAsset'])('for good, makes %s fail after four attempts', async (name) => {
    server.fault = () => ({ kind: 'delay', ms: 60_000 });
    const fault = await faultOf(operate(name, storeAt(server, { maxAttempts: 10 }, limits)));
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toContain('timed out after 100 ms of inactivity');
    expect(server.requests).toHaveLength(4);
  });
});

describe('a server that has bytes to move before it answers', () => {
  const limits = { silenceTimeoutMs: 500, copiedPartBytes: 40_000_000 };
  /** A size that gives a server four more seconds. */
  const SIZE_BYTES = 40_000_000;
  const etag = () => server.get(BUCKET, 'source')?.etag ?? '';

  function delay(operation: LoggedRequest['operation'], ms: number): void {
    server.fault = (request) => (request.operation === operation ? { kind: 'delay', ms } : undefined);
  }

  it.each<[operation: LoggedRequest['operation'], work: (store: ObjectStore) => Promise<unknown>]>([
    ['CopyObject', (store) => store.copyAsset(copyOf({ key: 'source', etag: etag(), sizeBytes: SIZE_BYTES }, 'copy'))],
    ['CompleteMultipartUpload', (store) => store.putAssetInParts(largeAssetOf('parts', Buffer.alloc(SIZE_BYTES)))],
  ])('may take as long as the size requires: %s', async (operation, work) => {
    delay(operation, 1000);
    expect(await work(storeAt(server, {}, limits))).toMatchObject({ etag: expect.any(String) });
    expect(requestsOf(operation)).toHaveLength(1);
  });

  it('may take longer for a part of a copy', async () => {
    server.put(BUCKET, 'source', Buffer.alloc(SIZE_BYTES));
    delay('UploadPartCopy', 1000);
    const source = { key: 'source', etag: etag(), sizeBytes: SIZE_BYTES };
    const store = storeAt(server, {}, { ...limits, copiedAtOnceBytes: 1 });
    expect(await store.copyAsset(copyOf(source, 'copy'))).toMatchObject({ outcome: 'copied' });
    expect(requestsOf('UploadPartCopy')).toHaveLength(1);
  });

  it('fails if it is silent for longer', async () => {
    delay('CopyObject', 60_000);
    const source = { key: 'source', etag: etag(), sizeBytes: 1_000_000 };
    const fault = await faultOf(storeAt(server, { maxAttempts: 1 }, limits).copyAsset(copyOf(source, 'copy')));
    expect(fault.message).toContain('timed out after 600 ms of inactivity');
  });
});

describe('the number of attempts', () => {
  it.each(['list', 'putAsset'])('of %s is max-attempts', async (name) => {
    server.fault = () => ({ kind: 'error', status: 500, code: 'InternalError' });
    expect((await faultOf(operate(name, storeAt(server, { maxAttempts: 5 })))).kind).toBe('rejected');
    expect(server.requests).toHaveLength(5);
  });

  it.each(['list', 'putAsset'])('of %s is the same for connections that break', async (name) => {
    server.fault = () => ({ kind: 'reset' });
    await faultOf(operate(name, storeAt(server, { maxAttempts: 6 })));
    expect(server.requests).toHaveLength(6);
  });

  it.each(['list', 'putAsset'])('of %s is one for permanent faults', async (name) => {
    for (const [status, code] of [
      [403, 'AccessDenied'],
      [404, 'NoSuchBucket'],
      [400, 'EntityTooLarge'],
    ] as const) {
      server.clearRequests();
      server.fault = () => ({ kind: 'error', status, code });
      await faultOf(operate(name, storeAt(server)));
      expect(server.requests).toHaveLength(1);
    }
  });

  it('is cut short at once when the step is cancelled', async () => {
    const cancellation = new AbortController();
    const reason = new Error('cancelled');
    server.fault = () => {
      setTimeout(() => cancellation.abort(reason), 20);
      return { kind: 'error', status: 503, code: 'SlowDown' };
    };
    const startedMs = performance.now();
    const put = storeAt(server, { maxAttempts: 100 }).putAsset(assetOf('a', 'a', { signal: cancellation.signal }));
    await expect(put).rejects.toBe(reason);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});

describe('cancelling', () => {
  it.each<[name: string, work: (store: ObjectStore, signal: AbortSignal) => Promise<unknown>]>([
    ['putAsset', (store, signal) => store.putAsset(assetOf('a', 'a', { signal }))],
    [
      'copyAsset',
      (store, signal) => store.copyAsset(copyOf({ key: 'source', etag: '"e"', sizeBytes: 6 }, 'b', { signal })),
    ],
    [
      'readAsset',
      (store, signal) =>
        store.readAsset({ key: 'source', etag: '"e"', sizeBytes: 6, range: { position: 0, lengthBytes: 6 }, signal }),
    ],
  ])("ends %s before and during its request, with the signal's reason", async (_, work) => {
    const reason = new Error('cancelled');
    await expect(work(storeAt(server), AbortSignal.abort(reason))).rejects.toBe(reason);
    const cancellation = new AbortController();
    server.fault = () => {
      setTimeout(() => cancellation.abort(reason), 10);
      return { kind: 'delay', ms: 60_000 };
    };
    await expect(work(storeAt(server), cancellation.signal)).rejects.toBe(reason);
  });
});

describe('a reply that is lost', () => {
  const lost = { kind: 'reset', when: 'after' } as const;

  it('to a first write shows as a refused condition, since its own write took effect', async () => {
    failOnce(lost);
    expect(await storeAt(server).writeDocument('new', Buffer.from('{}'), ABSENT)).toEqual({
      outcome: 'precondition-failed',
    });
    expect(server.get(BUCKET, 'new')?.content.text()).toBe('{}');
    failOnce(lost);
    expect(await storeAt(server).putAsset(assetOf('put', 'asset'))).toEqual({ outcome: 'precondition-failed' });
    expect(server.get(BUCKET, 'put')?.content.text()).toBe('asset');
  });

  it('to a copy does no harm', async () => {
    failOnce(lost);
    expect(await operate('copyAsset', storeAt(server))).toMatchObject({ outcome: 'copied' });
  });
});

describe('a 200 with an error in it', () => {
  it.each([
    ['copyAsset', 'CopyObject', 'copied'],
    ['putAssetInParts', 'CompleteMultipartUpload', 'written'],
  ])('to %s is retried', async (name, operation, outcome) => {
    failOnce({ kind: 'error', status: 200, code: 'InternalError' }, (request) => request.operation === operation);
    expect(await operate(name, storeAt(server))).toMatchObject({ outcome });
    expect(server.requests.filter((request) => request.operation === operation)).toHaveLength(2);
  });

  it.each([
    ['copyAsset', 'CopyObject'],
    ['putAssetInParts', 'CompleteMultipartUpload'],
  ])('to %s, again and again, is a fault', async (name, operation) => {
    server.fault = (request) =>
      request.operation === operation
        ? { kind: 'reply', status: 200, body: '\n \n<Error><Code>InternalError</Code><Message>Late</Message></Error>' }
        : undefined;
    const fault = await faultOf(operate(name, storeAt(server)));
    expect(fault.kind).toBe('rejected');
    expect(fault.message).toContain('(InternalError: Late)');
    expect(server.uploads(BUCKET)).toEqual([]);
  });

  it('can say that the source has changed', async () => {
    server.fault = () => ({ kind: 'error', status: 200, code: 'PreconditionFailed' });
    expect(await operate('copyAsset', storeAt(server, { maxAttempts: 1 }))).toEqual({ outcome: 'source-changed' });
  });
});

it('a deleted object is distinguished from a changed one if the server does so', async () => {
  const store = storeAt(server);
  const condition = { kind: 'unchanged', etag: '"e"' } as const;
  expect(await store.writeDocument('none', Buffer.from('{}'), condition)).toEqual({ outcome: 'missing' });
  expect(await store.putAsset(assetOf('none', 'x', { condition }))).toEqual({ outcome: 'missing' });
  expect(await store.writeDocument('doc', Buffer.from('{}'), condition)).toEqual({ outcome: 'precondition-failed' });
});

it('a refused condition is recognised by its status if the server gives no reason', async () => {
  server.fault = ({ operation }) =>
    operation === 'CreateMultipartUpload' || operation === 'UploadPart' || operation === 'AbortMultipartUpload'
      ? undefined
      : { kind: 'reply', status: 412 };
  const store = storeAt(server);
  const refused = { outcome: 'precondition-failed' };
  expect(await store.writeDocument('new', Buffer.from('{}'), ABSENT)).toEqual(refused);
  expect(await store.putAsset(assetOf('new', 'x'))).toEqual(refused);
  expect(await store.putAssetInParts(largeAssetOf('new', Buffer.from('x')))).toEqual(refused);
  expect(await operate('copyAsset', store)).toEqual({ outcome: 'source-changed' });
  expect(await operate('readAsset', store)).toEqual({ outcome: 'changed' });
});

describe.each([-3600_000, 3600_000])('a clock that is %d ms off', (offsetMs) => {
  it.each(Object.entries(OPERATIONS))('does not keep %s from succeeding', async (_, work) => {
    await using skewed = await startLocalS3({
      buckets: [BUCKET],
      minPartSizeBytes: 1,
      now: () => Date.now() + offsetMs,
    });
    prepare(skewed);
    await work(storeAt(skewed));
    expect(skewed.requests.filter(({ errorCode }) => errorCode === 'RequestTimeTooSkewed').length).toBeLessThanOrEqual(
      1,
    );
  });

  it('is corrected for all requests in flight', async () => {
    await using skewed = await startLocalS3({ buckets: [BUCKET], now: () => Date.now() + offsetMs });
    prepare(skewed);
    const store = storeAt(skewed);
    const answers = await Promise.all([
      store.readDocument('doc'),
      keysIn(store),
      keysIn(store),
      store.readDocument('none'),
    ]);
    expect(answers.slice(1)).toEqual([['doc', 'source'], ['doc', 'source'], undefined]);
    skewed.clearRequests();
    await store.readDocument('doc');
    await store.head('doc');
    expect(skewed.requests.map(({ status }) => status)).toEqual([200, 200]);
  });
});

it('a clock that the server keeps complaining about is a fault', async () => {
  server.fault = () => ({ kind: 'error', status: 403, code: 'RequestTimeTooSkewed' });
  for (const name of ['list', 'putAsset']) {
    const fault = await faultOf(operate(name, storeAt(server)));
    expect(fault).toMatchObject({ kind: 'credentials' });
    expect(fault.message).toContain("the runner's clock is wrong: set its time");
  }
  expect(requestsOf('ListObjectsV2').length).toBeLessThanOrEqual(3);
});
