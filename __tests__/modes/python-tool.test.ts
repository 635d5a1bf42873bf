import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PythonTool } from '../support/python-tool.ts';
import { Scenario } from '../support/scenario.ts';

// This action and the Python tool it descends from, side by side on one bucket and one package directory.

const FILTER = 'src/*.txt src/**/*.cfg';
const MD5 = {
  kind: 'computed',
  patterns: FILTER.split(' '),
  algorithm: 'md5',
  salt: '',
  unmatchedPatterns: 'warn',
} as const;

let scenario: Scenario;
let python: PythonTool;
beforeEach(async () => {
  scenario = await Scenario.create();
  await scenario.commit({ 'src/b.txt': 'b', 'src/a.txt': 'a', 'src/conf/deep/x.cfg': 'x', 'src/top.cfg': 'top' });
  python = new PythonTool(scenario, FILTER);
});
afterEach(() => scenario.close());

/** Names and contents of the files in the package directory. */
async function directory(): Promise<Record<string, string>> {
  const names = (await readdir(scenario.packages)).toSorted();
  const texts = names.map(async (name) => [name, await readFile(join(scenario.packages, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

/** Builds and uploads with the Python tool, and empties the package directory. */
async function uploadWithPython(files: Record<string, string>): Promise<void> {
  await python.check();
  await scenario.build(files);
  await python.upload();
  await scenario.freshPackages();
}

async function uploadHere(files: Record<string, string>): Promise<void> {
  await scenario.check({ codeHash: MD5 });
  await scenario.build(files);
  await scenario.upload({ codeHash: MD5 });
  await scenario.freshPackages();
}

describe('a set stored by the Python tool', () => {
  it('is found here', async () => {
    await uploadWithPython({ 'app.zip': 'app', 'site.zip': 'site' });
    expect(await scenario.check({ codeHash: MD5 })).toMatchObject({
      found: true,
      source: 'artifact',
      reason: 'legacy',
      files: [
        { path: 'app.zip', size: 3 },
        { path: 'site.zip', size: 4 },
      ],
    });
  });

  it('is found here by its code hash, and gets a record', async () => {
    const built = scenario.head;
    await uploadWithPython({ 'app.zip': 'app' });
    const commit = await scenario.commit();
    const sha256 = createHash('sha256').update('app').digest('base64');
    expect(await scenario.check({ codeHash: MD5 })).toMatchObject({
      found: true,
      source: 'cache',
      reason: 'legacy',
      builtFromCommit: built,
      files: [{ path: 'app.zip', size: 3, sha256 }],
    });
    expect(await scenario.record()).toMatchObject({
      origin: { legacy: true, codeHash: expect.stringMatching(/^[0-9a-f]{32}$/), commit: built },
    });
    expect((await scenario.bucket.get(`artifacts/${commit}/app.zip`))?.metadata).toMatchObject({
      'commit-hash': commit,
      'package-hash': sha256,
    });
  });

  it('is not found by a code hash of another algorithm', async () => {
    await uploadWithPython({ 'app.zip': 'app' });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: false, reason: 'absent' });
  });

  it('is not uploaded again', async () => {
    await uploadWithPython({ 'app.zip': 'app' });
    await scenario.build({ 'app.zip': 'built again' });
    expect(await scenario.upload({ codeHash: MD5 })).toMatchObject({ found: true, reason: 'legacy', uploaded: false });
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('app');
  });

  it('over a set of ours counts as damage', async () => {
    await uploadHere({ 'app.zip': 'app' });
    await scenario.build({ 'app.zip': 'of another build' });
    await python.upload();
    expect(await scenario.check()).toMatchObject({ found: false, reason: 'damaged' });
  });

  it('over a set of ours is harmless if the bytes are the same', async () => {
    await uploadHere({ 'app.zip': 'app' });
    await scenario.build({ 'app.zip': 'app' });
    await python.upload();
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });
});

describe('a set stored here', () => {
  it('is found by the Python tool', async () => {
    await uploadHere({ 'app.zip': 'app' });
    expect(await python.check()).toBe(true);
    await scenario.build({ 'app.zip': 'built again' });
    expect(await python.upload()).toEqual([]);
  });

  it('is found by the Python tool by its code hash, and that copy is found here', async () => {
    await uploadHere({ 'app.zip': 'app', 'site.zip': 'site' });
    const commit = await scenario.commit();
    expect(await python.check()).toBe(true);
    expect(await scenario.bucket.keys(`artifacts/${commit}`)).toEqual([
      `artifacts/${commit}/app.zip`,
      `artifacts/${commit}/site.zip`,
    ]);
    expect((await scenario.bucket.get(`artifacts/${commit}/app.zip`))?.body).toBe('app');
    expect(await scenario.check({ codeHash: MD5 })).toMatchObject({
      found: true,
      source: 'artifact',
      reason: 'legacy',
    });
  });

  it('carries the metadata that deployments read', async () => {
    const key = `artifacts/${scenario.head}/app.zip`;
    await uploadWithPython({ 'app.zip': 'app' });
    const theirs = await scenario.bucket.get(key);
    for (const stored of await scenario.bucket.keys()) await scenario.bucket.delete(stored);
    await uploadHere({ 'app.zip': 'app' });
    const ours = await scenario.bucket.get(key);
    expect(ours?.metadata).toMatchObject(theirs?.metadata ?? {});
    expect(Object.keys(theirs?.metadata ?? {}).toSorted()).toEqual(['code-hash', 'commit-hash', 'package-hash']);
  });

  it('does not exist for the Python tool until it has an asset', async () => {
    await scenario.putRecord();
    await scenario.putRecord({}, `records/artifacts/${scenario.head}.json`);
    expect(await python.check()).toBe(false);
  });

  it('has no other object that the Python tool would take for an asset', async () => {
    await uploadHere({ 'app.zip': 'app' });
    const keys = await scenario.bucket.keys();
    expect(keys.filter((key) => !key.endsWith('/app.zip')).every((key) => key.startsWith('records/'))).toBe(true);
    expect(keys).toHaveLength(4);
  });
});

describe('the marker files', () => {
  it('of a miss are the same from both, except for the location', async () => {
    await python.check();
    const theirs = await directory();
    await scenario.freshPackages();
    await scenario.check({ codeHash: MD5 });
    const { '.found-at': place, ...ours } = await directory();
    expect(ours).toEqual(theirs);
    expect(JSON.parse(place ?? '')).toMatchObject({ codeHashes: [{ value: theirs['.code-hash'], algorithm: 'md5' }] });
    expect(Object.keys(theirs)).toEqual(['.code-hash', '.commit-hash']);
  });

  it('of a miss without caching are the same from both, except for the location', async () => {
    await new PythonTool(scenario).check();
    const theirs = await directory();
    await scenario.freshPackages();
    await scenario.check({ codeHash: undefined });
    const { '.found-at': _, ...ours } = await directory();
    expect(ours).toEqual(theirs);
  });

  it('of a hit by code are the same from both, except for the record and its location', async () => {
    await uploadHere({ 'app.zip': 'app' });
    await scenario.commit();
    await scenario.check({ codeHash: MD5, access: 'read' });
    const { '.record.json': record, '.sha256sums': digests, '.found-at': place, ...ours } = await directory();
    await scenario.freshPackages();
    await python.check();
    expect(ours).toEqual(await directory());
    expect(record).toBeDefined();
    expect(digests).toMatch(/^[0-9a-f]{64} {2}app\.zip\n$/);
    expect(place).toContain('/cache/');
  });

  it('of the Python tool work for an upload here', async () => {
    await python.check();
    const codeHash = await scenario.marker('.code-hash');
    await scenario.build({ 'app.zip': 'app' });
    const outcome = await scenario.upload({ codeHash: undefined });
    expect(outcome).toMatchObject({ reason: 'uploaded', cached: true, codeHash });
    expect(await scenario.record()).toMatchObject({ codeHash });
    expect(await scenario.bucket.keys('cache/')).toEqual([`cache/${codeHash}/app.zip`]);
    expect(await python.check()).toBe(true);
  });

  it('of a check here work for the Python tool', async () => {
    const { codeHash } = await scenario.check({ codeHash: MD5 });
    await scenario.build({ 'app.zip': 'app' });
    const commit = scenario.head;
    expect(await python.upload()).toEqual([`artifacts/${commit}/app.zip`, `cache/${codeHash}/app.zip`]);
    expect((await scenario.bucket.get(`cache/${codeHash}/app.zip`))?.metadata).toEqual({
      'commit-hash': commit,
      'package-hash': createHash('sha256').update('app').digest('base64'),
      'code-hash': codeHash,
    });
    expect(await scenario.check({ codeHash: MD5 })).toMatchObject({ found: true, reason: 'legacy' });
  });

  it('of a hit here keep the Python tool from uploading', async () => {
    await uploadHere({ 'app.zip': 'app' });
    await scenario.check();
    await scenario.build({ 'app.zip': 'built again' });
    expect(await python.upload()).toEqual([]);
  });

  it('of a hit of the Python tool keep an upload here from sending anything', async () => {
    await uploadHere({ 'app.zip': 'app' });
    await python.check();
    await scenario.build({ 'app.zip': 'built again' });
    expect(await scenario.upload({ codeHash: MD5 })).toMatchObject({ found: true, reason: 'marker', uploaded: false });
  });

  it('of a miss or a hit here are not assets for the Python tool', async () => {
    await uploadHere({ 'app.zip': 'app' });
    await scenario.check();
    await rm(join(scenario.packages, '.found'));
    await scenario.build({ 'app.zip': 'app' });
    expect(await python.upload()).not.toContainEqual(expect.stringMatching(/\/\./));
  });
});
