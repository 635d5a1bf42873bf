import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Scenario } from '../support/scenario.ts';

// Sets without files, which record that this code has passed.

const STORE = { ifNoFilesFound: 'store' } as const;

/** The server's clock, which only moves when a test moves it. */
let serverMs: number;
let scenario: Scenario;
beforeEach(async () => {
  serverMs = Math.floor(Date.now() / 1000) * 1000;
  scenario = await Scenario.create({ now: () => serverMs });
});
afterEach(() => scenario.close());

describe('a set without files', () => {
  it('is stored without a package directory, found, copied to commits of the same code, and restored', async () => {
    expect(await scenario.upload(STORE)).toMatchObject({
      found: true,
      reason: 'uploaded',
      uploaded: true,
      cached: true,
      files: [],
    });
    expect(await scenario.record()).toMatchObject({ state: 'complete', files: [], totalSize: 0 });
    expect(await scenario.marker('.record.json')).toContain('"complete"');
    expect(await scenario.check()).toMatchObject({ found: true, source: 'artifact', reason: 'complete', files: [] });
    await scenario.freshPackages();
    await scenario.commit();
    expect(await scenario.check({ legacy: 'ignore' })).toMatchObject({ found: true, source: 'cache' });
    expect(scenario.log).toContainEqual(expect.stringMatching(/^Copied it to s3:/));
    expect(await scenario.record()).toMatchObject({ state: 'complete', files: [], origin: { kind: 'cache' } });
    await scenario.freshPackages();
    expect(await scenario.restore()).toMatchObject({ found: true, restored: true, source: 'artifact', files: [] });
    expect(await scenario.check()).toMatchObject({ found: true, source: 'artifact', reason: 'complete' });
    expect(scenario.warnings()).toEqual([]);
    expect((await scenario.bucket.keys()).filter((key) => !key.startsWith('records/'))).toEqual([]);
  });

  it('is kept by the next upload, or replaced if that overwrites', async () => {
    await scenario.upload(STORE);
    const before = await scenario.bucketContents();
    expect(await scenario.upload(STORE)).toMatchObject({ found: true, reason: 'complete', cached: true });
    expect(await scenario.bucketContents()).toEqual(before);
    expect(await scenario.upload({ ...STORE, overwrite: true })).toMatchObject({ reason: 'uploaded', cached: true });
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('completes a set that was begun and not finished', async () => {
    await scenario.putRecord({ leaseSeconds: 0 });
    expect(await scenario.check()).toMatchObject({ found: false, reason: 'incomplete' });
    expect(await scenario.upload(STORE)).toMatchObject({ found: true, reason: 'uploaded' });
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('is still found if there are unexpected objects beside it', async () => {
    await scenario.upload(STORE);
    await scenario.bucket.put(`artifacts/${scenario.head}/stray.txt`, 'stray');
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete', files: [] });
  });

  it('is not mistaken for a build of the same commit', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await scenario.freshPackages();
    await expect(scenario.upload(STORE)).rejects.toThrow(
      /has 1 file, and this upload none: give each job that uploads for a commit its own 'prefix'/,
    );
    await scenario.commit({ 'src/main.txt': 'changed\n' });
    await scenario.upload(STORE);
    await scenario.build({ 'app.zip': 'app' });
    await expect(scenario.upload()).rejects.toThrow("is complete without 'app.zip': give each job");
  });

  it('is stored if there are only hidden files, and a usual set if there are others', async () => {
    await scenario.build({ '.hidden': '' });
    expect(await scenario.upload(STORE)).toMatchObject({ uploaded: true, files: [] });
    await scenario.commit({ 'src/main.txt': 'changed\n' });
    await scenario.build({ 'report.xml': 'ok' });
    expect(await scenario.upload(STORE)).toMatchObject({ uploaded: true, files: [{ path: 'report.xml' }] });
  });

  it('is not stored in a dry run', async () => {
    expect(await scenario.upload({ ...STORE, dryRun: true })).toMatchObject({ found: false, uploaded: false });
    expect(scenario.log.at(-1)).toMatch(/^Dry run: would upload a set without files to s3:/);
    expect(await scenario.bucket.keys()).toEqual([]);
  });
});

describe('test results', () => {
  const EVERYTHING = {
    codeHash: { kind: 'computed', patterns: ['**'], algorithm: 'git-sha256', salt: '', unmatchedPatterns: 'error' },
    prefix: 'tests',
  } as const;

  it('of a pull request are found by the push that squashes it, with four requests', async () => {
    const main = scenario.git('branch', '--show-current');
    scenario.git('checkout', '--quiet', '-b', 'topic');
    await scenario.commit({ 'src/main.txt': 'first try\n' });
    await scenario.commit({ 'src/main.txt': 'second try\n', 'docs/page.md': 'page\n' });
    expect(await scenario.check({ ...EVERYTHING, access: 'read' })).toMatchObject({ found: false });
    await scenario.upload({ ...EVERYTHING, ...STORE });
    await scenario.freshPackages();
    scenario.git('checkout', '--quiet', main);
    scenario.git('merge', '--quiet', '--squash', 'topic');
    const squashed = await scenario.commit();
    expect(scenario.git('rev-list', '--count', 'HEAD')).toBe('2');
    serverMs += 60_000;
    scenario.forgetWire();
    const pushed = await scenario.check({ ...EVERYTHING, access: 'read' });
    expect(pushed).toMatchObject({ found: true, source: 'cache', reason: 'complete', commit: squashed });
    expect(scenario.wire().toSorted()).toEqual([
      'GetObject tests/records/artifacts/<commit>.json',
      'GetObject tests/records/cache/<code>.json',
      'ListObjectsV2 tests/artifacts/<commit>/',
      'ListObjectsV2 tests/cache/<code>/',
    ]);
  });

  it('of a merge queue, unlike those of branches, are found by the push to main, with two requests', async () => {
    const trusted = { ...EVERYTHING, prefix: 'tests/main' };
    const branch = { ...EVERYTHING, prefix: 'tests/branches', fallbackPrefixes: ['tests/main'] };
    await scenario.commit({ 'src/main.txt': 'changed\n' });
    await scenario.upload({ ...branch, ...STORE });
    expect(await scenario.check({ ...trusted, access: 'read' })).toMatchObject({ found: false, reason: 'absent' });
    await scenario.freshPackages();
    const queued = await scenario.commit();
    await scenario.upload({ ...trusted, ...STORE });
    serverMs += 60_000;
    scenario.forgetWire();
    const pushed = await scenario.check({ ...trusted, access: 'read' });
    expect(pushed).toMatchObject({ found: true, source: 'artifact', commit: queued });
    expect(scenario.wire()).toHaveLength(2);
    await scenario.commit();
    serverMs += 60_000;
    await scenario.bucket.delete(`tests/branches/records/cache/${pushed.codeHash}.json`);
    expect(await scenario.check({ ...branch, access: 'read' })).toMatchObject({
      found: true,
      source: 'cache',
      location: { prefix: `tests/main/cache/${pushed.codeHash}/` },
    });
  });
});
