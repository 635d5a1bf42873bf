import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contentsOf } from '../../src/asset-set/copy.ts';
import { artifactSet } from '../../src/asset-set/location.ts';
import { type Lookup, lookUp } from '../../src/asset-set/lookup.ts';
import { SetChangedError } from '../../src/errors.ts';
import type { AssetAttributes, ListedObject, ObjectStore } from '../../src/ports.ts';
import { Scenario } from '../support/scenario.ts';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.create();
});
afterAll(() => scenario.close());
beforeEach(() => {
  scenario.pretendCommit();
});

function sha256(body: string): string {
  return createHash('sha256').update(body).digest('base64');
}

function key(path: string): string {
  return `artifacts/${scenario.head}/${path}`;
}

async function find(store: ObjectStore = scenario.ports().store): Promise<Lookup> {
  return lookUp(scenario.run({ store, writer: {} }), artifactSet('', scenario.head));
}

/** Stores an object with a checksum that the store keeps. */
async function putWithChecksum(path: string, body: string, metadata: AssetAttributes['metadata']): Promise<void> {
  await scenario.ports().store.putAsset({
    key: key(path),
    body: Buffer.from(body),
    sha256: sha256(body),
    attributes: { metadata },
    condition: { kind: 'absent' },
    signal: new AbortController().signal,
  });
}

describe('the contents of a set with a record', () => {
  it('are those of the record, without a request', async () => {
    const files = await scenario.storeSet({ 'a.txt': 'a', 'b.txt': 'b' });
    const set = await find();
    const refuse = () => {
      throw new Error('The store was asked');
    };
    const store = { ...scenario.ports().store, head: refuse, list: refuse, readDocument: refuse };
    expect(await contentsOf(scenario.run({ store }), set)).toEqual({ files, commit: scenario.head });
  });

  it('name the commit that was built if the set came from the cache', async () => {
    const built = 'c'.repeat(40);
    await scenario.putRecord({ state: 'complete', origin: { kind: 'cache', commit: built } });
    expect(await contentsOf(scenario.run(), await find())).toEqual({ files: [], commit: built });
  });
});

describe('the contents of a set without a record', () => {
  async function contents(store = scenario.ports().store) {
    return contentsOf(scenario.run({ store }), await find(store));
  }

  it('are the objects listed, with the attributes from HEAD', async () => {
    const metadata = { 'commit-hash': scenario.head, 'package-hash': sha256('a'), team: 'web' };
    await scenario.bucket.put(key('a.zip'), 'a', {
      metadata,
      contentType: 'application/zip',
      cacheControl: 'no-cache',
    });
    await scenario.bucket.put(key('sub/b'), 'bb', { contentType: 'text/plain' });
    const [a, b] = await Promise.all([scenario.bucket.get(key('a.zip')), scenario.bucket.get(key('sub/b'))]);
    const described = { contentType: 'application/zip', cacheControl: 'no-cache', metadata: { team: 'web' } };
    expect(await contents()).toEqual({
      files: [
        { path: 'a.zip', size: 1, etag: a?.etag, sha256: sha256('a'), ...described },
        { path: 'sub/b', size: 2, etag: b?.etag, contentType: 'text/plain' },
      ],
      commit: scenario.head,
    });
  });

  it.each([
    '',
    'none',
    '0'.repeat(43),
    `${'0'.repeat(44)}`,
    // The unused bits before the padding are not zero: no encoder writes that.
    `${'0'.repeat(42)}1=`,
    createHash('sha256').update('a').digest('hex'),
    createHash('sha512').update('a').digest('base64'),
    createHash('sha256').update('a').digest('base64url'),
  ])('have no SHA-256 if package-hash is %j', async (hash) => {
    await scenario.bucket.put(key('a.zip'), 'a', { metadata: { 'package-hash': hash } });
    expect((await contents()).files).toEqual([expect.not.objectContaining({ sha256: expect.anything() })]);
  });

  it.each([{}, { 'package-hash': 'odd' }, { 'package-hash': sha256('other') }])(
    'have the SHA-256 that the store keeps, whatever the metadata claims: %j',
    async (metadata) => {
      await putWithChecksum('a.zip', 'a', metadata);
      expect((await contents()).files).toMatchObject([{ sha256: sha256('a') }]);
    },
  );

  it.each([
    ['replaced by one of equal size', (name: string) => scenario.bucket.put(key(name), 'c')],
    ['replaced by one of another size', (name: string) => scenario.bucket.put(key(name), 'cc')],
    ['deleted', (name: string) => scenario.bucket.delete(key(name))],
  ])('are refused if a file is %s meanwhile', async (_, change) => {
    await scenario.bucket.put(key('a'), 'a');
    await scenario.bucket.put(key('b'), 'b');
    const set = await find();
    await change('b');
    const reading = contentsOf(scenario.run(), set);
    await expect(reading).rejects.toThrow(`'b' under artifacts/${scenario.head}/ changed while it was read`);
    await expect(reading).rejects.toBeInstanceOf(SetChangedError);
  });

  it('are refused if a HEAD returns another size', async () => {
    await scenario.bucket.put(key('a'), 'a');
    const store = scenario.hookedStore((real) => ({
      head: async (asked) => {
        const head = await real.head(asked);
        return head === undefined ? undefined : { ...head, sizeBytes: 2 };
      },
    }));
    await expect(contents(store)).rejects.toThrow("'a' under");
  });

  it('are refused if a record was begun meanwhile', async () => {
    await scenario.bucket.put(key('a'), 'a');
    const set = await find();
    await scenario.putRecord();
    await expect(contentsOf(scenario.run(), set)).rejects.toThrow('Another run began to write');
  });

  it('are listed only once if nothing differs', async () => {
    await scenario.bucket.put(key('a'), 'a');
    const set = await find();
    const list = () => {
      throw new Error('The store was asked to list');
    };
    expect((await contentsOf(scenario.run({ store: { ...scenario.ports().store, list } }), set)).files).toHaveLength(1);
  });

  describe('of a server that lists ETags in another form', () => {
    /** Some servers leave out the quotes. */
    function otherForm(): ObjectStore {
      return scenario.hookedStore((real) => ({
        list: (prefix) =>
          mapped(real.list(prefix), (object) => ({ ...object, etag: `form-2-${object.etag.slice(1, -1)}` })),
      }));
    }

    it('have the ETags that HEAD returns', async () => {
      await scenario.bucket.put(key('a'), 'a');
      const etag = (await scenario.bucket.get(key('a')))?.etag;
      expect((await contents(otherForm())).files).toMatchObject([{ path: 'a', etag }]);
    });

    it('are refused if a listed object is replaced by one of equal size', async () => {
      await scenario.bucket.put(key('a'), 'a');
      await scenario.bucket.put(key('b'), 'b');
      const store = otherForm();
      const set = await find(store);
      await scenario.bucket.put(key('b'), 'c');
      await expect(contentsOf(scenario.run({ store }), set)).rejects.toThrow("'b' under");
    });

    it('are refused if an object is gone by the second listing', async () => {
      await scenario.bucket.put(key('a'), 'a');
      const store = otherForm();
      const set = await find(store);
      const head: ObjectStore['head'] = async (asked) => {
        const answer = await store.head(asked);
        await scenario.bucket.delete(asked);
        return answer;
      };
      await expect(contentsOf(scenario.run({ store: { ...store, head } }), set)).rejects.toThrow("'a' under");
    });
  });
});

async function* mapped(
  pages: AsyncIterable<readonly ListedObject[]>,
  change: (object: ListedObject) => ListedObject,
): AsyncGenerator<readonly ListedObject[]> {
  for await (const page of pages) yield page.map(change);
}
