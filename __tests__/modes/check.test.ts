import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRecord } from '../../src/asset-set/record.ts';
import { OTHER_WRITER, Scenario, SOURCES, skippingClock } from '../support/scenario.ts';

const FOUND = { found: true, source: 'artifact' } as const;
const NOT_FOUND = { found: false, source: 'none', files: [] } as const;
/** The writer that the run of these tests names in records. */
const THIS_RUN = { repository: 'owner/repository', runId: '1', runAttempt: '1' } as const;

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** Stores a complete set of two files, and cleans up after the job that made it. */
async function uploadSet(): Promise<void> {
  await scenario.build({ 'app.zip': 'app', 'nested/site.txt': 'site' });
  await scenario.upload();
  await scenario.freshPackages();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

describe('check of the record and the listing', () => {
  it('finds a complete set', async () => {
    await uploadSet();
    const commit = scenario.head;
    expect(await scenario.check()).toMatchObject({
      ...FOUND,
      reason: 'complete',
      commit,
      builtFromCommit: commit,
      location: { prefix: `artifacts/${commit}/`, recordKey: `records/artifacts/${commit}.json` },
      files: [
        { path: 'app.zip', size: 3, sha256: sha256('app') },
        { path: 'nested/site.txt', size: 4, sha256: sha256('site') },
      ],
      uploaded: false,
      cached: false,
    });
  });

  it.each([
    ['is missing', (key: string) => scenario.bucket.delete(key)],
    ['has another size', (key: string) => scenario.bucket.put(key, 'app, but longer')],
    ['has another ETag', (key: string) => scenario.bucket.put(key, 'ape')],
  ])('reports a set as damaged if a file %s', async (difference, damage) => {
    await uploadSet();
    await damage(`artifacts/${scenario.head}/app.zip`);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ ...NOT_FOUND, reason: 'damaged' });
    expect(scenario.warnings()).toEqual([expect.stringContaining(`'app.zip' ${difference}`)]);
  });

  it('repairs a damaged set from the cache', async () => {
    await uploadSet();
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'ape');
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache', reason: 'complete' });
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('app');
    expect(await scenario.check()).toMatchObject({ ...FOUND, reason: 'complete' });
  });

  it('ignores a record of another commit', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ codeHash: undefined });
    const key = `records/artifacts/${scenario.head}.json`;
    const body = (await scenario.bucket.get(key))?.body ?? '';
    await scenario.freshPackages();
    await scenario.bucket.put(key, body.replaceAll(scenario.head, 'e'.repeat(40)));
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: false, reason: 'incomplete' });
    expect(scenario.log.join()).toContain('its record is of the commit eeee');
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, uploaded: true });
  });

  it('finds a set although there are unexpected objects beside it', async () => {
    await uploadSet();
    await scenario.bucket.put(`artifacts/${scenario.head}/stray.txt`, 'stray');
    const { files } = await scenario.check();
    expect(Array.from(files, ({ path }) => path)).toEqual(['app.zip', 'nested/site.txt']);
  });

  it('never uses the cache while another run is uploading', async () => {
    await uploadSet();
    await scenario.putRecord();
    expect(await scenario.check()).toMatchObject({ ...NOT_FOUND, reason: 'in-progress' });
    expect(await scenario.record()).toMatchObject({ state: 'uploading', writer: OTHER_WRITER });
  });

  it.each([
    ['an earlier attempt of the same run', { runAttempt: '1' }, { runAttempt: '2' }, 'incomplete'],
    ['attempt 9 seen from attempt 10', { runAttempt: '9' }, { runAttempt: '10' }, 'incomplete'],
    ['the same attempt', { runAttempt: '2' }, { runAttempt: '2' }, 'in-progress'],
    ['a later attempt', { runAttempt: '3' }, { runAttempt: '2' }, 'in-progress'],
    ['an earlier attempt of another run', { runId: '2' }, { runAttempt: '2' }, 'in-progress'],
    ['an earlier attempt in another repository', { repository: 'o/fork' }, { runAttempt: '2' }, 'in-progress'],
  ])('judges a live lease of %s', async (_, writer, reader, reason) => {
    await scenario.putRecord({ writer: { nonce: 'other', sequence: 1, ...THIS_RUN, ...writer } });
    expect(await scenario.check({ writer: { ...THIS_RUN, ...reader } })).toMatchObject({ ...NOT_FOUND, reason });
  });

  it('waits for another run if it may, and finds the set of that run', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    const sealed = await scenario.record();
    await scenario.putRecord();
    const clock = skippingClock(() => scenario.putRecord(sealed));
    const outcome = await scenario.check({ waitMs: 60_000 }, { clock });
    expect(outcome).toMatchObject({ ...FOUND, reason: 'complete' });
  });

  it('uses the cache if the upload of an earlier attempt was interrupted', async () => {
    await uploadSet();
    await scenario.putRecord({ writer: { nonce: 'other', sequence: 1, ...THIS_RUN } });
    const outcome = await scenario.check({ writer: { ...THIS_RUN, runAttempt: '2' } });
    expect(outcome).toMatchObject({ found: true, source: 'cache' });
  });

  it('trusts objects without a record, unless it must ignore them', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'app', {
      metadata: { 'commit-hash': scenario.head },
    });
    const found = await scenario.check();
    expect(found).toMatchObject({
      ...FOUND,
      reason: 'legacy',
      ageMs: expect.any(Number),
      files: [{ path: 'app.zip', size: 3 }],
    });
    expect(found.builtFromCommit).toBeUndefined();
    expect(await scenario.marker('.record.json')).toBeUndefined();
    expect(await scenario.check({ legacy: 'ignore' })).toMatchObject({ ...NOT_FOUND, reason: 'legacy' });
  });

  it('reports our own set without its record as incomplete', async () => {
    await uploadSet();
    await scenario.bucket.delete(`records/artifacts/${scenario.head}.json`);
    await scenario.bucket.delete(`artifacts/${scenario.head}/app.zip`);
    const outcome = await scenario.check({ codeHash: undefined });
    expect(outcome).toMatchObject({ ...NOT_FOUND, reason: 'incomplete' });
  });

  it('trusts copies of our assets that another tool made under another commit', async () => {
    await uploadSet();
    const source = `artifacts/${scenario.head}/app.zip`;
    const commit = await scenario.commit();
    await scenario.bucket.copy(source, `artifacts/${commit}/app.zip`);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ ...FOUND, reason: 'legacy' });
  });

  it('finds nothing in an empty bucket', async () => {
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({
      ...NOT_FOUND,
      reason: 'absent',
      commit: scenario.head,
      codeHash: undefined,
      builtFromCommit: undefined,
      location: { prefix: `artifacts/${scenario.head}/` },
    });
  });

  it('ignores a longer id, and a folder placeholder', async () => {
    const commit = scenario.head;
    await scenario.bucket.put(`artifacts/${commit}0/app.zip`, 'app');
    await scenario.bucket.put(`artifacts/${commit}.old/app.zip`, 'app');
    await scenario.bucket.put(`artifacts/${commit}/`, '');
    expect(await scenario.check()).toMatchObject({ ...NOT_FOUND, reason: 'absent' });
  });

  it('looks only under its own prefix', async () => {
    await uploadSet();
    expect(await scenario.check({ prefix: 'packages/web' })).toMatchObject({
      ...NOT_FOUND,
      reason: 'absent',
      location: { prefix: `packages/web/artifacts/${scenario.head}/` },
    });
    await scenario.build({ 'web.zip': 'web' });
    await scenario.upload({ prefix: 'packages/web' });
    const outcome = await scenario.check({ prefix: 'packages/web' });
    expect(outcome).toMatchObject({ ...FOUND, files: [{ path: 'web.zip' }] });
    expect(await scenario.bucket.keys('packages/web/')).toEqual([
      `packages/web/artifacts/${scenario.head}/web.zip`,
      `packages/web/cache/${outcome.codeHash}/web.zip`,
      `packages/web/records/artifacts/${scenario.head}.json`,
      `packages/web/records/cache/${outcome.codeHash}.json`,
    ]);
  });
});

describe('check of records that it cannot rely on', () => {
  it('refuses an unknown schema, and names it', async () => {
    await scenario.bucket.put(`records/artifacts/${scenario.head}.json`, '{"schema":"s3-asset-manager/record/v9"}');
    await expect(scenario.check()).rejects.toThrow("schema 's3-asset-manager/record/v9'");
    expect(await scenario.marker('.found')).toBeUndefined();
  });

  it.each(['', '{', 'null', '[]', '{"schema":"s3-asset-manager/record/v1"}'])(
    'refuses %j as a record',
    async (body) => {
      await scenario.bucket.put(`records/artifacts/${scenario.head}.json`, body);
      await expect(scenario.check()).rejects.toThrow(`records/artifacts/${scenario.head}.json`);
    },
  );

  it('takes an unknown state for an upload in progress', async () => {
    await uploadSet();
    const record = { ...(await scenario.record()), schema: 's3-asset-manager/record/v1', state: 'archived' };
    await scenario.bucket.put(`records/artifacts/${scenario.head}.json`, JSON.stringify(record));
    expect(await scenario.check()).toMatchObject({ ...NOT_FOUND, reason: 'in-progress' });
  });
});

describe('check, in the package directory', () => {
  it('writes markers without a line end after a hit', async () => {
    await uploadSet();
    const { codeHash } = await scenario.check();
    expect(await scenario.marker('.found')).toBe('');
    const own = `s3://${scenario.bucket.name}/artifacts/${scenario.head}/`;
    const handover = JSON.parse((await scenario.marker('.found-at')) ?? '');
    expect(handover).toMatchObject({ endpoint: scenario.bucket.endpoint, asked: own, found: own });
    expect(await scenario.marker('.commit-hash')).toBe(scenario.head);
    expect(await scenario.marker('.code-hash')).toBe(codeHash);
    const text = (await scenario.marker('.record.json')) ?? '';
    expect(parseRecord(text, '.record.json')).toEqual(await scenario.record());
  });

  it('writes the commit and the code hash for the upload after a miss', async () => {
    const { codeHash } = await scenario.check();
    expect(codeHash).toMatch(/^[0-9a-f]{64}$/);
    expect((await readdir(scenario.packages)).toSorted()).toEqual(['.code-hash', '.commit-hash', '.found-at']);
    expect(await scenario.marker('.code-hash')).toBe(codeHash);
    expect(await scenario.marker('.commit-hash')).toBe(scenario.head);
  });

  it('removes the markers of an earlier check', async () => {
    await scenario.build({
      '.found': '',
      '.found-at': 'stale',
      '.code-hash': 'stale',
      '.record.json': 'stale',
      '.sha256sums': 'stale',
      '.commit-hash': 'stale',
    });
    await scenario.check({ codeHash: undefined });
    expect((await readdir(scenario.packages)).toSorted()).toEqual(['.commit-hash', '.found-at']);
    expect(await scenario.marker('.found-at')).not.toBe('stale');
    expect(await scenario.marker('.commit-hash')).toBe(scenario.head);
  });

  it('removes a stale .found even if it fails afterwards', async () => {
    await scenario.build({ '.found': '', 'app.zip': 'app' });
    await scenario.bucket.put(`records/artifacts/${scenario.head}.json`, 'garbage');
    await expect(scenario.check()).rejects.toThrow('is not a record');
    expect((await readdir(scenario.packages)).toSorted()).toEqual(['.commit-hash', 'app.zip']);
  });

  it('leaves assets alone', async () => {
    await uploadSet();
    await scenario.build({ 'app.zip': 'another build' });
    await scenario.check();
    expect(await scenario.marker('app.zip')).toBe('another build');
  });

  it('does not follow a link in place of a marker', async () => {
    await uploadSet();
    await scenario.build({});
    const outside = join(scenario.root, 'outside');
    await writeFile(outside, 'untouched');
    for (const name of ['.found', '.found-at', '.commit-hash', '.code-hash', '.record.json', '.sha256sums'])
      await symlink(outside, join(scenario.packages, name));
    await scenario.check();
    expect(await readFile(outside, 'utf8')).toBe('untouched');
    expect(await scenario.marker('.found')).toBe('');
  });
});

describe('check, as a dry run', () => {
  it.each([
    ['a set of the commit', async () => {}],
    ['a set of the same code', () => scenario.commit()],
  ])('reports %s, and changes nothing', async (_, arrange) => {
    await uploadSet();
    await arrange();
    const before = await scenario.bucketContents();
    expect(await scenario.check({ dryRun: true })).toMatchObject({ found: true, reason: 'complete' });
    expect(await scenario.bucketContents()).toEqual(before);
    await expect(readdir(scenario.packages)).rejects.toThrow('ENOENT');
  });

  it('leaves stale markers alone', async () => {
    await mkdir(scenario.packages);
    await scenario.build({ '.found': '' });
    expect(await scenario.check({ dryRun: true })).toMatchObject(NOT_FOUND);
    expect(await readdir(scenario.packages)).toEqual(['.found']);
  });
});

describe('check, and the code hash', () => {
  it('takes it from the record without hashing if the commit has a set', async () => {
    await uploadSet();
    const { codeHash } = await scenario.check();
    const { sources } = scenario.ports();
    const unread = { ...sources, entries: () => Promise.reject(new Error('hashed')) };
    expect(await scenario.check({}, { sources: unread })).toMatchObject({ ...FOUND, codeHash });
  });

  it('reports none if the commit was uploaded without caching', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ codeHash: undefined });
    expect((await scenario.check({ codeHash: undefined })).codeHash).toBeUndefined();
    expect(await scenario.marker('.code-hash')).toBeUndefined();
  });

  it('uses a given one unchanged', async () => {
    const value = 'a'.repeat(32);
    expect(await scenario.check({ codeHash: { kind: 'given', value } })).toMatchObject({ codeHash: value });
    expect(await scenario.marker('.code-hash')).toBe(value);
  });

  it('fails if no source matches, rather than reporting a miss', async () => {
    const codeHash = { ...SOURCES, patterns: ['nowhere/**'] };
    await expect(scenario.check({ codeHash })).rejects.toThrow("matches 'nowhere/**' of code-hash-filter");
    expect(await scenario.marker('.found')).toBeUndefined();
  });
});
