import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../../src/ports.ts';
import { EVERYTHING, Scenario, SOURCES } from '../support/scenario.ts';

// A set that is listed in two pages.

const PAGE = 40;
const COUNT = PAGE + 5;
const PATHS = Array.from(
  { length: COUNT },
  (_, index) => `folder-${index % 7}/ä-${String(index).padStart(4, '0')}.txt`,
);
const IN_ORDER = PATHS.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
const SOME = 'folder-3/ä-0003.txt';
const FOUND = { found: true, reason: 'complete' };
const NOTE = 'x'.repeat(500);
const UNCACHED = { codeHash: undefined };
const SETTINGS = { contentType: 'application/octet-stream', cacheControl: undefined, metadata: { note: NOTE } };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create({ largestPage: PAGE });
});
afterEach(() => scenario.close());

/** Stores the set without any mode. */
async function storeSet(paths = IN_ORDER): Promise<void> {
  const { bucket, head } = scenario;
  const files = paths.map((path) => {
    const metadata = { 'package-hash': sha256(path), note: NOTE };
    const { etag } = bucket.server.put(bucket.name, `artifacts/${head}/${path}`, path, { metadata });
    return { path, size: Buffer.byteLength(path), sha256: sha256(path), etag, metadata: { note: NOTE } };
  });
  await scenario.putRecord({ state: 'complete', files });
}

/** @param body replaces one asset; undefined removes it */
async function damage(body: string | undefined): Promise<void> {
  const key = `artifacts/${scenario.head}/${SOME}`;
  if (body === undefined) await scenario.bucket.delete(key);
  else await scenario.bucket.put(key, body);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

async function build(): Promise<void> {
  await scenario.build(Object.fromEntries(PATHS.map((path) => [path, path])));
}

function pathsOf(files: Iterable<{ readonly path: string }>): string[] {
  return Array.from(files, ({ path }) => path);
}

async function restored(): Promise<string[]> {
  const entries = await readdir(scenario.packages, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  const bodies = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
  return bodies.toSorted();
}

describe('a large set that is uploaded', () => {
  it('has an ordered record like any other set, and so do its copies', async () => {
    await build();
    const uploaded = await scenario.upload({ ...SETTINGS, codeHash: SOURCES });
    expect(uploaded).toMatchObject({ reason: 'uploaded', cached: true });
    await scenario.commit();
    await scenario.freshPackages();
    expect(await scenario.check({ codeHash: SOURCES })).toMatchObject({ found: true, source: 'cache' });
    const records = (await scenario.bucket.keys('records/')).map((key) => scenario.bucket.get(key));
    expect(records).toHaveLength(3);
    for (const record of await Promise.all(records)) {
      const body = record?.body ?? '';
      const { state, files, totalSize } = JSON.parse(body);
      expect(state).toBe('complete');
      expect(pathsOf(files)).toEqual(IN_ORDER);
      expect(files[5]).toMatchObject({ sha256: sha256(IN_ORDER[5] ?? ''), metadata: { note: NOTE } });
      expect(totalSize).toBe(IN_ORDER.reduce((sum, path) => sum + Buffer.byteLength(path), 0));
    }
    expect(await scenario.check(UNCACHED)).toMatchObject(FOUND);
  });
});

describe('a large set', () => {
  beforeEach(async () => {
    await storeSet();
    scenario.forgetWire();
  });

  it('is found by one pass over record and listing, and its record becomes a marker', async () => {
    const outcome = await scenario.check(UNCACHED);
    expect(outcome).toMatchObject(FOUND);
    expect(pathsOf(outcome.files)).toEqual(IN_ORDER);
    expect(scenario.wire().toSorted()).toEqual([
      'GetObject records/artifacts/<commit>.json',
      'HeadObject records/artifacts/<commit>.json',
      // The first page was requested before the record turned out to be so young.
      ...Array.from({ length: 1 + 2 }, () => 'ListObjectsV2 artifacts/<commit>/'),
    ]);
    expect(pathsOf(JSON.parse((await scenario.marker('.record.json')) ?? '').files)).toEqual(IN_ORDER);
  });

  it('is copied in order, whatever the order of its record', async () => {
    await storeSet(IN_ORDER.toReversed());
    // Written by another version of this action that did not sort.
    const key = `records/artifacts/${scenario.head}.json`;
    const record = JSON.parse((await scenario.bucket.get(key))?.body ?? '');
    const codeHash = 'c'.repeat(64);
    await scenario.bucket.put(key, JSON.stringify({ ...record, codeHash, files: record.files.toReversed() }));
    await build();
    expect(await scenario.upload({ codeHash: { kind: 'given', value: codeHash } })).toMatchObject({ cached: true });
    expect(scenario.warnings()).toEqual([]);
    const [cached] = await scenario.bucket.keys('records/cache/');
    const { files } = JSON.parse((await scenario.bucket.get(cached ?? ''))?.body ?? '');
    expect(pathsOf(files)).toEqual(IN_ORDER);
  });

  it('is restored byte for byte', async () => {
    expect(await scenario.restore(UNCACHED)).toMatchObject({ ...FOUND, restored: true });
    expect(await restored()).toEqual(PATHS.toSorted());
  });

  it('is restored in part', async () => {
    const isChosen = (path: string) => path.startsWith('folder-3/');
    const outcome = await scenario.restore({ ...UNCACHED, selection: { ...EVERYTHING, isChosen, naming: 'darwin' } });
    expect(pathsOf(outcome.files)).toEqual(IN_ORDER.filter(isChosen));
    expect(await restored()).toEqual(PATHS.filter(isChosen).toSorted());
  });

  it.each([
    ['is gone', undefined, 'is missing'],
    ['has other bytes', 'other bytes, and more of them', 'has another size'],
    ['has as many other bytes', 'x'.repeat(Buffer.byteLength(SOME)), 'has another ETag'],
  ])('is damaged if one asset %s', async (_, body, difference) => {
    await damage(body);
    expect(await scenario.check(UNCACHED)).toMatchObject({ found: false, reason: 'damaged' });
    expect(scenario.warnings().join()).toContain(`'${SOME}' ${difference}`);
  });

  it('is repaired by sending only the damaged asset', async () => {
    await damage('other bytes');
    await build();
    scenario.forgetWire();
    const uploaded = await scenario.upload({ ...UNCACHED, ...SETTINGS });
    expect(uploaded).toMatchObject({ found: true, reason: 'resumed' });
    const puts = scenario.wire().filter((request) => request.startsWith('PutObject artifacts'));
    expect(puts).toEqual([`PutObject artifacts/<commit>/${SOME}`]);
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/${SOME}`))?.body).toBe(SOME);
    expect(await scenario.check(UNCACHED)).toMatchObject(FOUND);
  });

  it('is complete beside unexpected objects, of which an upload warns', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/folder-3/stray.txt`, 'stray');
    expect(await scenario.check(UNCACHED)).toMatchObject(FOUND);
    await build();
    await rm(join(scenario.packages, '.found'));
    await writeFile(join(scenario.packages, SOME), 'new');
    const uploaded = await scenario.upload({ ...UNCACHED, ...SETTINGS, overwrite: true });
    expect(uploaded).toMatchObject({ found: true });
    expect(scenario.warnings()).toEqual([
      expect.stringContaining("holds 1 object(s) that are not part of the set, such as 'folder-3/stray.txt'"),
    ]);
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/${SOME}`))?.body).toBe('new');
    expect(await scenario.check(UNCACHED)).toMatchObject(FOUND);
  });

  it('satisfies an upload of the same files, but not an upload of another path', async () => {
    await build();
    expect(await scenario.upload(UNCACHED)).toMatchObject({ found: true, reason: 'complete' });
    await scenario.build({ 'other.txt': 'other' });
    await expect(scenario.upload(UNCACHED)).rejects.toThrow("complete without 'other.txt'");
  });

  it('is known from the marker of the check to an upload that has nothing to do', async () => {
    await scenario.check(UNCACHED);
    const outcome = await scenario.upload(UNCACHED);
    expect(outcome).toMatchObject({ found: true, reason: 'marker' });
    expect(pathsOf(outcome.files)).toEqual(IN_ORDER);
  });

  it('is found even if the store lists in an order of its own', async () => {
    const store = scenario.hookedStore((real) => ({ list: (prefix) => backwards(real, prefix) }));
    expect(await scenario.check(UNCACHED, { store })).toMatchObject(FOUND);
    await scenario.bucket.delete(`artifacts/${scenario.head}/${SOME}`);
    expect(await scenario.check(UNCACHED, { store })).toMatchObject({ found: false, reason: 'damaged' });
  });

  it('causes a warning if another run has stored a different build of it', async () => {
    await build();
    await writeFile(join(scenario.packages, SOME), 'y'.repeat(Buffer.byteLength(SOME)));
    const record = await scenario.record();
    await scenario.bucket.delete(`records/artifacts/${scenario.head}.json`);
    let isTaken = false;
    const store = scenario.hookedStore((real) => ({
      writeDocument: async (...write) => {
        if (!isTaken && record !== undefined) await scenario.putRecord(record);
        isTaken = true;
        return real.writeDocument(...write);
      },
    }));
    expect(await scenario.upload({ ...UNCACHED, legacy: 'ignore' }, { store })).toMatchObject({
      found: true,
      reason: 'lost-race',
    });
    expect(scenario.warnings().join()).toContain(`'${SOME}' is not the same file`);
  });
});

async function* backwards(store: ObjectStore, prefix: string) {
  for (const page of (await Array.fromAsync(store.list(prefix))).toReversed()) yield page.toReversed();
}
