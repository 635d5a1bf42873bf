import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { signedStore } from '../../src/asset-set/signature.ts';
import { type CodeHashRequest, gitSha256 } from '../../src/code-hash/code-hash.ts';
import { systemClock } from '../../src/host/system.ts';
import type { CheckOptions } from '../../src/modes/check.ts';
import type { Outcome } from '../../src/modes/outcome.ts';
import type { UploadOptions } from '../../src/modes/upload.ts';
import type { RunContext } from '../../src/run-context.ts';
import { newRecordKeys } from '../asset-set/key-pair.ts';
import { Scenario, SOURCES } from '../support/scenario.ts';

// What a check hands over to the next upload, although the build between may empty or change the package directory.

const API = { ...SOURCES, patterns: ['api/**'] } as const;
const SITE = { ...SOURCES, patterns: ['site/**'] } as const;
const OTHER = 'f'.repeat(64);

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
  await scenario.commit({ 'api/main.txt': 'api\n', 'site/main.txt': 'site\n' });
});
afterEach(() => scenario.close());

/** Runs a check as a step of a job on a runner. */
function check(overrides: Partial<CheckOptions & RunContext> = {}): Promise<Outcome> {
  return scenario.check(overrides, scenario.inJob);
}

function upload(overrides: Partial<UploadOptions & RunContext> = {}): Promise<Outcome> {
  return scenario.upload(overrides, scenario.inJob);
}

/** A build that empties its output folder first. */
async function cleanBuild(files: Record<string, string> = { 'app.zip': 'app' }): Promise<void> {
  await rm(scenario.packages, { recursive: true, force: true });
  await scenario.build(files);
}

async function hashOf({ salt, patterns }: Exclude<CodeHashRequest, { kind: 'given' }>): Promise<string> {
  return gitSha256(salt, (await scenario.ports().sources.entries(patterns)).entries);
}

async function cached(): Promise<string[]> {
  return (await scenario.bucket.keys()).filter((key) => /(^|\/)cache\//.test(key) && !key.includes('records/'));
}

describe('the code hash of a check', () => {
  it.each([
    ['without a filter', undefined],
    ['with the same filter', SOURCES],
  ])('outlives a build that empties its output folder, for an upload %s', async (_, codeHash) => {
    const miss = await check();
    await cleanBuild();
    await writeFile(join(scenario.root, 'src', 'generated.txt'), 'generated');
    expect(await upload({ codeHash })).toMatchObject({ reason: 'uploaded', cached: true, codeHash: miss.codeHash });
    expect(await cached()).toEqual([`cache/${miss.codeHash}/app.zip`]);
    expect(await scenario.record()).toMatchObject({ codeHashAlgorithm: 'git-sha256' });
    expect(scenario.warnings()).toEqual([]);
  });

  it('is used even if only the check was given it', async () => {
    await check({ codeHash: { kind: 'given', value: OTHER } });
    await cleanBuild();
    expect(await upload({ codeHash: undefined })).toMatchObject({ cached: true, codeHash: OTHER });
  });

  it.each<[string, Partial<UploadOptions & RunContext>, Partial<CheckOptions & RunContext>]>([
    ['prefixes', { prefix: 'api', codeHash: API }, { prefix: 'site', codeHash: SITE }],
    ['prefixes, and uploads without a filter', { prefix: 'api' }, { prefix: 'site' }],
    ['filters', { codeHash: API }, { codeHash: SITE }],
  ])('is not confused with that of another check in the job: %s', async (_, forApi, forSite) => {
    await check({ codeHash: API, ...forApi });
    await check({ codeHash: SITE, ...forSite });
    await scenario.build({ 'api.zip': 'api' });
    const { prefix = '' } = forApi;
    expect(await upload({ codeHash: undefined, ...forApi })).toMatchObject({
      cached: true,
      codeHash: await hashOf(API),
    });
    expect(await cached()).toEqual([`${prefix === '' ? '' : `${prefix}/`}cache/${await hashOf(API)}/api.zip`]);
  });

  it.each([
    ['in a job', () => upload({ codeHash: undefined })],
    ['without RUNNER_TEMP', () => scenario.upload({ codeHash: undefined })],
  ])('is not guessed if checks of one prefix had different filters, %s', async (where, run) => {
    const ports = where === 'in a job' ? scenario.inJob : {};
    await scenario.check({ codeHash: API }, ports);
    await scenario.check({ codeHash: SITE }, ports);
    await scenario.build({ 'api.zip': 'api' });
    expect(await run()).toMatchObject({ reason: 'uploaded', cached: false, codeHash: undefined });
    expect(await cached()).toEqual([]);
    expect(scenario.warnings()).toEqual([expect.stringMatching(/Nothing is cached.*had different filters: give/)]);
  });

  it('does not count for another prefix without RUNNER_TEMP either', async () => {
    await scenario.check({ prefix: 'api', codeHash: API });
    await scenario.check({ prefix: 'site', codeHash: SITE });
    await scenario.build({ 'api.zip': 'api' });
    expect(await scenario.upload({ prefix: 'api', codeHash: undefined })).toMatchObject({ cached: false });
    expect(scenario.log).toContainEqual(expect.stringContaining('.found-at is not about s3://'));
    expect(scenario.warnings()).toEqual([expect.stringMatching(/Nothing is cached.*code-hash belongs to another set/)]);
    expect(await scenario.upload({ prefix: 'api2', codeHash: API })).toMatchObject({ codeHash: await hashOf(API) });
    expect((await cached()).join()).not.toContain(await hashOf(SITE));
  });

  it('is not used by an upload with another salt, which warns', async () => {
    const { codeHash } = await check();
    await cleanBuild();
    const salted = { ...SOURCES, salt: 'windows' } as const;
    const outcome = await upload({ codeHash: salted });
    expect(outcome.codeHash).toBe(await hashOf(salted));
    expect(outcome.codeHash).not.toBe(codeHash);
    expect(scenario.warnings()).toEqual([expect.stringMatching(/another filter, algorithm or salt than this step/)]);
  });

  it('is missing after a hit by commit, so that an upload without a filter warns that it caches nothing', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ codeHash: undefined });
    expect(await check()).toMatchObject({ found: true });
    await scenario.build({ 'app.zip': 'good' });
    expect(await upload({ codeHash: undefined, overwrite: true })).toMatchObject({ uploaded: true, cached: false });
    expect(scenario.warnings()).toEqual([expect.stringMatching(/Nothing is cached.*found the commit's own set/)]);
  });

  it("is computed from the commit's own tree after a hit by commit, whatever the build has changed", async () => {
    await scenario.build({ 'app.zip': 'bad' });
    const { codeHash } = await scenario.upload();
    expect(await check()).toMatchObject({ found: true });
    await cleanBuild({ 'app.zip': 'good' });
    await writeFile(join(scenario.root, 'src', 'main.txt'), 'changed by the build\n');
    expect(await upload({ overwrite: true })).toMatchObject({ cached: true, codeHash });
    expect((await scenario.bucket.get(`cache/${codeHash}/app.zip`))?.body).toBe('good');
  });

  it.each([undefined, { ...SOURCES, salt: 'other' } as const])(
    'no longer finds a cached set that was overwritten: %j',
    async (asked) => {
      await scenario.build({ 'app.zip': 'bad' });
      const { codeHash = '' } = await scenario.upload();
      await scenario.build({ 'app.zip': 'good' });
      await scenario.upload({ codeHash: asked, overwrite: true });
      await scenario.commit();
      await scenario.freshPackages();
      expect(await check()).toMatchObject({ found: false, codeHash });
    },
  );

  it('may be that of an earlier check if the last one needed none', async () => {
    const { codeHash } = await check();
    await cleanBuild();
    await upload({ codeHash: undefined });
    await check();
    await cleanBuild({ 'app.zip': 'good' });
    await writeFile(join(scenario.root, 'src', 'generated.txt'), 'generated');
    expect(await upload({ codeHash: undefined, overwrite: true })).toMatchObject({ codeHash });
  });

  it('is handed over in a file that does not contain the salt', async () => {
    await check({ codeHash: { ...SOURCES, salt: 'a-secret' } });
    const [name = '', ...others] = await readdir(scenario.temporary);
    expect(name).toMatch(/^s3-asset-manager-[0-9a-f]{64}\.json$/);
    expect(others).toEqual([]);
    expect(await readFile(join(scenario.temporary, name), 'utf8')).not.toContain('a-secret');
  });

  it('is only in the markers, with a warning, if RUNNER_TEMP cannot be written', async () => {
    await rm(scenario.temporary, { recursive: true });
    await writeFile(scenario.temporary, 'a file');
    const { codeHash } = await check();
    expect(scenario.warnings()).toEqual([expect.stringMatching(/^warning: Nothing is handed over.*\(ENOTDIR\)/)]);
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ codeHash, cached: true });
  });
});

describe('how long the build took', () => {
  const CHECKED_AT = Date.parse('2026-11-29T10:00:00Z');

  /** The clock of a step that runs so many seconds after the check. */
  function later(seconds: number): Pick<RunContext, 'clock'> {
    return { clock: { ...systemClock, wallTime: () => new Date(CHECKED_AT + seconds * 1000) } };
  }

  it('is measured from the miss to the upload, stored in the record and reported by later hits', async () => {
    await check(later(0));
    await cleanBuild();
    await upload(later(372.4));
    expect(await scenario.record()).toMatchObject({ buildSeconds: 372 });
    await scenario.freshPackages();
    expect(await check()).toMatchObject({ found: true, buildSeconds: 372 });
    await scenario.commit();
    await scenario.freshPackages();
    expect(await check()).toMatchObject({ source: 'cache', buildSeconds: 372 });
    expect(await scenario.record()).toMatchObject({ origin: { kind: 'cache' }, buildSeconds: 372 });
  });

  it.each<[string, number, Partial<CheckOptions & RunContext>, boolean]>([
    ['if the clock was set back', -1, {}, true],
    ['after more than a week', 604_801, {}, true],
    ['without RUNNER_TEMP, since the file may be from another job', 60, {}, false],
    ['for one of several packages, which may be built one after another', 60, { isOneOfMany: true }, true],
  ])('is unknown %s', async (_, seconds, overrides, isInJob) => {
    const ports = isInJob ? scenario.inJob : {};
    await scenario.check({ ...later(0), ...overrides }, ports);
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload(later(seconds), ports);
    expect(await scenario.record()).not.toHaveProperty('buildSeconds');
  });

  it('is unknown after a hit, and without a check', async () => {
    await cleanBuild();
    await upload();
    await check(later(0));
    await upload({ ...later(60), overwrite: true });
    expect(await scenario.record()).not.toHaveProperty('buildSeconds');
  });
});

describe('a code hash forged by a build', () => {
  const KEYS = newRecordKeys();
  const signing = () => ({ store: signedStore(scenario.ports().store, KEYS) });

  /** Plants the code hash of a future release, as if a check had left it. */
  async function plant(): Promise<void> {
    await scenario.build({ 'app.zip': 'app', '.code-hash': OTHER });
    const text = (await scenario.marker('.found-at')) ?? '';
    await scenario.build({ '.found-at': text.replaceAll(/"value":"[0-9a-f]+"/g, `"value":"${OTHER}"`) });
  }

  it.each([undefined, SOURCES])('does not count in a job with a check: %j', async (codeHash) => {
    const miss = await check();
    await plant();
    expect(await upload({ codeHash })).toMatchObject({ cached: true, codeHash: miss.codeHash });
    expect((await scenario.bucket.keys()).join()).not.toContain(OTHER);
  });

  it('does not count with keys and without RUNNER_TEMP', async () => {
    await scenario.check({}, signing());
    await plant();
    expect(await scenario.upload({ legacy: 'ignore' }, signing())).toMatchObject({ codeHash: await hashOf(SOURCES) });
    expect((await scenario.bucket.keys()).join()).not.toContain(OTHER);
  });

  it.each([true, false])(
    'keeps an upload with keys and without a filter from caching; in .found-at: %j',
    async (isOurs) => {
      await scenario.check({}, signing());
      await plant();
      if (!isOurs) await rm(join(scenario.packages, '.found-at'));
      const outcome = await scenario.upload({ legacy: 'ignore', codeHash: undefined }, signing());
      expect(outcome).toMatchObject({ uploaded: true, cached: false, codeHash: undefined });
      expect(scenario.warnings()).toContainEqual(
        expect.stringMatching(
          /Nothing is cached.*with signing keys, a code hash from .*packages is not trusted: give this step/,
        ),
      );
    },
  );

  it("counts with keys if it is that of HEAD's own tree", async () => {
    const { codeHash } = await scenario.check({}, signing());
    await scenario.build({ 'app.zip': 'app' });
    await writeFile(join(scenario.root, 'src', 'main.txt'), 'changed by the build\n');
    scenario.git('add', 'src');
    expect(await scenario.upload({ legacy: 'ignore' }, signing())).toMatchObject({ codeHash, cached: true });
    expect(scenario.git('diff', '--cached', '--name-only')).toBe('src/main.txt');
  });

  it("does not count with keys for a commit other than HEAD, even if it is that of HEAD's tree", async () => {
    await scenario.build({ 'app.zip': 'app', '.code-hash': await hashOf(SOURCES) });
    const commit = { asked: 'c'.repeat(40), context: undefined, repositoryIsGiven: false };
    await expect(scenario.upload({ legacy: 'ignore', commit }, signing())).rejects.toThrow(
      `The code hash of ${commit.asked} is needed, but ${scenario.head} is checked out`,
    );
    expect(await scenario.bucket.keys()).toEqual([]);
  });
});

describe('the result of a check', () => {
  async function storeSet(): Promise<Outcome> {
    await scenario.build({ 'app.zip': 'app' });
    const stored = await scenario.upload();
    await scenario.freshPackages();
    return stored;
  }

  it('outlives the package directory', async () => {
    const { codeHash, files } = await storeSet();
    await check();
    await rm(scenario.packages, { recursive: true });
    expect(await upload()).toMatchObject({ found: true, reason: 'marker', uploaded: false, codeHash, files });
  });

  it.each([
    ['was deleted since', async () => deleteAll()],
    ['lost its record, and a file', async () => scenario.bucket.delete(`artifacts/${scenario.head}/app.zip`)],
  ])('does not count if the set %s: the upload stores its files', async (_, spoil) => {
    await storeSet();
    await check();
    await spoil();
    await scenario.build({ 'app.zip': 'app' });
    const outcome = await upload();
    expect(outcome).toMatchObject({ found: true, uploaded: true });
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('app');
    expect(scenario.warnings()).toEqual([expect.stringMatching(/found the set at s3:.*no longer counts \((abs|dam)/)]);
  });

  it.each([
    ['an older job, before a dry run', () => scenario.check({ dryRun: true })],
    ['the Python tool', async () => undefined],
  ])('of %s does not keep an upload from storing', async (_, before) => {
    await scenario.build({ 'app.zip': 'app', '.found': '' });
    await before();
    expect(await scenario.upload()).toMatchObject({ uploaded: true, reason: 'uploaded' });
  });

  it('is overridden by overwrite', async () => {
    await storeSet();
    await check();
    await scenario.build({ 'app.zip': 'new' });
    expect(await upload({ overwrite: true })).toMatchObject({ uploaded: true });
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('new');
  });

  it('may be a set of a fallback prefix, which a build cannot forge', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ prefix: 'main' });
    await scenario.freshPackages();
    const wanted = { prefix: 'branch', fallbackPrefixes: ['main'], access: 'read' } as const;
    const { location } = await check(wanted);
    expect(await upload({ prefix: 'branch' })).toMatchObject({ reason: 'marker', location });
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ prefix: 'branch' })).toMatchObject({ reason: 'uploaded' });
  });

  it.each([
    ['commit', (prefix: string) => `${prefix}artifacts/${'d'.repeat(40)}/`],
    ['code', (prefix: string) => `${prefix}cache/${'d'.repeat(64)}/`],
  ])('is never a set of another %s', async (kind, placeOf) => {
    const place = placeOf('');
    const id = 'd'.repeat(kind === 'code' ? 64 : 40);
    const recordKey = `records/${kind === 'code' ? 'cache' : 'artifacts'}/${id}.json`;
    await scenario.storeSet({ 'evil.zip': 'evil' }, { prefix: place, recordKey });
    await check();
    const [name = ''] = await readdir(scenario.temporary);
    const file = join(scenario.temporary, name);
    const handover = JSON.parse(await readFile(file, 'utf8'));
    const text = JSON.stringify({ ...handover, found: `s3://${scenario.bucket.name}/${place}` });
    await scenario.build({ 'app.zip': 'app', '.found': '', '.found-at': text });
    await writeFile(file, text);
    expect(await upload()).toMatchObject({ reason: 'uploaded', files: [{ path: 'app.zip' }] });
    expect(await scenario.upload({ overwrite: false })).not.toMatchObject({ files: [{ path: 'evil.zip' }] });
  });

  it('is not a set of a code hash that the build made up', async () => {
    const place = `cache/${OTHER}/`;
    await scenario.storeSet({ 'evil.zip': 'evil' }, { prefix: place, recordKey: `records/cache/${OTHER}.json` });
    await scenario.check();
    const handover = JSON.parse((await scenario.marker('.found-at')) ?? '');
    const [asked] = handover.codeHashes;
    const found = `s3://${scenario.bucket.name}/${place}`;
    const text = JSON.stringify({ ...handover, found, codeHashes: [{ ...asked, value: OTHER }] });
    await scenario.build({ 'app.zip': 'app', '.found': '', '.found-at': text });
    expect(await scenario.upload()).toMatchObject({ reason: 'uploaded', files: [{ path: 'app.zip' }] });
  });

  it('is refused by a step with keys if the set is unsigned, since it may have been restored', async () => {
    await storeSet();
    await check();
    await scenario.build({ 'app.zip': 'app' });
    const store = signedStore(scenario.ports().store, newRecordKeys());
    const ports = { ...scenario.inJob, store };
    await expect(scenario.upload({ legacy: 'ignore' }, ports)).rejects.toThrow('not signed by a key of this step');
  });
});

async function deleteAll(): Promise<void> {
  for (const key of await scenario.bucket.keys()) await scenario.bucket.delete(key);
}
