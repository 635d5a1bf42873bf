import { randomBytes } from 'node:crypto';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ListedObject, ObjectStore } from '../../src/ports.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import { TestBucket } from '../support/test-bucket.ts';
import {
  ABSENT,
  ATTRIBUTES,
  assetOf,
  copyOf,
  faultOf,
  keysIn,
  largeAssetOf,
  never,
  settingsFor,
  sha256Of,
  textOf,
} from './stores.ts';

const MIB = 1024 ** 2;

// Holds for any S3 server: these tests also run against real ones, see TestBucket.
let bucket: TestBucket;
let store: ObjectStore;
beforeAll(async () => {
  bucket = await TestBucket.create();
  const credentials = { ...bucket.credentials, sessionToken: undefined };
  store = s3ObjectStore(settingsFor(bucket.endpoint, { bucket: bucket.name, credentials }));
});
afterAll(() => bucket.close());

describe('a document', () => {
  it('that does not exist is undefined', async () => {
    expect(await store.readDocument('documents/none')).toBeUndefined();
  });

  it('is read whole, with its ETag and the times of the server', async () => {
    const body = JSON.stringify({ text: 'ä€😀'.repeat(1000) });
    const written = await store.writeDocument('documents/a', Buffer.from(body), ABSENT);
    const read = await store.readDocument('documents/a');
    expect(textOf(read)).toBe(body);
    expect(written).toEqual({ outcome: 'written', etag: read?.etag, guarded: true });
    expect(read?.etag).toMatch(/^".+"$/);
    const ageMs = (read?.dateMs ?? 0) - (read?.lastModifiedMs ?? 0);
    // Some servers round one time up and the other down.
    expect(ageMs).toBeGreaterThanOrEqual(-1000);
    expect(ageMs).toBeLessThan(60_000);
    expect((await bucket.get('documents/a'))?.contentType).toBe('application/json');
  });

  it('is created once', async () => {
    expect(await store.writeDocument('documents/once', Buffer.from('1'), ABSENT)).toMatchObject({ outcome: 'written' });
    expect(await store.writeDocument('documents/once', Buffer.from('2'), ABSENT)).toEqual({
      outcome: 'precondition-failed',
    });
    expect(textOf(await store.readDocument('documents/once'))).toBe('1');
  });

  it('is replaced only if it is unchanged', async () => {
    await bucket.put('documents/b', 'first');
    const { etag = '' } = (await store.readDocument('documents/b')) ?? {};
    const unchanged = { kind: 'unchanged', etag } as const;
    expect(await store.writeDocument('documents/b', Buffer.from('second'), unchanged)).toMatchObject({
      outcome: 'written',
    });
    expect(await store.writeDocument('documents/b', Buffer.from('third'), unchanged)).toEqual({
      outcome: 'precondition-failed',
    });
    await bucket.delete('documents/b');
    // SeaweedFS does not distinguish the two.
    const { outcome } = await store.writeDocument('documents/b', Buffer.from('fourth'), unchanged);
    expect(['missing', 'precondition-failed']).toContain(outcome);
    expect(await store.readDocument('documents/b')).toBeUndefined();
  });

  it('has one creator, however many try at once', async () => {
    const tries = Array.from({ length: 8 }, (_, index) =>
      store.writeDocument('documents/race', Buffer.from(String(index)), ABSENT),
    );
    const outcomes = (await Promise.all(tries)).map(({ outcome }) => outcome).sort();
    expect(outcomes).toEqual([...Array(7).fill('precondition-failed'), 'written']);
  });
});

describe('a listing', () => {
  async function listed(prefix: string): Promise<ListedObject[]> {
    const objects: ListedObject[] = [];
    for await (const page of store.list(prefix)) objects.push(...page);
    return objects;
  }

  it('of nothing is empty', async () => {
    expect(await listed('lists/none/')).toEqual([]);
  });

  it('has key, size and ETag of every object under the prefix, and of no other', async () => {
    const texts: Record<string, string> = { a: 'x', 'b c+d%25&e': 'xx', 'deep/ä€😀': 'xxx', "e'f(g)!": '' };
    for (const [name, text] of Object.entries(texts)) await bucket.put(`lists/one/${name}`, text);
    await bucket.put('lists/one-more', 'not this');
    const expected = await Promise.all(
      Object.entries(texts).map(async ([name, text]) => ({
        key: `lists/one/${name}`,
        sizeBytes: text.length,
        etag: (await bucket.get(`lists/one/${name}`))?.etag,
      })),
    );
    expect(await listed('lists/one/')).toEqual(expected);
  });
});

describe('head', () => {
  it('of a missing object is undefined', async () => {
    expect(await store.head('heads/none')).toBeUndefined();
  });

  it('of an empty object is defined', async () => {
    await bucket.put('heads/empty', '');
    expect(await store.head('heads/empty')).toMatchObject({ sizeBytes: 0 });
  });

  it('returns the attributes that an object was stored with', async () => {
    const attributes = {
      metadata: { 'commit-hash': 'c1', b: '2' },
      contentType: 'text/plain',
      cacheControl: 'max-age=1',
    };
    const result = await store.putAsset(assetOf('heads/a', 'four', { attributes }));
    expect(await store.head('heads/a')).toEqual({
      ...attributes,
      sizeBytes: 4,
      etag: 'etag' in result ? result.etag : '',
      sha256: sha256Of(Buffer.from('four')),
      ageMs: expect.any(Number),
    });
  });
});

describe('an asset', () => {
  it('is stored with its attributes, and only if there is none', async () => {
    expect(await store.putAsset(assetOf('assets/a', 'first'))).toMatchObject({ outcome: 'written', guarded: true });
    expect(await store.putAsset(assetOf('assets/a', 'second'))).toEqual({ outcome: 'precondition-failed' });
    expect(await bucket.get('assets/a')).toMatchObject({ body: 'first', ...ATTRIBUTES });
  });

  it('is signed correctly, whatever spaces its attributes contain', async () => {
    const attributes = {
      metadata: { 'two-spaces': 'a  b', around: ' c ', signs: 'a;b=c, "d"' },
      contentType: 'text/plain;  charset=utf-8',
      cacheControl: 'max-age=60,  immutable',
    };
    expect(await store.putAsset(assetOf('assets/spaces', 'x', { attributes }))).toMatchObject({ outcome: 'written' });
    const source = { key: 'assets/spaces', etag: (await store.head('assets/spaces'))?.etag ?? '', sizeBytes: 1 };
    expect(await store.copyAsset(copyOf(source, 'assets/copied', { attributes }))).toMatchObject({ outcome: 'copied' });
    expect((await store.head('assets/copied'))?.metadata).toMatchObject({ signs: 'a;b=c, "d"', around: 'c' });
  });

  it('is replaced only if it is unchanged', async () => {
    await bucket.put('assets/b', 'first');
    const { etag = '' } = (await bucket.get('assets/b')) ?? {};
    const condition = { kind: 'unchanged', etag } as const;
    expect(await store.putAsset(assetOf('assets/b', 'second', { condition }))).toMatchObject({ outcome: 'written' });
    expect(await store.putAsset(assetOf('assets/b', 'third', { condition }))).toEqual({
      outcome: 'precondition-failed',
    });
    const gone = assetOf('assets/gone', 'x', { condition });
    expect(['missing', 'precondition-failed']).toContain((await store.putAsset(gone)).outcome);
  });

  it("is refused if its bytes don't match its digest", async () => {
    const wrong = assetOf('assets/wrong', 'bytes', { sha256: sha256Of(Buffer.from('other bytes')) });
    expect((await faultOf(store.putAsset(wrong))).kind).toBe('rejected');
    expect(await bucket.get('assets/wrong')).toBeUndefined();
  });

  it('can be empty', async () => {
    expect(await store.putAsset(assetOf('assets/empty', ''))).toMatchObject({ outcome: 'written' });
    expect(await bucket.get('assets/empty')).toMatchObject({ body: '' });
  });
});

describe('a large asset', () => {
  const body = randomBytes(12 * MIB);

  it('consists of its parts in order', async () => {
    const result = await store.putAssetInParts(largeAssetOf('large/a', body));
    const head = await store.head('large/a');
    expect(result).toEqual({ outcome: 'written', etag: head?.etag, guarded: true });
    expect(head).toMatchObject({ sizeBytes: body.length, ...ATTRIBUTES });
    // The digest of the parts' digests does not count.
    expect(head?.sha256).toBeUndefined();
    const stored = await store.readAsset({
      key: 'large/a',
      etag: head?.etag ?? '',
      sizeBytes: body.length,
      range: { position: 0, lengthBytes: body.length },
      signal: never(),
    });
    expect('bytes' in stored && body.equals(stored.bytes)).toBe(true);
  });

  it('is stored only if there is none, and leaves no upload open', async () => {
    await bucket.put('large/b', 'there');
    expect(await store.putAssetInParts(largeAssetOf('large/b', body))).toEqual({ outcome: 'precondition-failed' });
    expect(await bucket.get('large/b')).toMatchObject({ body: 'there' });
    expect(await store.abortUploads('large/b')).toBe(0);
  });

  it('leaves parts behind if its run is killed, which are found by its key', async () => {
    const open = { Bucket: bucket.name, Key: 'large/deep/c' };
    for (let times = 2; times > 0; times -= 1) await bucket.client.send(new CreateMultipartUploadCommand(open));
    expect(await store.abortUploads('large/deep/c')).toBe(2);
    expect(await store.abortUploads('large/deep/c')).toBe(0);
  });
});

describe('a copy', () => {
  async function sourceOf(key: string) {
    const { etag = '', sizeBytes = 0 } = (await store.head(key)) ?? {};
    return { key, etag, sizeBytes };
  }

  it('has the bytes of its source, and attributes of its own', async () => {
    await bucket.put('copies/a', 'source', { metadata: { old: '1' }, contentType: 'text/old', cacheControl: 'old' });
    const result = await store.copyAsset(copyOf(await sourceOf('copies/a'), 'copies/b'));
    expect(await bucket.get('copies/b')).toEqual({
      body: 'source',
      etag: 'etag' in result ? result.etag : '',
      cacheControl: undefined,
      ...ATTRIBUTES,
    });
  });

  it('replaces an existing object', async () => {
    await bucket.put('copies/new', 'new');
    await bucket.put('copies/old', 'old');
    expect(await store.copyAsset(copyOf(await sourceOf('copies/new'), 'copies/old'))).toMatchObject({
      outcome: 'copied',
    });
    expect(await bucket.get('copies/old')).toMatchObject({ body: 'new' });
  });

  it('is not made if the source has changed or is gone', async () => {
    await bucket.put('copies/c', 'first');
    const source = await sourceOf('copies/c');
    await bucket.put('copies/c', 'second');
    expect(await store.copyAsset(copyOf(source, 'copies/d'))).toEqual({ outcome: 'source-changed' });
    await bucket.delete('copies/c');
    expect(await store.copyAsset(copyOf(source, 'copies/d'))).toEqual({ outcome: 'source-changed' });
    expect(await keysIn(store, 'copies/d')).toEqual([]);
  });
});

describe('a range of an asset', () => {
  function reading(key: string, etag: string, [sizeBytes, position, lengthBytes]: [number, number, number]) {
    return store.readAsset({ key, etag, sizeBytes, range: { position, lengthBytes }, signal: never() });
  }

  it('is read while the object is unchanged', async () => {
    await bucket.put('reads/a', '0123456789');
    const { etag = '' } = (await bucket.get('reads/a')) ?? {};
    const texts = [];
    for (const range of [
      [10, 0, 10],
      [10, 0, 4],
      [10, 4, 6],
      [10, 9, 1],
    ] as [number, number, number][]) {
      const result = await reading('reads/a', etag, range);
      texts.push('bytes' in result ? Buffer.from(result.bytes).toString() : result.outcome);
    }
    expect(texts).toEqual(['0123456789', '0123', '456789', '9']);
  });

  it('is not read if the object has changed, is shorter or is gone', async () => {
    await bucket.put('reads/b', '0123456789');
    const { etag = '' } = (await bucket.get('reads/b')) ?? {};
    expect(await reading('reads/b', etag, [20, 0, 20])).toEqual({ outcome: 'changed' });
    expect(await reading('reads/b', etag, [20, 10, 10])).toEqual({ outcome: 'changed' });
    await bucket.put('reads/b', 'other');
    expect(await reading('reads/b', etag, [10, 0, 10])).toEqual({ outcome: 'changed' });
    await bucket.delete('reads/b');
    expect(await reading('reads/b', etag, [10, 0, 5])).toEqual({ outcome: 'changed' });
  });

  it('can be the whole of an empty object', async () => {
    await bucket.put('reads/empty', '');
    const { etag = '' } = (await bucket.get('reads/empty')) ?? {};
    expect(await reading('reads/empty', etag, [0, 0, 0])).toMatchObject({ outcome: 'read' });
  });
});
