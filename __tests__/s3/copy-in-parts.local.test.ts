import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type LocalS3, type LoggedRequest, peakConcurrency, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { AssetCopy } from '../../src/ports.ts';
import { LIMITS, type Limits } from '../../src/s3/transport.ts';
import { ATTRIBUTES, BUCKET, copyOf, faultOf, storeAt } from './stores.ts';

const KIB = 1024;
const LARGE: Partial<Limits> = { copiedAtOnceBytes: 10 * KIB, copiedPartBytes: 4 * KIB };
const BODY = randomBytes(10 * KIB + 1);

let server: LocalS3;
let source: AssetCopy['source'];
beforeAll(async () => {
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1, requirePartChecksums: true });
});
beforeEach(() => {
  server.fault = undefined;
  for (const key of server.keys(BUCKET)) server.delete(BUCKET, key);
  const { key, etag } = server.put(BUCKET, 'source', BODY, { metadata: { old: '1' }, contentType: 'text/old' });
  source = { key, etag, sizeBytes: BODY.length };
  server.clearRequests();
});
afterEach(() => expect(server.uploads(BUCKET)).toEqual([]));
afterAll(() => server.close());

function requestsOf(operation: LoggedRequest['operation']): LoggedRequest[] {
  return server.requests.filter((request) => request.operation === operation);
}

it('copies a small source in one request', async () => {
  server.put(BUCKET, 'source', BODY.subarray(1));
  const { etag = '' } = server.get(BUCKET, 'source') ?? {};
  const result = await storeAt(server, {}, LARGE).copyAsset(copyOf({ key: 'source', etag, sizeBytes: 10 * KIB }, 'b'));
  expect(result).toMatchObject({ outcome: 'copied' });
  expect(server.requests.map(({ operation }) => operation)).toEqual(['CopyObject']);
});

it('copies up to 5 GiB in one request by default', () => {
  expect(LIMITS).toMatchObject({ copiedAtOnceBytes: 5 * 1024 ** 3, copiedPartBytes: 256 * 1024 ** 2 });
});

describe('a source that is too large', () => {
  it('is copied in ranges, without a byte passing through here', async () => {
    const result = await storeAt(server, {}, LARGE).copyAsset(copyOf(source, 'b'));
    const copy = server.get(BUCKET, 'b');
    expect(result).toEqual({ outcome: 'copied', etag: copy?.etag });
    expect(copy?.content.bytes().equals(BODY)).toBe(true);
    expect(copy?.metadata).toEqual(ATTRIBUTES.metadata);
    expect(copy?.headers['content-type']).toBe(ATTRIBUTES.contentType);
    expect(copy?.parts?.map(({ sizeBytes }) => sizeBytes)).toEqual([4 * KIB, 4 * KIB, 2 * KIB + 1]);
    expect(server.requests.every(({ bytesReceived }) => bytesReceived < KIB)).toBe(true);
  });

  it('is copied four ranges at a time', async () => {
    server.fault = ({ operation }) => (operation === 'UploadPartCopy' ? { kind: 'delay', ms: 15 } : undefined);
    await storeAt(server, {}, { ...LARGE, copiedPartBytes: KIB }).copyAsset(copyOf(source, 'b'));
    expect(requestsOf('UploadPartCopy')).toHaveLength(11);
    expect(peakConcurrency(requestsOf('UploadPartCopy'))).toBe(4);
  });

  it.each<[what: string, change: () => void]>([
    ['changed', () => void server.put(BUCKET, 'source', randomBytes(BODY.length))],
    ['was deleted', () => server.delete(BUCKET, 'source')],
  ])('is not copied if it %s', async (_, change) => {
    change();
    expect(await storeAt(server, {}, LARGE).copyAsset(copyOf(source, 'b'))).toEqual({ outcome: 'source-changed' });
    expect(server.get(BUCKET, 'b')).toBeUndefined();
  });

  it('is not copied if it changes in the middle', async () => {
    server.fault = ({ operation, query }) => {
      if (operation === 'UploadPartCopy' && query.partNumber === '3')
        server.put(BUCKET, 'source', randomBytes(20 * KIB));
      return undefined;
    };
    expect(await storeAt(server, {}, LARGE).copyAsset(copyOf(source, 'b'))).toEqual({ outcome: 'source-changed' });
    expect(server.get(BUCKET, 'b')).toBeUndefined();
  });

  it("fails naming the missing permission if it can't be read", async () => {
    server.fault = ({ operation }) =>
      operation === 'UploadPartCopy' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    const fault = await faultOf(storeAt(server, {}, LARGE).copyAsset(copyOf(source, 'b')));
    expect(fault.message).toContain(
      'allow s3:GetObject on arn:aws:s3:::bucket/source and s3:PutObject on arn:aws:s3:::bucket/b',
    );
  });

  it('is retried after an error in a 200', async () => {
    let isFirst = true;
    server.fault = ({ operation }) => {
      if (operation !== 'UploadPartCopy' || !isFirst) return undefined;
      isFirst = false;
      return { kind: 'error', status: 200, code: 'InternalError' };
    };
    expect(await storeAt(server, {}, LARGE).copyAsset(copyOf(source, 'b'))).toMatchObject({ outcome: 'copied' });
    expect(requestsOf('UploadPartCopy')).toHaveLength(4);
  });

  it('is left alone when the step is cancelled', async () => {
    const reason = new Error('cancelled');
    const cancellation = new AbortController();
    server.fault = ({ operation }) => {
      if (operation !== 'UploadPartCopy') return undefined;
      setTimeout(() => cancellation.abort(reason), 10);
      return { kind: 'delay', ms: 50 };
    };
    const copying = storeAt(server, {}, LARGE).copyAsset(copyOf(source, 'b', { signal: cancellation.signal }));
    await expect(copying).rejects.toBe(reason);
    expect(requestsOf('AbortMultipartUpload')).toHaveLength(1);
  });
});

it('an object copied onto itself gets the new attributes', async () => {
  expect(await storeAt(server).copyAsset(copyOf(source, 'source'))).toEqual({ outcome: 'copied', etag: source.etag });
  expect(server.get(BUCKET, 'source')?.metadata).toEqual(ATTRIBUTES.metadata);
});
