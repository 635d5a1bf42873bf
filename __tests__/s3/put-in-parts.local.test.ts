import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, type LoggedRequest, peakConcurrency, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { byteBudget } from '../../src/async.ts';
import { ABSENT, ATTRIBUTES, BUCKET, faultOf, largeAssetOf, sha256Of, storeAt } from './stores.ts';

const KIB = 1024;
const IN_PARTS = { partSizeBytes: 5 * KIB };

let server: LocalS3;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 5 * KIB, requirePartChecksums: true });
});
beforeEach(() => {
  server.fault = undefined;
  for (const key of server.keys(BUCKET)) server.delete(BUCKET, key);
  server.clearRequests();
});
// Open uploads cost money, so no test may leave one behind.
afterEach(() => expect(server.uploads(BUCKET)).toEqual([]));
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

function requestsOf(operation: LoggedRequest['operation']): LoggedRequest[] {
  return server.requests.filter((request) => request.operation === operation);
}

const BODY = randomBytes(12 * KIB);

describe('12 KiB in parts of 5', () => {
  it('arrive in three parts, each checked by the server', async () => {
    const result = await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS));
    const stored = server.get(BUCKET, 'a');
    expect(result).toEqual({ outcome: 'written', etag: stored?.etag, guarded: true });
    expect(stored?.content.bytes().equals(BODY)).toBe(true);
    expect(stored?.metadata).toEqual(ATTRIBUTES.metadata);
    expect(stored?.parts?.map(({ sizeBytes, checksum }) => [sizeBytes, checksum])).toEqual(
      [5, 5, 2].map((size, index) => [
        size * KIB,
        expect.objectContaining({
          algorithm: 'SHA256',
          value: sha256Of(BODY.subarray(index * 5 * KIB, index * 5 * KIB + size * KIB)),
        }),
      ]),
    );
    expect(
      requestsOf('UploadPart')
        .map(({ bytesReceived }) => bytesReceived)
        .sort(),
    ).toEqual([2 * KIB, 5 * KIB, 5 * KIB]);
  });

  it('are each read once, in order', async () => {
    const reads: [number, number][] = [];
    const read = async (position: number, lengthBytes: number) => {
      reads.push([position, lengthBytes]);
      await new Promise((done) => setTimeout(done, 5));
      return BODY.subarray(position, position + lengthBytes);
    };
    await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, read }));
    expect(reads).toEqual([
      [0, 5 * KIB],
      [5 * KIB, 5 * KIB],
      [10 * KIB, 2 * KIB],
    ]);
  });

  it('are refused if a bit flips on the way', async () => {
    server.fault = ({ operation }) =>
      operation === 'UploadPart' ? { kind: 'error', status: 400, code: 'BadDigest' } : undefined;
    expect((await faultOf(storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS)))).message).toContain(
      'BadDigest',
    );
    expect(server.get(BUCKET, 'a')).toBeUndefined();
  });
});

describe('parts in flight', () => {
  const body = randomBytes(10 * 1024);

  async function peakOf(asset: Parameters<typeof largeAssetOf>[2]): Promise<number> {
    await using small = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
    small.fault = ({ operation }) => (operation === 'UploadPart' ? { kind: 'delay', ms: 15 } : undefined);
    await storeAt(small).putAssetInParts(largeAssetOf('a', body, { partSizeBytes: 1024, ...asset }));
    expect(small.get(BUCKET, 'a')?.content.bytes().equals(body)).toBe(true);
    return peakConcurrency(small.requests.filter(({ operation }) => operation === 'UploadPart'));
  }

  it('are at most four', async () => {
    expect(await peakOf({})).toBe(4);
  });

  it('are limited by the memory that is left', async () => {
    expect(await peakOf({ budget: byteBudget(2048) })).toBe(2);
    expect(await peakOf({ budget: byteBudget(100) })).toBe(1);
  });

  it('share one budget with those of other assets', async () => {
    await using small = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
    small.fault = ({ operation }) => (operation === 'UploadPart' ? { kind: 'delay', ms: 5 } : undefined);
    const budget = byteBudget(3 * 1024);
    const store = storeAt(small);
    await Promise.all(
      ['a', 'b', 'c'].map((key) => store.putAssetInParts(largeAssetOf(key, body, { partSizeBytes: 1024, budget }))),
    );
    expect(small.keys(BUCKET)).toEqual(['a', 'b', 'c']);
    expect(peakConcurrency(small.requests.filter(({ operation }) => operation === 'UploadPart'))).toBe(3);
  });
});

describe('an upload that fails', () => {
  it.each<[what: string, operation: LoggedRequest['operation']]>([
    ['at a part', 'UploadPart'],
    ['at its end', 'CompleteMultipartUpload'],
  ])('%s is aborted', async (_, failing) => {
    server.fault = ({ operation }) =>
      operation === failing ? { kind: 'error', status: 400, code: 'InvalidRequest' } : undefined;
    const fault = await faultOf(storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS)));
    expect(fault.message).toContain('Could not write s3://bucket/a: ');
    expect(requestsOf('AbortMultipartUpload')).toHaveLength(1);
  });

  it.each<[what: string, overrides: Parameters<typeof largeAssetOf>[2]]>([
    ["the file can't be read", { read: () => Promise.reject(new Error('gone')) }],
    ['the file changed before the end', { beforeComplete: () => Promise.reject(new Error('gone')) }],
  ])('is aborted because %s, and reports why', async (_, overrides) => {
    await expect(
      storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, ...overrides })),
    ).rejects.toThrow('gone');
    expect(requestsOf('CompleteMultipartUpload')).toEqual([]);
  });

  it('in the middle of the file waits for the parts in flight', async () => {
    server.fault = ({ operation }) => (operation === 'UploadPart' ? { kind: 'delay', ms: 50 } : undefined);
    const read = async (position: number, lengthBytes: number) => {
      if (position >= 10 * KIB) throw new Error('gone');
      return BODY.subarray(position, position + lengthBytes);
    };
    await expect(storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, read }))).rejects.toThrow(
      'gone',
    );
    expect(server.requests.at(-1)?.operation).toBe('AbortMultipartUpload');
  });

  it("reports why, even if it can't be aborted", async () => {
    server.fault = ({ operation }) =>
      operation === 'UploadPart' || operation === 'AbortMultipartUpload'
        ? { kind: 'error', status: 403, code: 'AccessDenied', message: operation }
        : undefined;
    const fault = await faultOf(storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS)));
    expect(fault.message).toContain('(AccessDenied: UploadPart)');
    server.fault = undefined;
    expect(await storeAt(server).abortUploads('a')).toBe(1);
  });

  it('is aborted if its condition does not hold', async () => {
    server.put(BUCKET, 'a', 'there');
    expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS))).toEqual({
      outcome: 'precondition-failed',
    });
    const condition = { kind: 'unchanged', etag: '"other"' } as const;
    expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, condition }))).toEqual({
      outcome: 'precondition-failed',
    });
    expect(await storeAt(server).putAssetInParts(largeAssetOf('none', BODY, { ...IN_PARTS, condition }))).toEqual({
      outcome: 'missing',
    });
    expect(server.get(BUCKET, 'a')?.content.text()).toBe('there');
    expect(requestsOf('AbortMultipartUpload')).toHaveLength(3);
  });

  it("reports a failed condition even if the upload can't be aborted", async () => {
    server.put(BUCKET, 'a', 'there');
    server.fault = ({ operation }) =>
      operation === 'AbortMultipartUpload' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS))).toEqual({
      outcome: 'precondition-failed',
    });
    server.fault = undefined;
    expect(await storeAt(server).abortUploads('a')).toBe(1);
  });
});

describe('a step that is cancelled', () => {
  const reason = new Error('cancelled');

  it('begins no upload', async () => {
    const signal = AbortSignal.abort(reason);
    await expect(storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, signal }))).rejects.toBe(
      reason,
    );
    expect(server.requests).toEqual([]);
  });

  it.each<LoggedRequest['operation']>(['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'])(
    'aborts the upload during %s',
    async (during) => {
      const cancellation = new AbortController();
      server.fault = ({ operation }) => {
        if (operation !== during) return undefined;
        setTimeout(() => cancellation.abort(reason), 10);
        return { kind: 'delay', ms: 100 };
      };
      const put = storeAt(server).putAssetInParts(
        largeAssetOf('a', BODY, { ...IN_PARTS, signal: cancellation.signal }),
      );
      await expect(put).rejects.toBe(reason);
      expect(requestsOf('AbortMultipartUpload')).toHaveLength(1);
    },
  );
});

describe('a Complete whose reply is lost', () => {
  function loseReply(action: 'reset' | 'late error' = 'reset'): void {
    let isLost = false;
    server.fault = ({ operation }) => {
      if (operation !== 'CompleteMultipartUpload' || isLost) return undefined;
      isLost = true;
      return action === 'reset'
        ? { kind: 'reset', when: 'after' }
        : { kind: 'error', status: 200, code: 'InternalError', when: 'after' };
    };
  }

  it.each(['reset', 'late error'] as const)('(%s) has taken effect', async (action) => {
    loseReply(action);
    const result = await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS));
    expect(result).toEqual({ outcome: 'written', etag: server.get(BUCKET, 'a')?.etag, guarded: true });
    expect(requestsOf('CompleteMultipartUpload').map(({ errorCode }) => errorCode)).toContain('NoSuchUpload');
  });

  it('means that the asset has to be sent again if metadata does not count', async () => {
    loseReply();
    const asset = largeAssetOf('a', BODY, { ...IN_PARTS, trustsMetadata: false });
    expect(await storeAt(server).putAssetInParts(asset)).toEqual({ outcome: 'precondition-failed' });
  });

  it('means that the asset has to be sent again if it was replaced in the meantime', async () => {
    loseReply();
    const fault = server.fault;
    server.fault = (request, body) => {
      if (request.operation === 'HeadObject') server.put(BUCKET, 'a', 'another');
      return fault?.(request, body);
    };
    expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS))).toEqual({
      outcome: 'precondition-failed',
    });
  });
});

describe('a Complete that fails', () => {
  it('because someone else aborted the upload means that the asset has to be sent again', async () => {
    const beforeComplete = async () => void (await storeAt(server).abortUploads('a'));
    const result = await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, beforeComplete }));
    expect(result).toEqual({ outcome: 'precondition-failed' });
    expect(server.keys(BUCKET)).toEqual([]);
  });

  it('because of a concurrent write is retried', async () => {
    let count = 0;
    server.fault = ({ operation }) => {
      if (operation !== 'CompleteMultipartUpload') return undefined;
      count += 1;
      return count === 1 ? { kind: 'error', status: 409, code: 'ConditionalRequestConflict' } : undefined;
    };
    expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS))).toMatchObject({
      outcome: 'written',
    });
  });

  it('because of concurrent writes again and again means that the asset has to be sent again', async () => {
    server.fault = ({ operation }) =>
      operation === 'CompleteMultipartUpload'
        ? { kind: 'error', status: 409, code: 'ConditionalRequestConflict' }
        : undefined;
    expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, IN_PARTS))).toEqual({
      outcome: 'precondition-failed',
    });
    expect(requestsOf('CompleteMultipartUpload')).toHaveLength(3);
  });
});

it('accepts a condition that holds', async () => {
  const { etag } = server.put(BUCKET, 'a', 'old');
  const condition = { kind: 'unchanged', etag } as const;
  expect(await storeAt(server).putAssetInParts(largeAssetOf('a', BODY, { ...IN_PARTS, condition }))).toMatchObject({
    outcome: 'written',
  });
  expect(
    await storeAt(server).putAssetInParts(largeAssetOf('b', BODY, { ...IN_PARTS, condition: ABSENT })),
  ).toMatchObject({
    outcome: 'written',
  });
});
