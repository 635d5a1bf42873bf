import { createHash } from 'node:crypto';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRecord } from '../../src/asset-set/record.ts';
import { gitSha256 } from '../../src/code-hash/code-hash.ts';
import { OTHER_WRITER, Scenario, SOURCES, skippingClock } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('base64');
}

function artifactsPrefix(): string {
  return `artifacts/${scenario.head}/`;
}

async function storedPaths(): Promise<string[]> {
  const prefix = artifactsPrefix();
  return (await scenario.bucket.keys(prefix)).map((key) => key.slice(prefix.length));
}

async function storedBody(path: string): Promise<string | undefined> {
  return (await scenario.bucket.get(artifactsPrefix() + path))?.body;
}

describe('an upload stores', () => {
  it('every file that is not hidden, also in subfolders, and never a marker', async () => {
    await scenario.build({
      'app.zip': 'app',
      'nested/deep/site.txt': 'site',
      '.hidden': 'x',
      '.folder/file': 'x',
      'nested/.env': 'x',
      '.commit-hash': scenario.head,
      'nested/.found': 'x',
    });
    expect(await scenario.upload()).toMatchObject({
      found: true,
      source: 'artifact',
      reason: 'uploaded',
      uploaded: true,
      cached: true,
      commit: scenario.head,
      builtFromCommit: scenario.head,
      location: { prefix: `artifacts/${scenario.head}/` },
      files: [
        { path: 'app.zip', size: 3, sha256: sha256('app') },
        { path: 'nested/deep/site.txt', size: 4, sha256: sha256('site') },
      ],
    });
    expect(await storedPaths()).toEqual(['app.zip', 'nested/deep/site.txt']);
  });

  it('hidden files too if they are included, with a warning if one may contain a secret', async () => {
    await scenario.build({
      'app.zip': 'app',
      '.hidden': 'x',
      'nested/.npmrc': 'x',
      '.found-not': '',
      '.code-hash': '',
      '.code-hash.01234567-89ab-cdef-0123-456789abcdef.tmp': 'half a',
    });
    await scenario.upload({ selection: { patterns: [], includeHidden: true }, codeHash: undefined });
    expect(await storedPaths()).toEqual(['.found-not', '.hidden', 'app.zip', 'nested/.npmrc']);
    expect(scenario.warnings()).toEqual([expect.stringContaining("'nested/.npmrc'")]);
  });

  it('the files that the patterns select', async () => {
    await scenario.build({ 'app.zip': 'app', 'notes.txt': 'notes', 'nested/other.zip': 'other' });
    await scenario.upload({ selection: { patterns: ['**/*.zip', '!nested/**'], includeHidden: false } });
    expect(await storedPaths()).toEqual(['app.zip']);
  });

  it('exactly the metadata that deployments and the next check read', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const { codeHash } = await scenario.upload({
      contentType: 'application/zip',
      cacheControl: 'max-age=60',
      metadata: { team: 'web' },
    });
    const own = { 'commit-hash': scenario.head, 'package-hash': sha256('app'), 'code-hash': codeHash };
    for (const key of [`artifacts/${scenario.head}/app.zip`, `cache/${codeHash}/app.zip`])
      expect(await scenario.bucket.get(key)).toMatchObject({
        body: 'app',
        contentType: 'application/zip',
        cacheControl: 'max-age=60',
        metadata: { ...own, 'asset-record': 'v1', team: 'web' },
      });
  });

  it('no code hash without caching', async () => {
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ codeHash: undefined, cached: false });
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.metadata).toEqual({
      'commit-hash': scenario.head,
      'package-hash': sha256('app'),
      'asset-record': 'v1',
    });
    expect(await scenario.bucket.keys('cache/')).toEqual([]);
    expect(await scenario.record()).not.toHaveProperty('codeHash');
  });

  it('a record of everything', async () => {
    await scenario.build({ 'b.txt': 'b', 'a/z.txt': 'az', 'ä.txt': 'umlaut', 'a.txt': 'a' });
    const { codeHash } = await scenario.upload();
    const record = await scenario.record();
    const etag = async (path: string) => (await scenario.bucket.get(`artifacts/${scenario.head}/${path}`))?.etag;
    expect(record).toEqual({
      state: 'complete',
      commit: scenario.head,
      codeHash,
      codeHashAlgorithm: 'git-sha256',
      origin: { kind: 'upload' },
      writer: {
        nonce: expect.stringMatching(/^[0-9a-f-]{36}$/),
        sequence: expect.any(Number),
        repository: 'owner/repository',
        runId: '1',
        runAttempt: '1',
        version: '0.0.0',
      },
      leaseSeconds: 120,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      totalSize: 10,
      files: await Promise.all(
        // By the bytes of their names: '.' comes before '/', and 'ä' after everything.
        ['a.txt', 'a/z.txt', 'b.txt', 'ä.txt'].map(async (path) => ({
          path,
          size: path === 'a/z.txt' ? 2 : path === 'ä.txt' ? 6 : 1,
          sha256: sha256((await storedBody(path)) ?? ''),
          etag: await etag(path),
          contentType: 'application/octet-stream',
        })),
      ),
    });
    expect(parseRecord((await scenario.marker('.record.json')) ?? '', '.record.json')).toEqual(record);
  });

  it('empty files', async () => {
    await scenario.build({ 'empty.txt': '' });
    expect(await scenario.upload()).toMatchObject({ reason: 'uploaded', files: [{ size: 0, sha256: sha256('') }] });
    expect(await storedBody('empty.txt')).toBe('');
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('files with any name that a key can have', async () => {
    const names = ['a b+c.txt', 'ünï.txt', '100%.txt', "it's (1)&2=#?.txt", '😀.txt'];
    await scenario.build(Object.fromEntries(names.map((name) => [name, name])));
    const { codeHash } = await scenario.upload();
    expect((await storedPaths()).toSorted()).toEqual(names.toSorted());
    expect(await scenario.bucket.keys(`cache/${codeHash}/`)).toHaveLength(names.length);
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
    for (const name of names) expect(await storedBody(name)).toBe(name);
  });

  it('the information which files are executable', async () => {
    await scenario.build({ 'data.txt': 'data' });
    await writeFile(join(scenario.packages, 'run.sh'), 'run', { mode: 0o755 });
    await scenario.upload();
    const record = await scenario.record();
    const files = record?.state === 'complete' ? record.files : [];
    expect(Array.from(files, ({ path, executable }) => [path, executable])).toEqual([
      ['data.txt', undefined],
      ['run.sh', true],
    ]);
  });

  it('a file larger than a part', async () => {
    const bytes = new Uint8Array(11 * 1024 ** 2).map((_, index) => index % 251);
    await scenario.build({ 'large.bin': bytes, 'small.txt': 'small' });
    expect(await scenario.upload()).toMatchObject({
      cached: true,
      files: [{ path: 'large.bin', size: bytes.byteLength, sha256: sha256(bytes) }, { path: 'small.txt' }],
    });
    const stored = await scenario.bucket.get(`artifacts/${scenario.head}/large.bin`);
    expect(stored?.metadata['package-hash']).toBe(sha256(bytes));
    expect(stored?.etag).toMatch(/-3"$/);
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it.each(['a\nb.txt', 'a\u001b[31m.txt', 'back\\slash.txt'])('nothing if a file is named %j', async (name) => {
    await scenario.build({ 'app.zip': 'app', [name]: 'x' });
    await expect(scenario.upload()).rejects.toThrow("can't be an asset");
    expect(await scenario.bucket.keys()).toEqual([]);
    expect(scenario.log.join()).not.toMatch(/\p{Cc}/u);
  });

  it.each(['.git/config', 'nested/.GIT/hooks/x', 'git~1/x', '.g\u200cit/config'])(
    'nothing if a restore would refuse %j',
    async (path) => {
      await scenario.build({ 'app.zip': 'app', [path]: 'x' });
      const selection = { patterns: [], includeHidden: true };
      await expect(scenario.upload({ selection })).rejects.toThrow(/can't be an asset: it .*exclude it by 'files'/);
      expect(await scenario.bucket.keys()).toEqual([]);
      const patterns = ['**', '!**/.g*it/**', '!*/.GIT/**', '!git~1/**'];
      await scenario.upload({ selection: { patterns, includeHidden: true } });
      expect(await storedPaths()).toEqual(['app.zip']);
    },
  );

  it('nothing if a key in the cache would be too long', async () => {
    const prefix = [...'abc'].map((letter) => letter.repeat(250)).join('/');
    const path = 'd'.repeat(1025 - `${prefix}/cache/${'0'.repeat(64)}/`.length);
    await scenario.build({ [path]: 'x' });
    await expect(scenario.upload({ prefix })).rejects.toThrow(/its key under .*\/cache\/.* would have 1025 bytes/);
    expect(await scenario.bucket.keys()).toEqual([]);
    expect(await scenario.upload({ prefix, codeHash: undefined })).toMatchObject({ reason: 'uploaded' });
  });

  it('nothing from outside the package directory', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await symlink(join(scenario.root, 'src', 'main.txt'), join(scenario.packages, 'link.txt'));
    await expect(scenario.upload()).rejects.toThrow("'link.txt' leads out of the package directory");
    expect(await scenario.bucket.keys()).toEqual([]);
  });
});

describe('an upload after a check', () => {
  it('sends nothing if the check found the set', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await scenario.freshPackages();
    const found = await scenario.check();
    await scenario.build({ 'other.zip': 'another build' });
    const before = await scenario.bucketContents();
    expect(await scenario.upload()).toMatchObject({
      found: true,
      source: 'artifact',
      reason: 'marker',
      uploaded: false,
      cached: false,
      codeHash: found.codeHash,
      builtFromCommit: scenario.head,
      files: found.files,
    });
    expect(await scenario.bucketContents()).toEqual(before);
  });

  it('ignores a set found under another prefix or in another bucket', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ prefix: 'a' });
    await scenario.freshPackages();
    expect(await scenario.check({ prefix: 'a' })).toMatchObject({ found: true });
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload()).toMatchObject({ reason: 'uploaded', location: { prefix: artifactsPrefix() } });
    expect(scenario.log).toContainEqual(expect.stringContaining('/.found-at is not about s3://'));
    expect(await storedPaths()).toEqual(['app.zip']);
    const store = { ...scenario.ports().store, bucket: 'other' };
    expect(await scenario.upload({ prefix: 'a' }, { store })).toMatchObject({ reason: 'complete' });
  });

  it('reports where the set of the same code is used in place', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await scenario.commit({ 'README.md': 'changed\n' });
    await scenario.freshPackages();
    const found = await scenario.check({ access: 'read' });
    expect(found.location.prefix).toContain('cache/');
    expect(await scenario.upload()).toMatchObject({
      reason: 'marker',
      location: found.location,
      files: found.files,
      codeHash: found.codeHash,
    });
  });

  it('understands a .found of the Python tool, and looks up the set of the commit', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'app');
    await scenario.build({ 'app.zip': 'other', '.found': '', '.commit-hash': scenario.head });
    const before = await scenario.bucketContents();
    expect(await scenario.upload()).toMatchObject({
      found: true,
      reason: 'marker',
      files: [{ path: 'app.zip', size: 3 }],
    });
    expect(await scenario.bucketContents()).toEqual(before);
    expect(await scenario.upload({ legacy: 'ignore' })).toMatchObject({ reason: 'uploaded' });
  });

  it('refuses the result of a check of another commit', async () => {
    const checked = scenario.head;
    await scenario.build({ 'app.zip': 'app', '.found': '', '.commit-hash': `${checked}\n` });
    const commit = await scenario.commit();
    await expect(scenario.upload()).rejects.toThrow(`.commit-hash says '${checked}', but this upload is for ${commit}`);
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it("does not report another commit's record", async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    const commit = await scenario.commit({ 'src/main.txt': 'changed\n' });
    // As after a check of the Python tool on a machine that keeps its directories.
    await scenario.bucket.put(`artifacts/${commit}/other.zip`, 'other');
    await scenario.build({ '.found': '', '.commit-hash': commit });
    expect(await scenario.upload()).toMatchObject({
      reason: 'marker',
      files: [{ path: 'other.zip' }],
      builtFromCommit: undefined,
    });
  });

  it('uses the code hash of the check, although the build changed the sources', async () => {
    const { codeHash } = await scenario.check();
    await scenario.build({ 'app.zip': 'app' });
    await writeFile(join(scenario.root, 'src', 'generated.txt'), 'generated');
    expect(await scenario.upload()).toMatchObject({ codeHash, cached: true });
    expect(await scenario.bucket.keys('cache/')).toEqual([`cache/${codeHash}/app.zip`]);
  });

  it('caches by the code hash of the check, although it has no filter itself', async () => {
    const { codeHash } = await scenario.check();
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ codeHash, cached: true });
  });

  it('prefers a given code hash to that of the check', async () => {
    await scenario.check();
    await scenario.build({ 'app.zip': 'app' });
    const value = 'b'.repeat(64);
    expect(await scenario.upload({ codeHash: { kind: 'given', value } })).toMatchObject({ codeHash: value });
    expect(await scenario.bucket.keys('cache/')).toEqual([`cache/${value}/app.zip`]);
    expect(await scenario.record()).not.toHaveProperty('codeHashAlgorithm');
  });

  it('computes the code hash if no check did', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const { codeHash } = await scenario.upload();
    const { entries } = await scenario.ports().sources.entries(SOURCES.patterns);
    expect(codeHash).toBe(gitSha256('', entries));
  });

  it('refuses an invalid .code-hash', async () => {
    await scenario.build({ 'app.zip': 'app', '.code-hash': '../../records' });
    await expect(scenario.upload()).rejects.toThrow('.code-hash does not hold a code hash');
    expect(await scenario.bucket.keys()).toEqual([]);
  });
});

describe('an upload of an existing set', () => {
  it('sends nothing', async () => {
    await scenario.build({ 'app.zip': 'app', 'site.txt': 'site' });
    await scenario.upload();
    const before = await scenario.bucketContents();
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'built again' });
    expect(await scenario.upload()).toMatchObject({
      found: true,
      reason: 'complete',
      uploaded: false,
      cached: true,
      files: [{ path: 'app.zip', sha256: sha256('app') }, { path: 'site.txt' }],
    });
    expect(await scenario.bucketContents()).toEqual(before);
    expect(await scenario.marker('.record.json')).toBeDefined();
  });

  it('fails rather than leave out a file that the set lacks', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    const before = await scenario.bucketContents();
    await scenario.build({ 'linux.zip': 'from another job' });
    const failure = scenario.upload();
    await expect(failure).rejects.toThrow("complete without 'linux.zip'");
    await expect(failure).rejects.toThrow(/'prefix'.*overwrite to 'true'/);
    expect(await scenario.bucketContents()).toEqual(before);
  });

  it('replaces the set if that is asked for', async () => {
    await scenario.build({ 'app.zip': 'app', 'site.txt': 'site' });
    await scenario.upload();
    await scenario.build({ 'app.zip': 'app 2', 'new.txt': 'new' });
    const outcome = await scenario.upload({ overwrite: true });
    expect(outcome).toMatchObject({ found: true, uploaded: true, files: [{ path: 'app.zip' }, {}, {}] });
    expect(await storedBody('app.zip')).toBe('app 2');
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete', files: { length: 3 } });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
    expect(await storedBody('app.zip')).toBe('app 2');
  });

  it('also withdraws the replaced set from the cache under its own code hash, without a warning', async () => {
    const [before, now] = ['a'.repeat(64), 'b'.repeat(64)];
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ codeHash: { kind: 'given', value: before } });
    await scenario.upload({ codeHash: { kind: 'given', value: now }, overwrite: true });
    expect(await scenario.record(`records/cache/${before}.json`)).toMatchObject({
      state: 'uploading',
      leaseSeconds: 0,
    });
    expect(scenario.warnings()).toEqual([]);
  });

  it('does not cache a set that was stored without a code hash, unless it replaces the set', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ codeHash: undefined });
    expect(await scenario.upload()).toMatchObject({ reason: 'complete', cached: false });
    expect(scenario.warnings()).toEqual([expect.stringMatching(/stored without a code hash.* not cached.*overwrite/)]);
    expect(await scenario.bucket.keys('cache/')).toEqual([]);
    expect(await scenario.upload({ overwrite: true })).toMatchObject({ reason: 'uploaded', cached: true });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
  });

  it('does not cache the set under a code hash that it was not built from', async () => {
    await scenario.build({ 'app.zip': 'built with one compiler' });
    await scenario.upload({ codeHash: { ...SOURCES, salt: 'one compiler' } });
    const codeHash = { ...SOURCES, salt: 'another compiler' };
    await scenario.upload({ codeHash });
    await scenario.commit();
    expect(await scenario.check({ codeHash })).toMatchObject({ found: false });
  });

  it('warns of the first file that differs, and reads none if a size differs', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    await scenario.upload();
    const digested: string[] = [];
    const { packages } = scenario.ports();
    const digest: typeof packages.digest = (path, sizeBytes) => {
      digested.push(path);
      return packages.digest(path, sizeBytes);
    };
    const uploadAgain = () => scenario.upload({}, { packages: { ...packages, digest } });
    await uploadAgain();
    expect(digested.toSorted()).toEqual(['a.txt', 'b.txt', 'c.txt']);
    expect(scenario.warnings()).toEqual([]);
    await scenario.build({ 'b.txt': 'B', 'c.txt': 'C' });
    expect(await uploadAgain()).toMatchObject({ reason: 'complete' });
    expect(scenario.warnings()).toEqual([expect.stringMatching(/'b\.txt' is not the same file.*overwrite/)]);
    digested.length = 0;
    await scenario.build({ 'c.txt': 'longer' });
    expect(await uploadAgain()).toMatchObject({ reason: 'complete' });
    expect(scenario.warnings().slice(1)).toEqual([expect.stringContaining("'c.txt' is not the same file")]);
    expect(digested).toEqual([]);
  });

  it('compares only sizes with a set without a record, which has no digests', async () => {
    await scenario.bucket.put(`${artifactsPrefix()}app.zip`, 'x');
    await scenario.build({ 'app.zip': 'y' });
    const notCached = expect.stringContaining('stored without a code hash, so it is not cached');
    expect(await scenario.upload()).toMatchObject({ reason: 'legacy' });
    expect(scenario.warnings()).toEqual([notCached]);
    await scenario.build({ 'app.zip': 'longer' });
    await scenario.upload();
    expect(scenario.warnings().slice(1)).toEqual([
      expect.stringContaining("'app.zip' is not the same file"),
      notCached,
    ]);
  });

  it('does not warn of a link whose target is unchanged', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await symlink('app.zip', join(scenario.packages, 'link.zip'));
    await scenario.upload();
    expect(await scenario.upload()).toMatchObject({ reason: 'complete' });
    expect(scenario.warnings()).toEqual([]);
  });

  it('trusts a set without a record, unless it must ignore it', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'of another tool');
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload()).toMatchObject({ found: true, reason: 'legacy', uploaded: false });
    expect(await storedBody('app.zip')).toBe('of another tool');
    expect(await scenario.upload({ legacy: 'ignore' })).toMatchObject({ reason: 'uploaded', uploaded: true });
    expect(await storedBody('app.zip')).toBe('app');
    expect(await scenario.check({ legacy: 'ignore' })).toMatchObject({ found: true, reason: 'complete' });
  });

  it('fails rather than leave out a file that a set without a record lacks', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'of another tool');
    await scenario.build({ 'other.zip': 'app' });
    await expect(scenario.upload()).rejects.toThrow(
      /has 1 file without a record, and 'other\.zip' is not there: another tool may still be uploading/,
    );
  });

  it('repairs a damaged set', async () => {
    await scenario.build({ 'app.zip': 'app', 'gone.txt': 'gone', 'kept.txt': 'kept' });
    await scenario.upload();
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'ape');
    await scenario.bucket.delete(`artifacts/${scenario.head}/gone.txt`);
    expect(await scenario.upload()).toMatchObject({ found: true, reason: 'resumed', uploaded: true });
    expect(await storedBody('app.zip')).toBe('app');
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('warns of objects that are not part of the set', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/stray.txt`, 'stray');
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ legacy: 'ignore', codeHash: undefined });
    expect(scenario.warnings()).toEqual([expect.stringContaining("such as 'stray.txt'")]);
    expect(await storedBody('stray.txt')).toBe('stray');
  });
});

describe('an upload while another run is uploading', () => {
  it('fails and names that run if it must not wait', async () => {
    await scenario.putRecord();
    await scenario.build({ 'app.zip': 'app' });
    const failure = scenario.upload();
    await expect(failure).rejects.toThrow('run 77 (attempt 1) of owner/repository, workflow nightly');
    await expect(failure).rejects.toThrow('wait-timeout-seconds');
    expect(await storedPaths()).toEqual([]);
    expect(await scenario.record()).toMatchObject({ writer: OTHER_WRITER });
  });

  it('uses the set of that run if it ends before the package directory is scanned', async () => {
    await scenario.putRecord();
    await scenario.build({ 'app.zip': 'app' });
    const { packages } = scenario.ports();
    const scan: typeof packages.scan = async (selection) => {
      await scenario.storeSet({ 'app.zip': 'theirs' });
      return packages.scan(selection);
    };
    const outcome = await scenario.upload({ waitMs: 0 }, { packages: { ...packages, scan } });
    expect(outcome).toMatchObject({ found: true, reason: 'complete', uploaded: false });
  });

  it('waits for that run, and uses its set', async () => {
    await scenario.putRecord();
    await scenario.build({ 'app.zip': 'app' });
    let pauses = 0;
    const clock = skippingClock(async () => {
      pauses += 1;
      if (pauses < 3) return;
      await scenario.storeSet({ 'app.zip': 'theirs' });
    });
    expect(await scenario.upload({ waitMs: 60_000 }, { clock })).toMatchObject({
      found: true,
      reason: 'complete',
      uploaded: false,
      files: [{ path: 'app.zip', size: 6 }],
    });
  });

  it('waits no longer than it may', async () => {
    await scenario.putRecord();
    await scenario.build({ 'app.zip': 'app' });
    let waitedMs = 0;
    const clock = skippingClock((durationMs) => {
      waitedMs += durationMs;
    });
    await expect(scenario.upload({ waitMs: 60_000 }, { clock })).rejects.toThrow('after 60 s');
    expect(waitedMs).toBeLessThanOrEqual(60_000);
    expect(waitedMs).toBeGreaterThan(58_000);
  });

  it('leaves the set to the faster run', async () => {
    await scenario.build({ 'app.zip': 'app' });
    let isFirst = true;
    const store = scenario.hookedStore((real) => ({
      writeDocument: async (...write) => {
        if (isFirst) {
          isFirst = false;
          await scenario.upload({ writer: { repository: 'owner/repository', runId: '2' } });
        }
        return real.writeDocument(...write);
      },
    }));
    expect(await scenario.upload({}, { store })).toMatchObject({ found: true, reason: 'lost-race', uploaded: false });
    expect(await scenario.record()).toMatchObject({ state: 'complete', writer: { runId: '2' } });
  });

  it('warns if the faster run built other bytes', async () => {
    await scenario.build({ 'app.zip': 'app' });
    let isFirst = true;
    const store = scenario.hookedStore((real) => ({
      writeDocument: async (...write) => {
        if (isFirst) {
          isFirst = false;
          await scenario.build({ 'app.zip': 'theirs' });
          await scenario.upload();
          await scenario.build({ 'app.zip': 'app' });
        }
        return real.writeDocument(...write);
      },
    }));
    expect(await scenario.upload({}, { store })).toMatchObject({ reason: 'lost-race', files: [{ size: 6 }] });
    expect(scenario.warnings()).toEqual([expect.stringContaining("'app.zip'")]);
  });

  it('says what to do if it loses the record each time it overwrites the set', async () => {
    await scenario.build({ 'a.txt': 'a' });
    let lostCount = 0;
    const store = scenario.hookedStore((real) => ({
      putAsset: async (put) => {
        lostCount += 1;
        const result = await real.putAsset(put);
        await scenario.putRecord({ leaseSeconds: 0 });
        return result;
      },
    }));
    await expect(scenario.upload({ overwrite: true }, { store })).rejects.toThrow(
      /^run 77 .* has s3:.*: re-run this step once that run has ended$/,
    );
    expect(lostCount).toBe(5);
  });

  it('stops and changes nothing more if it loses the record', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    const store = scenario.hookedStore((real) => ({
      putAsset: async (put) => {
        const result = await real.putAsset(put);
        if (put.key.endsWith('/a.txt')) await scenario.putRecord({ leaseSeconds: 600 });
        return result;
      },
    }));
    await expect(scenario.upload({ concurrency: 1 }, { store })).rejects.toThrow('run 77');
    expect(await scenario.record()).toMatchObject({ state: 'uploading', writer: OTHER_WRITER, leaseSeconds: 600 });
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: false, reason: 'in-progress' });
  });

  it('takes over from an earlier attempt of the same run', async () => {
    const writer = { repository: 'owner/repository', runId: '1', runAttempt: '1' };
    await scenario.putRecord({ writer: { nonce: 'earlier', sequence: 9, ...writer } });
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ writer: { ...writer, runAttempt: '2' } })).toMatchObject({ reason: 'uploaded' });
  });
});

describe('an upload after an interrupted one', () => {
  /** A store on which everything after some assets fails. */
  function failingAfter(count: number) {
    let stored = 0;
    return scenario.hookedStore((real) => ({
      putAsset: (put) => {
        stored += 1;
        return stored > count ? Promise.reject(new Error('the line broke')) : real.putAsset(put);
      },
    }));
  }

  it('sends only missing assets', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', 'd.txt': 'd' });
    await expect(scenario.upload({ concurrency: 1 }, { store: failingAfter(2) })).rejects.toThrow('the line broke');
    expect(await storedPaths()).toEqual(['a.txt', 'b.txt']);
    const sent: string[] = [];
    const store = scenario.hookedStore((real) => ({
      putAsset: (put) => {
        sent.push(put.key.split('/').at(-1) ?? '');
        return real.putAsset(put);
      },
    }));
    const writer = { repository: 'owner/repository', runId: '1', runAttempt: '2' };
    const outcome = await scenario.upload({ writer }, { store });
    expect(outcome).toMatchObject({ found: true, reason: 'resumed', uploaded: true });
    expect(sent.toSorted()).toEqual(['c.txt', 'd.txt']);
    expect(outcome.files).toHaveLength(4);
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('finds the record released, so that it need not wait for the lease', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    await expect(scenario.upload({}, { store: failingAfter(1) })).rejects.toThrow('the line broke');
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('sends assets again that were stored with other attributes', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    const settings = { contentType: 'text/plain', cacheControl: 'no-cache', metadata: { team: 'web' } };
    const writer = { repository: 'owner/repository', runId: '1', runAttempt: '2' };
    await expect(scenario.upload({ concurrency: 1 }, { store: failingAfter(1) })).rejects.toThrow();
    expect(await scenario.upload({ writer, ...settings })).toMatchObject({ reason: 'uploaded' });
    const record = await scenario.record();
    for (const { path, contentType, cacheControl, metadata } of record?.state === 'complete' ? record.files : [])
      expect(await scenario.bucket.get(artifactsPrefix() + path)).toMatchObject({
        contentType,
        cacheControl,
        metadata: metadata ?? {},
      });
    expect(record).toMatchObject({ files: [{ contentType: 'text/plain' }, { metadata: { team: 'web' } }] });
  });

  it('does not trust metadata if the set was complete before, whatever was interrupted since', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    await scenario.upload();
    const { metadata = {}, contentType } = (await scenario.bucket.get(`${artifactsPrefix()}b.txt`)) ?? {};
    await scenario.bucket.put(`${artifactsPrefix()}b.txt`, 'X', { metadata, contentType });
    await scenario.bucket.delete(`${artifactsPrefix()}a.txt`);
    for (const runAttempt of ['2', '3']) {
      const writer = { repository: 'owner/repository', runId: '1', runAttempt };
      await expect(scenario.upload({ writer, concurrency: 1 }, { store: failingAfter(0) })).rejects.toThrow();
      expect(await storedBody('b.txt')).toBe('X');
    }
    await scenario.upload({ writer: { repository: 'owner/repository', runId: '1', runAttempt: '4' } });
    expect(await storedBody('b.txt')).toBe('b');
    expect(await scenario.record()).not.toHaveProperty('sealedBefore');
  });

  it('replaces assets of a different build', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    await expect(scenario.upload({ concurrency: 1 }, { store: failingAfter(1) })).rejects.toThrow();
    await scenario.build({ 'a.txt': 'A', 'b.txt': 'B' });
    const writer = { repository: 'owner/repository', runId: '1', runAttempt: '2' };
    await scenario.upload({ writer });
    expect([await storedBody('a.txt'), await storedBody('b.txt')]).toEqual(['A', 'B']);
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });
});

describe('an upload of files that change meanwhile', () => {
  it('fails, seals nothing and releases the record', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const { packages } = scenario.ports();
    const open: typeof packages.open = async (path) => {
      const file = await packages.open(path);
      const read: typeof file.read = async (...range) => {
        const bytes = await file.read(...range);
        await writeFile(join(scenario.packages, path), 'changed!');
        return bytes;
      };
      return { ...file, read, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
    };
    await expect(scenario.upload({}, { packages: { ...packages, open } })).rejects.toThrow("'app.zip' changed while");
    expect(await storedPaths()).toEqual([]);
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
    expect(await scenario.check()).toMatchObject({ found: false });
  });

  it('fails if a file grew after the directory was scanned', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const store = scenario.hookedStore((real) => ({
      writeDocument: async (...write) => {
        await scenario.build({ 'app.zip': 'app, longer' });
        return real.writeDocument(...write);
      },
    }));
    await expect(scenario.upload({}, { store })).rejects.toThrow("'app.zip' changed while");
    expect(await storedPaths()).toEqual([]);
  });

  it('fails if a large file changes between its parts, and leaves no part behind', async () => {
    await scenario.build({ 'large.bin': Buffer.alloc(11 * 1024 ** 2, 1) });
    const store = scenario.hookedStore((real) => ({
      putAssetInParts: async (put) => {
        await scenario.build({ 'large.bin': Buffer.alloc(11 * 1024 ** 2, 2) });
        return real.putAssetInParts(put);
      },
    }));
    await expect(scenario.upload({}, { store })).rejects.toThrow("'large.bin' changed while");
    expect(await storedPaths()).toEqual([]);
    expect(await scenario.bucket.openUploads()).toEqual([]);
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });
});

describe('an upload without files', () => {
  it('fails if the package directory is missing', async () => {
    await expect(scenario.upload()).rejects.toThrow(`package-directory '${scenario.packages}' does not exist`);
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it('fails if there is no file', async () => {
    await scenario.build({ '.hidden': '', '.commit-hash': scenario.head });
    await expect(scenario.upload()).rejects.toThrow('There is nothing to upload in');
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it.each([
    ['warn', [expect.stringMatching(/nothing to upload .*no file matches files, '\*\.exe'/)]],
    ['ignore', []],
  ] as const)('succeeds with if-no-files-found: %s', async (ifNoFilesFound, warnings) => {
    await scenario.build({ 'app.zip': 'app' });
    const selection = { patterns: ['*.exe'], includeHidden: false };
    expect(await scenario.upload({ ifNoFilesFound, selection })).toMatchObject({
      found: false,
      source: 'none',
      reason: 'absent',
      uploaded: false,
      files: [],
    });
    expect(scenario.warnings()).toEqual(warnings);
    expect(await scenario.bucket.keys()).toEqual([]);
  });
});

describe('an upload as a dry run', () => {
  it('changes neither the bucket nor the directory', async () => {
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ dryRun: true })).toMatchObject({ found: false, uploaded: false, cached: false });
    const at = `s3://${scenario.bucket.name}/`;
    expect(scenario.log).toContainEqual(
      expect.stringMatching(`would upload 1 file to ${at}artifacts/.*, with a copy at ${at}cache/`),
    );
    expect(await scenario.bucket.keys()).toEqual([]);
    expect(await readdir(scenario.packages)).toEqual(['app.zip']);
    await scenario.upload({ codeHash: undefined });
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'app' });
    const before = await scenario.bucketContents();
    expect(await scenario.upload({ dryRun: true })).toMatchObject({ found: true, reason: 'complete', cached: false });
    expect(await scenario.bucketContents()).toEqual(before);
    expect(await readdir(scenario.packages)).toEqual(['app.zip']);
  });

  it('refuses everything that an upload would refuse', async () => {
    await mkdir(scenario.packages);
    await expect(scenario.upload({ dryRun: true })).rejects.toThrow('There is nothing to upload');
  });
});
