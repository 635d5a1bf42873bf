import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Scenario } from '../support/scenario.ts';

// Whether a step may only read stored sets, only write them, or both.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

const READ = { access: 'read' } as const;
const WRITE = { access: 'write' } as const;

/** Builds and stores a set, and starts a new job for the same commit. */
async function uploadSet(content = 'app'): Promise<void> {
  await scenario.build({ 'app.zip': content });
  await scenario.upload();
  await scenario.freshPackages();
}

describe('with access: read', () => {
  /** Runs something that must send no request except reads. */
  async function withoutWriting<Result>(running: () => Promise<Result>): Promise<Result> {
    const before = await scenario.bucketContents();
    scenario.forgetWire();
    const result = await running();
    const writes = scenario.wire().filter((request) => !/^(GetObject|HeadObject|ListObjectsV2) /.test(request));
    expect(writes).toEqual([]);
    expect(await scenario.bucketContents()).toEqual(before);
    return result;
  }

  it('every mode uses a set of the same code in place', async () => {
    await uploadSet();
    await scenario.commit();
    const outcomes = await withoutWriting(async () => [
      await scenario.check(READ),
      await scenario.upload(READ),
      await scenario.restore(READ),
    ]);
    const location = { prefix: expect.stringMatching(/^cache\//) };
    expect(outcomes).toMatchObject([
      { found: true, source: 'cache', reason: 'complete', location },
      { found: true, reason: 'read-only', uploaded: false, cached: false, location },
      { found: true, source: 'cache', restored: true, location },
    ]);
    expect(await scenario.marker('app.zip')).toBe('app');
  });

  it('an upload stores nothing and says so', async () => {
    await scenario.check(READ);
    await scenario.build({ 'app.zip': 'app' });
    expect(await withoutWriting(() => scenario.upload(READ))).toMatchObject({
      found: false,
      source: 'none',
      reason: 'read-only',
      uploaded: false,
      location: { prefix: `artifacts/${scenario.head}/` },
    });
    expect(scenario.log.at(-1)).toMatch(/^Nothing is uploaded, since access is 'read': s3:.* has no complete set\.$/);
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it('an upload finds an existing set of the commit, and keeps its record as a marker', async () => {
    await uploadSet();
    expect(await withoutWriting(() => scenario.upload({ ...READ, overwrite: true }))).toMatchObject({
      found: true,
      source: 'artifact',
      reason: 'read-only',
      files: [{ path: 'app.zip' }],
    });
    expect(await scenario.marker('.record.json')).toContain('"complete"');
  });

  it('an upload does not wait for another run', async () => {
    await scenario.putRecord();
    expect(await scenario.upload({ ...READ, waitMs: 600_000 })).toMatchObject({ found: false, reason: 'read-only' });
  });

  it('an upload needs neither package directory nor repository', async () => {
    await scenario.freshPackages();
    const outcome = await scenario.upload({ ...READ, codeHash: undefined });
    expect(outcome).toMatchObject({ found: false, reason: 'read-only' });
    expect(await scenario.marker('.record.json')).toBeUndefined();
  });
});

describe('with access: write', () => {
  it('a check misses without a request, and hands over the code hash', async () => {
    await uploadSet();
    scenario.forgetWire();
    const missed = await scenario.check(WRITE, scenario.inJob);
    expect(scenario.wire()).toEqual([]);
    expect(missed).toMatchObject({ found: false, source: 'none', reason: 'disabled' });
    expect(missed.codeHash).toMatch(/^[0-9a-f]{64}$/);
    expect(await scenario.marker('.found')).toBeUndefined();
    await scenario.build({ 'app.zip': 'built again', '../src/main.txt': 'changed by the build\n' });
    const stored = await scenario.upload({ ...WRITE, codeHash: undefined, overwrite: true }, scenario.inJob);
    expect(stored).toMatchObject({ reason: 'uploaded', cached: true, codeHash: missed.codeHash });
  });

  it('the hit of an earlier check does not count', async () => {
    await uploadSet();
    expect(await scenario.check({}, scenario.inJob)).toMatchObject({ found: true });
    await scenario.check(WRITE, scenario.inJob);
    await scenario.build({ 'app.zip': 'built again' });
    const stored = await scenario.upload({ overwrite: true }, scenario.inJob);
    expect(stored).toMatchObject({ reason: 'uploaded' });
  });

  it('a restore brings back the stored set', async () => {
    await uploadSet();
    expect(await scenario.restore(WRITE)).toMatchObject({ found: true, restored: true });
  });
});
