import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRecord } from '../../src/asset-set/record.ts';
import { recordText } from '../asset-set/records.ts';
import { type RecordFixture, Scenario, SOURCES, skippingClock } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

const SETTINGS = {
  contentType: 'application/zip',
  cacheControl: 'max-age=60',
  metadata: { team: 'web' },
} as const;

/** Uploads a set with caching, and leaves the next commit of the same code checked out. */
async function uploadAndMoveOn(): Promise<{ built: string; commit: string; codeHash: string }> {
  const built = scenario.head;
  await scenario.build({ 'app.zip': 'app', 'nested/deep/site.txt': 'site' });
  const { codeHash = '' } = await scenario.upload(SETTINGS);
  await scenario.freshPackages();
  return { built, codeHash, commit: await scenario.commit({ 'README.md': scenario.head }) };
}

/** Stores a set in the cache of the checked-out code as another tool would. */
async function cacheLegacySet(metadata: Record<string, string> = {}): Promise<string> {
  const { codeHash = '' } = await scenario.check();
  const options = { metadata, contentType: 'application/zip', cacheControl: 'no-cache' };
  await scenario.bucket.put(`cache/${codeHash}/app.zip`, 'app', options);
  return codeHash;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

describe('a set of the same code', () => {
  it('becomes the set of the commit', async () => {
    const { built, commit, codeHash } = await uploadAndMoveOn();
    expect(await scenario.check()).toMatchObject({
      found: true,
      source: 'cache',
      reason: 'complete',
      commit,
      codeHash,
      builtFromCommit: built,
      location: { prefix: `artifacts/${commit}/` },
      files: [{ path: 'app.zip' }, { path: 'nested/deep/site.txt' }],
    });
    expect(await scenario.marker('.found')).toBe('');
    expect(await scenario.check()).toMatchObject({ source: 'artifact', reason: 'complete', builtFromCommit: built });
  });

  it('is said to be built by the run that built it, however often it was copied', async () => {
    const builder = { repository: 'o/r', runId: '1', runNumber: '76', workflow: 'Build', url: 'https://o/r/runs/1' };
    const later = { writer: { runId: '2', workflow: 'Other' }, prefix: 'pr', fallbackPrefixes: ['main'] };
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ writer: builder, prefix: 'main' });
    await scenario.freshPackages();
    await scenario.commit();
    const copied = await scenario.check(later);
    expect(copied).toMatchObject({ source: 'cache', builtBy: builder, since: 'built' });
    expect(copied.builtBy).toEqual(builder);
    expect(await scenario.check(later)).toMatchObject({ source: 'artifact', builtBy: builder, since: 'copied' });
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload(later)).toMatchObject({ uploaded: false, cached: true });
    await scenario.freshPackages();
    await scenario.commit();
    const again = await scenario.check({ ...later, fallbackPrefixes: [] });
    expect(again).toMatchObject({ source: 'cache', builtBy: builder, since: 'copied' });
  });

  it('is said to be a copy of an unknown build if no record names the builder', async () => {
    const later = { writer: { runId: '2' }, prefix: 'pr', fallbackPrefixes: ['main'] };
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ prefix: 'main' });
    await scenario.freshPackages();
    await scenario.commit();
    await scenario.check(later);
    const key = `pr/records/artifacts/${scenario.head}.json`;
    const { builder: _, ...record } = JSON.parse((await scenario.bucket.get(key))?.body ?? '');
    await scenario.bucket.put(key, JSON.stringify(record));
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload(later)).toMatchObject({ uploaded: false, cached: true });
    await scenario.freshPackages();
    await scenario.commit();
    const { source, builtBy, since } = await scenario.check({ ...later, fallbackPrefixes: [] });
    expect([source, builtBy, since]).toEqual(['cache', {}, 'copied']);
  });

  it('is not copied in a dry run, which logs the destination', async () => {
    const { commit } = await uploadAndMoveOn();
    const before = await scenario.bucketContents();
    expect(await scenario.check({ dryRun: true })).toMatchObject({ found: true, source: 'cache' });
    expect(await scenario.bucketContents()).toEqual(before);
    expect(scenario.log).toContain(`Dry run: would copy it to s3://${scenario.bucket.name}/artifacts/${commit}/.`);
  });

  it('keeps the bytes, paths and attributes of its assets under the new commit', async () => {
    const { commit, codeHash } = await uploadAndMoveOn();
    await scenario.check();
    expect(await scenario.bucket.get(`artifacts/${commit}/nested/deep/site.txt`)).toMatchObject({
      body: 'site',
      contentType: 'application/zip',
      cacheControl: 'max-age=60',
      metadata: {
        'commit-hash': commit,
        'package-hash': sha256('site'),
        'code-hash': codeHash,
        'asset-record': 'v1',
        team: 'web',
      },
    });
  });

  it('gets a record that names its origin', async () => {
    const { built, commit, codeHash } = await uploadAndMoveOn();
    await scenario.check();
    const record = await scenario.record();
    const stored = await scenario.bucket.get(`artifacts/${commit}/app.zip`);
    expect(record).toMatchObject({
      state: 'complete',
      commit,
      codeHash,
      codeHashAlgorithm: 'git-sha256',
      origin: { kind: 'cache', codeHash, commit: built },
      totalSize: 7,
      files: [
        {
          path: 'app.zip',
          size: 3,
          sha256: sha256('app'),
          etag: stored?.etag,
          contentType: 'application/zip',
          cacheControl: 'max-age=60',
          metadata: { team: 'web' },
        },
        { path: 'nested/deep/site.txt' },
      ],
    });
    expect(parseRecord((await scenario.marker('.record.json')) ?? '', '.record.json')).toEqual(record);
  });

  it('names the commit that was built in every generation of copies', async () => {
    const { built } = await uploadAndMoveOn();
    await scenario.check();
    const third = await scenario.commit();
    expect(await scenario.check({ codeHash: undefined, fallbackPrefixes: [] })).toMatchObject({ found: false });
    expect(await scenario.check()).toMatchObject({ source: 'cache', commit: third, builtFromCommit: built });
  });

  it('is not used if the code differs', async () => {
    const { codeHash } = await uploadAndMoveOn();
    await scenario.commit({ 'src/main.txt': 'other\n' });
    const outcome = await scenario.check();
    expect(outcome).toMatchObject({ found: false, source: 'none', reason: 'absent' });
    expect(outcome.codeHash).not.toBe(codeHash);
  });

  it('is not looked up without a code hash', async () => {
    await uploadAndMoveOn();
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: false, reason: 'absent' });
  });

  it('is used in place with read access', async () => {
    const { built, commit, codeHash } = await uploadAndMoveOn();
    const before = await scenario.bucketContents();
    expect(await scenario.check({ access: 'read' })).toMatchObject({
      found: true,
      source: 'cache',
      commit,
      builtFromCommit: built,
      location: { prefix: `cache/${codeHash}/`, recordKey: `records/cache/${codeHash}.json` },
    });
    expect(await scenario.bucketContents()).toEqual(before);
    const marker = parseRecord((await scenario.marker('.record.json')) ?? '', '.record.json');
    expect(marker).toEqual(await scenario.record(`records/cache/${codeHash}.json`));
  });
});

describe('a set of the same code that does not count', () => {
  async function expectMiss(): Promise<void> {
    expect(await scenario.check()).toMatchObject({ found: false, source: 'none', reason: 'absent' });
    expect(await scenario.marker('.found')).toBeUndefined();
    expect(await scenario.bucket.keys(`artifacts/${scenario.head}/`)).toEqual([]);
    expect(await scenario.record()).toBeUndefined();
  }

  it.each([
    ['being written', {}],
    [
      'of an earlier attempt that was interrupted',
      { writer: { nonce: 'n', sequence: 1, repository: 'owner/repository', runId: '1', runAttempt: '0' } },
    ],
  ] satisfies [string, RecordFixture][])('is one that is %s', async (_, fixture) => {
    const { codeHash } = await uploadAndMoveOn();
    await scenario.putRecord(fixture, `records/cache/${codeHash}.json`);
    await expectMiss();
  });

  it.each([
    ['lacks a file', (key: string) => scenario.bucket.delete(key)],
    ['has other bytes', (key: string) => scenario.bucket.put(key, 'ape')],
  ])('is one that %s', async (_, damage) => {
    const { codeHash } = await uploadAndMoveOn();
    await damage(`cache/${codeHash}/app.zip`);
    await expectMiss();
    expect(scenario.warnings()).toEqual([expect.stringMatching(/cache\/.* is damaged: 'app.zip'/)]);
  });

  it('is one whose record was copied from another code hash', async () => {
    const { codeHash } = await uploadAndMoveOn();
    const record = await scenario.record(`records/cache/${codeHash}.json`);
    if (record?.state !== 'complete') throw new Error('There is no cached set');
    const { codeHash: _, ...without } = record;
    for (const other of [{ ...record, codeHash: 'f'.repeat(64) }, without]) {
      await scenario.bucket.put(`records/cache/${codeHash}.json`, recordText(other));
      await expectMiss();
    }
    expect(scenario.log.join()).toContain('its record is of the code hash ffff');
    expect(scenario.log.join()).toContain('its record is of no code hash');
  });

  it('is one of ours whose record was deleted', async () => {
    const { codeHash } = await uploadAndMoveOn();
    await scenario.bucket.delete(`records/cache/${codeHash}.json`);
    await expectMiss();
  });

  it('is one without a record if those are not trusted', async () => {
    await cacheLegacySet();
    expect(await scenario.check({ legacy: 'ignore' })).toMatchObject({ found: false, reason: 'absent' });
  });

  it.each(['../../records/artifacts/x.json', 'a//b', '.found', '.commit-hash', 'a\\b', 'a\nb'])(
    'is one with the path %j',
    async (path) => {
      const { codeHash } = await uploadAndMoveOn();
      const record = await scenario.record(`records/cache/${codeHash}.json`);
      if (record?.state !== 'complete') throw new Error('There is no cached set');
      const [file] = record.files;
      if (file === undefined) throw new Error('The cached set is empty');
      const before = await scenario.bucketContents();
      await scenario.putRecord({ ...record, files: [{ ...file, path }] }, `records/cache/${codeHash}.json`);
      const { store } = scenario.ports();
      const listed = { key: `cache/${codeHash}/${path}`, sizeBytes: file.size, etag: file.etag };
      // A listing of a server that accepts such a key.
      const lying = { ...store, list: (prefix: string) => listOf(prefix.startsWith('cache/') ? [listed] : []) };
      expect(await scenario.check({}, { store: lying })).toMatchObject({ found: false, reason: 'absent' });
      expect(scenario.warnings().join()).toContain("can't be copied to");
      expect(scenario.log.join()).not.toContain('\n');
      const after = await scenario.bucketContents();
      expect(Object.keys(after)).toEqual(Object.keys(before));
    },
  );
});

async function* listOf<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items;
}

describe('a set of the same code without a record', () => {
  it('becomes the set of the commit, with a record of its own', async () => {
    const oldCommit = 'c'.repeat(40);
    const codeHash = await cacheLegacySet({ 'commit-hash': oldCommit, 'package-hash': sha256('app'), owner: 'ops' });
    const commit = scenario.head;
    expect(await scenario.check()).toMatchObject({
      found: true,
      source: 'cache',
      reason: 'legacy',
      builtFromCommit: oldCommit,
      codeHash,
      files: [{ path: 'app.zip', size: 3, sha256: sha256('app') }],
    });
    expect(await scenario.record()).toMatchObject({
      origin: { kind: 'cache', codeHash, commit: oldCommit, legacy: true },
      files: [
        { path: 'app.zip', contentType: 'application/zip', cacheControl: 'no-cache', metadata: { owner: 'ops' } },
      ],
    });
    expect(await scenario.record()).not.toHaveProperty('codeHash');
    expect(await scenario.bucket.get(`artifacts/${commit}/app.zip`)).toMatchObject({
      body: 'app',
      contentType: 'application/zip',
      cacheControl: 'no-cache',
      metadata: {
        'commit-hash': commit,
        'package-hash': sha256('app'),
        'code-hash': codeHash,
        'asset-record': 'v1',
        owner: 'ops',
      },
    });
    expect(await scenario.check()).toMatchObject({ source: 'artifact', reason: 'complete' });
  });

  it('has no digest if the store and the metadata have none', async () => {
    await cacheLegacySet();
    const { files, builtFromCommit } = await scenario.check();
    expect(files).toEqual([expect.objectContaining({ path: 'app.zip', size: 3 })]);
    expect([...files][0]?.sha256).toBeUndefined();
    expect(builtFromCommit).toBeUndefined();
    const { metadata } = (await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`)) ?? {};
    expect(metadata).not.toHaveProperty('package-hash');
  });

  it('is a miss with a warning if it changes while it is read', async () => {
    const codeHash = await cacheLegacySet();
    const { store } = scenario.ports();
    let content = 'app';
    const list = async function* (prefix: string) {
      yield* store.list(prefix);
      content += ', longer';
      if (prefix.startsWith('cache/')) await scenario.bucket.put(`cache/${codeHash}/app.zip`, content);
    };
    expect(await scenario.check({}, { store: { ...store, list } })).toMatchObject({ found: false, reason: 'absent' });
    expect(scenario.warnings()).toEqual([expect.stringContaining("'app.zip'")]);
  });
});

describe('a promotion', () => {
  it('is a miss with a warning if the cached object no longer matches its record', async () => {
    const { codeHash, commit } = await uploadAndMoveOn();
    const { store } = scenario.ports();
    const copyAsset: typeof store.copyAsset = async (copy) => {
      await scenario.bucket.put(`cache/${codeHash}/app.zip`, 'ape');
      return store.copyAsset(copy);
    };
    const outcome = await scenario.check({ concurrency: 1 }, { store: { ...store, copyAsset } });
    expect(outcome).toMatchObject({ found: false, source: 'none', reason: 'absent', commit });
    expect(scenario.warnings()).toEqual([expect.stringContaining("'app.zip'")]);
    expect(await scenario.bucket.get(`artifacts/${commit}/app.zip`)).toBeUndefined();
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('uses the set that another run stores meanwhile', async () => {
    const { commit } = await uploadAndMoveOn();
    const { store } = scenario.ports();
    let isFirst = true;
    const writeDocument: typeof store.writeDocument = async (...write) => {
      if (isFirst) {
        isFirst = false;
        await scenario.build({ 'app.zip': 'theirs' });
        await scenario.upload();
      }
      return store.writeDocument(...write);
    };
    const outcome = await scenario.check({}, { store: { ...store, writeDocument } });
    expect(outcome).toMatchObject({ found: true, source: 'artifact', reason: 'complete', builtFromCommit: commit });
    expect(outcome.files).toEqual([expect.objectContaining({ path: 'app.zip', size: 6 })]);
  });

  it('waits for the promotion of another run even without time to wait', async () => {
    const { commit, codeHash } = await uploadAndMoveOn();
    await scenario.putRecord({ origin: { kind: 'cache', codeHash } });
    const pauses: number[] = [];
    const clock = skippingClock(async (durationMs) => {
      pauses.push(durationMs);
      if (pauses.length === 2) await scenario.bucket.delete(`records/artifacts/${commit}.json`);
    });
    expect(await scenario.check({}, { clock })).toMatchObject({ found: true, source: 'cache' });
    expect(pauses).toEqual([500, 1000]);
  });

  it('is not waited for longer than 15 s', async () => {
    const { codeHash } = await uploadAndMoveOn();
    await scenario.putRecord({ origin: { kind: 'cache', codeHash } });
    let waitedMs = 0;
    const clock = skippingClock((durationMs) => {
      waitedMs += durationMs;
    });
    expect(await scenario.check({}, { clock })).toMatchObject({ found: false, reason: 'in-progress' });
    expect(waitedMs).toBeGreaterThan(14_000);
    expect(waitedMs).toBeLessThanOrEqual(15_000);
  });

  it('fails if the store fails, and releases its record', async () => {
    await uploadAndMoveOn();
    const { store } = scenario.ports();
    const copyAsset = () => Promise.reject(new Error('the copy failed'));
    await expect(scenario.check({}, { store: { ...store, copyAsset } })).rejects.toThrow('the copy failed');
    expect(await scenario.marker('.found')).toBeUndefined();
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });
});

describe('an interrupted promotion', () => {
  it('keeps in the record that the set was complete before', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'bad');
    const store = scenario.hookedStore(() => ({ copyAsset: () => Promise.reject(new Error('the line broke')) }));
    await expect(scenario.check({}, { store })).rejects.toThrow('the line broke');
    expect(await scenario.record()).toMatchObject({ state: 'uploading', sealedBefore: true });
  });
});

describe('a promotion under a longer prefix', () => {
  it('is a miss with a warning if the keys become too long', async () => {
    const prefix = 'p'.repeat(200);
    const segment = 'd'.repeat(200);
    await scenario.build({ [[segment, segment, segment, segment, 'app.zip'].join('/')]: 'app' });
    await scenario.upload({ prefix: 'short' });
    await scenario.freshPackages();
    const outcome = await scenario.check({ prefix, fallbackPrefixes: ['short'] });
    expect(outcome).toMatchObject({ found: false, source: 'none', reason: 'absent' });
    expect(scenario.warnings()).toEqual([
      expect.stringMatching(/can't be copied to p.*its key under p.* 1,?\d{3} bytes/),
    ]);
    expect(await scenario.bucket.keys(prefix)).toEqual([]);
  });
});

describe('fallback prefixes', () => {
  async function uploadUnder(prefix: string, content: string, codeHash?: undefined): Promise<void> {
    await scenario.build({ 'app.zip': content });
    await scenario.upload({ prefix, ...(codeHash === undefined && content.startsWith('plain') ? { codeHash } : {}) });
    await scenario.freshPackages();
  }

  async function foundBytes(fallbackPrefixes: readonly string[]): Promise<string | undefined> {
    await scenario.check({ fallbackPrefixes });
    return (await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body;
  }

  it("are searched in order, after the step's own commit and cache", async () => {
    await uploadUnder('first', 'first');
    await uploadUnder('second', 'second');
    expect(await foundBytes(['second', 'first'])).toBe('second');
  });

  it("come after the step's own cache", async () => {
    await uploadUnder('', 'own');
    await uploadUnder('first', 'first');
    await scenario.commit();
    expect(await foundBytes(['first'])).toBe('own');
  });

  it('yield a set of the commit rather than one of the same code', async () => {
    await uploadUnder('first', 'of the code');
    await scenario.commit();
    await uploadUnder('first', 'plain: of the commit');
    expect(await foundBytes(['first'])).toBe('plain: of the commit');
  });

  it('yield a set of the same code', async () => {
    await uploadUnder('first', 'of the code');
    await scenario.commit();
    expect(await foundBytes(['elsewhere', 'first'])).toBe('of the code');
  });

  it('skip a set of the commit with another code hash, and yield the next one that fits', async () => {
    await scenario.build({ 'app.zip': 'other tools' });
    const { codeHash = '' } = await scenario.upload({ prefix: 'first', codeHash: { ...SOURCES, salt: 'other' } });
    await uploadUnder('second', 'second');
    expect(await foundBytes(['first', 'second'])).toBe('second');
    expect(scenario.log).toContainEqual(
      expect.stringMatching(`first/artifacts/.* has the code hash ${codeHash?.slice(0, 12)}, not `),
    );
  });

  it('report the code hash of the set, not the one that is looked up', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ prefix: 'first', codeHash: undefined });
    const { codeHash } = await scenario.upload({ prefix: 'second' });
    for (const [prefix, recorded] of [
      ['first', undefined],
      ['second', codeHash],
    ] as const) {
      await scenario.freshPackages();
      await scenario.check({ prefix: `of-${prefix}`, fallbackPrefixes: [prefix], codeHash: undefined });
      const record = await scenario.record(`of-${prefix}/records/artifacts/${scenario.head}.json`);
      expect([record?.codeHash, record?.codeHashAlgorithm]).toEqual([recorded, recorded && 'git-sha256']);
    }
  });

  it('also serve a check without a code hash', async () => {
    const built = scenario.head;
    await uploadUnder('first', 'first');
    const outcome = await scenario.check({ codeHash: undefined, fallbackPrefixes: ['first'] });
    expect(outcome).toMatchObject({ found: true, source: 'artifact', builtFromCommit: built, reason: 'complete' });
    expect(outcome.location.prefix).toBe(`artifacts/${scenario.head}/`);
  });

  it('are only read', async () => {
    await uploadUnder('first', 'first');
    const before = await scenario.bucketContents();
    await scenario.check({ fallbackPrefixes: ['first'] });
    expect(await scenario.bucketContents()).toMatchObject(before);
    expect(await scenario.bucket.keys('first/')).toEqual(Object.keys(before).filter((key) => key.startsWith('first/')));
  });

  it('are used in place with read access', async () => {
    await uploadUnder('first', 'first');
    const outcome = await scenario.check({ access: 'read', fallbackPrefixes: ['first'] });
    expect(outcome).toMatchObject({ found: true, location: { prefix: `first/artifacts/${scenario.head}/` } });
  });
});
