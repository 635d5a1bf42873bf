import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import { assetOf, BUCKET, largeAssetOf, never, prepare, settingsFor, storeAt } from './stores.ts';

const MIB = 1024 ** 2;
const BODY = Buffer.alloc(3 * MIB + 1, 'body');

let server: LocalS3;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
});
beforeEach(() => {
  server.fault = undefined;
  prepare(server);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Fails a request of each operation once. */
function failOnce(): void {
  const failed = new Set<string>();
  server.fault = ({ operation, query }) => {
    const name = `${operation} ${query.partNumber ?? ''}`;
    if (failed.has(name)) return undefined;
    failed.add(name);
    return { kind: 'error', status: 503, code: 'SlowDown' };
  };
}

describe('the bytes of an asset', () => {
  it('are reported while they are sent, and taken back before a retry', async () => {
    const reported: number[] = [];
    failOnce();
    await storeAt(server).putAsset(assetOf('a', BODY, { onBytes: (bytes) => reported.push(bytes) }));
    expect(reported.filter((bytes) => bytes === 512 * 1024)).toHaveLength(12);
    expect(reported.filter((bytes) => bytes < 0)).toHaveLength(1);
    expect(sum(reported)).toBe(BODY.length);
  });

  it('are reported for each part, and taken back before a retry', async () => {
    const reported: number[] = [];
    failOnce();
    await storeAt(server).putAssetInParts(
      largeAssetOf('a', BODY, { partSizeBytes: MIB, onBytes: (bytes) => reported.push(bytes) }),
    );
    expect(reported.filter((bytes) => bytes < 0).length).toBeGreaterThan(0);
    expect(sum(reported)).toBe(BODY.length);
  });

  it('are reported while they are read, and taken back before a retry', async () => {
    const { etag } = server.put(BUCKET, 'a', BODY);
    let attempts = 0;
    server.fault = () => {
      attempts += 1;
      return attempts === 1 ? { kind: 'truncate', afterBytes: MIB } : undefined;
    };
    const reported: number[] = [];
    const range = { position: 0, lengthBytes: BODY.length };
    const read = { key: 'a', etag, sizeBytes: BODY.length, range, signal: never() };
    await storeAt(server).readAsset({ ...read, onBytes: (bytes) => reported.push(bytes) });
    expect(Math.max(...reported)).toBeLessThan(BODY.length / 4);
    expect(reported.filter((bytes) => bytes < 0)).toEqual([-MIB]);
    expect(sum(reported)).toBe(BODY.length);
  });

  it('are not reported as sent if the server takes none of them', async () => {
    const sockets: Socket[] = [];
    const deaf = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket));
    await once(deaf.listen(0, '127.0.0.1'), 'listening');
    const address = deaf.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const cancellation = new AbortController();
    let sentBytes = 0;
    const body = Buffer.alloc(64 * MIB);
    const onBytes = (bytes: number): void => {
      sentBytes += bytes;
    };
    const putting = storeAt({ url: `http://127.0.0.1:${port}` }).putAsset(
      assetOf('a', body, { onBytes, signal: cancellation.signal }),
    );
    await setTimeout(500);
    expect(sentBytes).toBeLessThan(body.length / 2);
    cancellation.abort(new Error('cancelled'));
    await expect(putting).rejects.toThrow('cancelled');
    expect(sentBytes).toBe(0);
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => deaf.close(done));
  });
});

it('every retry of a request is reported', async () => {
  let retryCount = 0;
  const store = s3ObjectStore(settingsFor(server.url), { onRetry: () => (retryCount += 1) });
  failOnce();
  await store.readDocument('doc');
  await store.abortUploads('none');
  expect(retryCount).toBe(2);
  server.fault = () => ({ kind: 'error', status: 403, code: 'AccessDenied' });
  await expect(store.readDocument('doc')).rejects.toThrow('access denied');
  expect(retryCount).toBe(2);
});
