import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { ABSENT, assetOf, BUCKET, copyOf, keysIn, largeAssetOf, never, storeAt, textOf } from './stores.ts';

// A key appears in the signature and in the path: the server accepts each only in its exact encoding.
let server: LocalS3;
beforeAll(async () => {
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
});
afterAll(() => server.close());

const EVERY_BYTE = Array.from({ length: 0x7f }, (_, code) => String.fromCharCode(code + 1)).join('');
const KEYS = [
  EVERY_BYTE,
  "!'()*",
  'two words',
  'a+b',
  '100%25',
  'ä€😀e\u0301',
  'a//b',
  'a/../b',
  '../a',
  './a',
  'a/.',
  'a/..',
  'a/',
  '?versionId=x',
  'a#b',
  'a;b=c@d,e:f$&g',
  '\\',
  '%2F',
  '.',
];

describe.each(KEYS)('the key %j', (key) => {
  it('is read and listed with signatures that the server accepts', async () => {
    server.put(BUCKET, key, 'text');
    const store = storeAt(server);
    expect(textOf(await store.readDocument(key))).toBe('text');
    expect(await keysIn(store, key)).toContain(key);
  });

  it('is written, looked up, copied to and from, and sent in parts', async () => {
    server.delete(BUCKET, key);
    const store = storeAt(server, { partSizeBytes: 3 });
    expect(await store.putAsset(assetOf(key, 'asset'))).toMatchObject({ outcome: 'written' });
    const head = await store.head(key);
    expect(head).toMatchObject({ sizeBytes: 5 });
    const source = { key, etag: head?.etag ?? '', sizeBytes: 5 };
    expect(await store.copyAsset(copyOf(source, 'target'))).toMatchObject({ outcome: 'copied' });
    server.delete(BUCKET, key);
    const target = { key: 'target', etag: server.get(BUCKET, 'target')?.etag ?? '', sizeBytes: 5 };
    expect(await store.copyAsset(copyOf(target, key))).toMatchObject({ outcome: 'copied' });
    server.delete(BUCKET, key);
    expect(await store.putAssetInParts(largeAssetOf(key, Buffer.from('parts'), { partSizeBytes: 3 }))).toMatchObject({
      outcome: 'written',
    });
    expect(server.get(BUCKET, key)?.content.text()).toBe('parts');
    server.delete(BUCKET, key);
    expect(await store.writeDocument(key, Buffer.from('{}'), ABSENT)).toMatchObject({ outcome: 'written' });
    const { etag = '' } = server.get(BUCKET, key) ?? {};
    const range = { position: 0, lengthBytes: 2 };
    expect(await store.readAsset({ key, etag, sizeBytes: 2, range, signal: never() })).toMatchObject({
      outcome: 'read',
    });
  });

  it('has its open uploads aborted', async () => {
    const store = storeAt(server, { partSizeBytes: 3, maxAttempts: 1 });
    server.fault = ({ operation }) => (operation.startsWith('Abort') ? { kind: 'reset' } : undefined);
    const failing = largeAssetOf(key, Buffer.from('parts'), {
      partSizeBytes: 3,
      beforeComplete: async () => {
        throw new Error('no');
      },
    });
    await expect(store.putAssetInParts(failing)).rejects.toThrow('no');
    server.fault = undefined;
    expect(server.uploads(BUCKET)).toHaveLength(1);
    expect(await store.abortUploads(key)).toBe(1);
    expect(server.uploads(BUCKET)).toEqual([]);
  });
});
