import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RestoreSelection } from '../../src/asset-set/download.ts';
import { parseRecord } from '../../src/asset-set/record.ts';
import { pathMatcher, unmatchedPatterns } from '../../src/package-directory/scan.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { closedSources, EVERYTHING, Scenario, skippingClock } from '../support/scenario.ts';

const isPosix = process.platform !== 'win32';

// Nothing here reads the repository, so one is enough: each test has a commit of its own.
let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.create();
});
afterAll(() => scenario.close());
beforeEach(async () => {
  scenario.pretendCommit();
  scenario.log.length = 0;
  await scenario.freshPackages();
});

const FILES = { 'app.zip': 'app', 'nested/deep/site.txt': 'site' };

function sha256(body: string): string {
  return createHash('sha256').update(body).digest('base64');
}

function chosenBy(...patterns: readonly string[]): { readonly selection: RestoreSelection } {
  const unmatchedBy = (paths: Iterable<string>) => unmatchedPatterns(patterns, paths);
  return { selection: { ...EVERYTHING, isChosen: pathMatcher(patterns), unmatchedBy } };
}

/** Uploads the build as the set of the pretended commit, although another commit is checked out. */
async function upload(): Promise<void> {
  const commit = { asked: scenario.head, context: undefined, repositoryIsGiven: false };
  await scenario.upload({ commit, codeHash: undefined, selection: { patterns: [], includeHidden: true } });
}

/** All files in the package directory, by path. */
async function restored(): Promise<Record<string, string>> {
  const entries = await readdir(scenario.packages, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  const read = files.map(async (file): Promise<[string, string]> => {
    const path = file.slice(scenario.packages.length + 1).replaceAll('\\', '/');
    return [path, await readFile(file, 'utf8')];
  });
  return Object.fromEntries((await Promise.all(read)).toSorted());
}

async function restoredAssets(): Promise<Record<string, string>> {
  const { '.record.json': _, '.sha256sums': __, ...assets } = await restored();
  return assets;
}

/** The real store, with a list of the paths that are fetched. */
function countingStore(fetched: string[]): ObjectStore {
  return scenario.hookedStore((store) => ({
    readAsset: (read) => {
      fetched.push(read.key.replace(/^.*\/[0-9a-f]{40,64}\//, ''));
      return store.readAsset(read);
    },
  }));
}

describe('a restore', () => {
  it('brings the set back, and reports it', async () => {
    const files = await scenario.storeSet(FILES);
    const outcome = await scenario.restore();
    expect(outcome).toMatchObject({
      found: true,
      source: 'artifact',
      reason: 'complete',
      restored: true,
      uploaded: false,
      builtFromCommit: scenario.head,
      location: { prefix: `artifacts/${scenario.head}/` },
    });
    expect(outcome.files).toEqual(files);
    expect(await restoredAssets()).toEqual(FILES);
    expect(scenario.log.at(-1)).toBe(`Restored 2 files, 7 B, into ${scenario.packages}.`);
  });

  it('brings back the files of an upload, whatever their names are', async () => {
    const files = {
      'a b+c#d?e%20&f.zip': 'odd',
      'größe/日本/🚀.txt': 'unicode',
      '-rf': 'dash',
      'quote\'"`$(x)': 'quotes',
      'empty.txt': '',
      'sub/.hidden': 'hidden',
    };
    const names = isPosix ? files : { 'a b+c#d%20&f.zip': 'odd', 'größe/日本/🚀.txt': 'unicode', 'empty.txt': '' };
    await scenario.build(names);
    await upload();
    await scenario.freshPackages();
    expect(await scenario.restore()).toMatchObject({ restored: true });
    expect(await restoredAssets()).toEqual(names);
  });

  it('writes the record beside the assets', async () => {
    await scenario.storeSet(FILES);
    await scenario.restore();
    const marker = parseRecord((await scenario.marker('.record.json')) ?? '', '.record.json');
    expect(marker).toEqual(await scenario.record());
    expect(await scenario.marker('.found')).toBeUndefined();
  });

  it('removes the record of an earlier restore if it finds nothing', async () => {
    await scenario.storeSet(FILES);
    await scenario.restore();
    scenario.pretendCommit();
    expect(await scenario.restore({ codeHash: undefined })).toMatchObject({ found: false, restored: false, files: [] });
    expect(await scenario.marker('.record.json')).toBeUndefined();
  });

  it('never compares the commit with the one checked out', async () => {
    await scenario.storeSet(FILES);
    const sources = closedSources();
    expect(await scenario.restore({ codeHash: undefined }, { sources })).toMatchObject({ restored: true });
  });

  it('only logs what it would do in a dry run', async () => {
    await scenario.storeSet(FILES);
    await scenario.build({ '.record.json': 'stale' });
    const before = await scenario.bucketContents();
    const outcome = await scenario.restore({ dryRun: true });
    expect(outcome).toMatchObject({ found: true, restored: false, files: [{ path: 'app.zip' }, {}] });
    expect(await restored()).toEqual({ '.record.json': 'stale' });
    expect(await scenario.bucketContents()).toEqual(before);
    expect(scenario.log.at(-1)).toMatch(/^Dry run: would restore 2 files, 7 B, into .*packages\.$/);
    expect(scenario.log).not.toContainEqual(expect.stringMatching(/restored/i));
  });

  it('logs in a dry run the files selected, and warns of patterns that match nothing', async () => {
    await scenario.storeSet({ 'a.zip': 'a', 'b.jar': 'bb' });
    await scenario.restore({ ...chosenBy('*.jar', '*.war'), dryRun: true });
    expect(scenario.log.slice(-2)).toEqual([
      `warning: No asset of artifacts/${scenario.head}/ matches the pattern '*.war' of files: correct or remove it.`,
      expect.stringMatching(/^Dry run: would restore 1 file, 2 B, into /),
    ]);
  });

  it('creates no directory in a dry run or on a miss', async () => {
    await scenario.storeSet(FILES);
    await scenario.restore({ dryRun: true });
    scenario.pretendCommit();
    await scenario.restore({ codeHash: undefined });
    await expect(stat(scenario.packages)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('takes the sizes from the files, whatever total the record claims', async () => {
    await scenario.storeSet({ 'a.txt': 'a' });
    const key = `records/artifacts/${scenario.head}.json`;
    const body = (await scenario.bucket.get(key))?.body ?? '';
    await scenario.bucket.put(key, body.replace('"totalSize":1', '"totalSize":9007199254740991'));
    const { files } = await scenario.restore();
    expect(files).toMatchObject([{ path: 'a.txt', size: 1 }]);
    expect(scenario.log.at(-1)).toContain('Restored 1 file, 1 B');
  });

  it.each(['damaged', 'incomplete'] as const)('restores nothing of a set that is %s', async (reason) => {
    await scenario.storeSet(FILES);
    await scenario.bucket.delete(`artifacts/${scenario.head}/app.zip`);
    if (reason === 'incomplete')
      await scenario.putRecord({
        writer: { nonce: 'n', sequence: 1, repository: 'owner/repository', runId: '1', runAttempt: '0' },
      });
    expect(await scenario.restore({ codeHash: undefined })).toMatchObject({ found: false, reason, restored: false });
    await expect(stat(scenario.packages)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('files', () => {
  const SET = { 'api.zip': 'api', 'site/index.html': 'i', 'site/js/a.js': 'j', 'site/js/a.map': 'm' };

  it('limit the restore to the files that they select', async () => {
    const paths = ['api.zip', 'site/js/a.js'];
    await scenario.storeSet(SET);
    const fetched: string[] = [];
    const outcome = await scenario.restore(chosenBy('**', '!site/**', 'site/js/*.js'), {
      store: countingStore(fetched),
    });
    expect(Array.from(outcome.files, ({ path }) => path)).toEqual(paths);
    expect(Object.keys(await restoredAssets())).toEqual(paths);
    expect(fetched.toSorted()).toEqual(paths);
  });

  it('whose patterns match nothing cause a warning for each pattern', async () => {
    await scenario.storeSet(SET);
    expect(await scenario.restore(chosenBy('api.zip', 'apy.zip', '!*.map', 'sit/**'))).toMatchObject({
      restored: true,
      files: [{ path: 'api.zip' }],
    });
    expect(scenario.warnings()).toEqual([
      `warning: No asset of artifacts/${scenario.head}/ matches the pattern 'apy.zip' of files: correct or remove it.`,
      `warning: No asset of artifacts/${scenario.head}/ matches the pattern 'sit/**' of files: correct or remove it.`,
    ]);
  });

  it.each([['apy.zip'], ['!**']])('that select nothing are reported as nothing restored: %s', async (pattern) => {
    await scenario.storeSet(SET);
    expect(await scenario.restore(chosenBy(pattern))).toMatchObject({ found: true, restored: false, files: [] });
    expect(scenario.log).not.toContainEqual(expect.stringMatching(/restored/i));
  });

  it('do not shorten the record', async () => {
    await scenario.storeSet(SET);
    await scenario.restore(chosenBy('api.zip'));
    const record = parseRecord((await scenario.marker('.record.json')) ?? '', '.record.json');
    expect(record).toEqual(await scenario.record());
  });
});

describe('an existing file', () => {
  async function restoreAgain(): Promise<string[]> {
    const fetched: string[] = [];
    await scenario.restore({}, { store: countingStore(fetched) });
    expect(await restoredAssets()).toEqual(FILES);
    return fetched;
  }

  it('is not fetched if it has the right bytes', async () => {
    await scenario.storeSet(FILES);
    await scenario.build(FILES);
    expect(await restoreAgain()).toEqual([]);
    expect(scenario.log.at(-1)).toContain('2 files, 7 B, 2 of them there before');
  });

  it('is fetched if it has other bytes of the same size', async () => {
    await scenario.storeSet(FILES);
    await scenario.build({ ...FILES, 'app.zip': 'ape' });
    expect(await restoreAgain()).toEqual(['app.zip']);
  });

  it('is replaced if it is longer, and left alone if it is not part of the set', async () => {
    await scenario.storeSet(FILES);
    await scenario.build({ 'app.zip': 'app, but longer', 'other.txt': 'other' });
    await scenario.restore();
    expect(await restoredAssets()).toEqual({ ...FILES, 'other.txt': 'other' });
    expect(scenario.log).toContain(`1 other file in ${scenario.packages} is not part of the restored set.`);
  });

  it('of the set is not counted as an extra file, nor are markers and hidden files', async () => {
    await scenario.storeSet({ ...FILES, '.hidden': 'hidden' });
    await scenario.build({ '.commit-hash': scenario.head, '.cache/x': 'x', '.y': 'y' });
    await scenario.restore();
    expect(scenario.log.join()).not.toContain('not part of the restored set');
    await scenario.build({ 'a.txt': 'a', 'nested/b.txt': 'b' });
    await scenario.restore(chosenBy('app.zip'));
    // Files of the set that were not selected count too.
    expect(scenario.log).toContain(`3 other files in ${scenario.packages} are not part of the restored set.`);
  });

  it.each(['a copy of it outside', 'a copy of it inside', 'nothing'])(
    'is replaced if it is a link to %s',
    async (to) => {
      await scenario.storeSet(FILES);
      const target = { 'a copy of it outside': '../outside.zip', 'a copy of it inside': 'copy.zip' }[to] ?? 'nowhere';
      await mkdir(scenario.packages);
      if (to !== 'nothing') await writeFile(join(scenario.packages, target), 'app');
      await symlink(target, join(scenario.packages, 'app.zip'));
      const fetched: string[] = [];
      await scenario.restore({}, { store: countingStore(fetched) });
      expect(fetched).toContain('app.zip');
      expect((await lstat(join(scenario.packages, 'app.zip'))).isFile()).toBe(true);
      expect(await scenario.marker('app.zip')).toBe('app');
      if (to !== 'nothing') expect(await readFile(join(scenario.packages, target), 'utf8')).toBe('app');
    },
  );
});

(isPosix ? describe : describe.skip)('the executable bit', () => {
  it('is kept', async () => {
    await scenario.build({ 'bin/tool': '#!/bin/sh', 'plain.txt': 'x' });
    await chmod(join(scenario.packages, 'bin/tool'), 0o755);
    await upload();
    await scenario.freshPackages();
    await scenario.restore();
    expect(await modeOf('bin/tool')).toBe(0o755 & ~process.umask());
    expect(await modeOf('plain.txt')).toBe(0o644 & ~process.umask());
  });

  it('is restored even if the bytes exist without it', async () => {
    await scenario.storeSet({ 'bin/tool': '#!/bin/sh' }, { file: { executable: true } });
    await scenario.build({ 'bin/tool': '#!/bin/sh' });
    await chmod(join(scenario.packages, 'bin/tool'), 0o644);
    await scenario.restore();
    expect(await modeOf('bin/tool')).toBe(0o755 & ~process.umask());
  });

  async function modeOf(path: string): Promise<number> {
    return (await stat(join(scenario.packages, path))).mode & 0o777;
  }
});

describe('a set without a record', () => {
  const key = (path: string) => `artifacts/${scenario.head}/${path}`;

  it('is restored from its listing', async () => {
    await scenario.bucket.put(key('app.zip'), 'app', { metadata: { 'package-hash': sha256('app') } });
    await scenario.bucket.put(key('nested/deep/site.txt'), 'site');
    await scenario.bucket.put(key('folder/'), '');
    const outcome = await scenario.restore();
    expect(outcome).toMatchObject({ found: true, reason: 'legacy', restored: true });
    expect(outcome.files).toMatchObject([{ path: 'app.zip', sha256: sha256('app') }, { path: 'nested/deep/site.txt' }]);
    expect(await restored()).toEqual(FILES);
    expect(scenario.warnings()).toEqual([expect.stringContaining('1 file at artifacts/')]);
  });

  it('leaves no record of an earlier restore behind', async () => {
    await scenario.bucket.put(key('app.zip'), 'app');
    await scenario.build({ '.record.json': 'stale' });
    await scenario.restore();
    expect(await restored()).toEqual({ 'app.zip': 'app' });
  });

  it('is verified by package-hash', async () => {
    await scenario.bucket.put(key('app.zip'), 'ape', { metadata: { 'package-hash': sha256('app') } });
    await expect(scenario.restore()).rejects.toThrow(/'app.zip' under .* has different contents from/);
    expect(await restored()).toEqual({});
  });

  it.each([
    '',
    'none',
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    'YXBw',
    `${sha256('ape')}=`,
  ])('does not take the package-hash %j for a SHA-256', async (hash) => {
    await scenario.bucket.put(key('app.zip'), 'app', { metadata: { 'package-hash': hash } });
    const { files } = await scenario.restore();
    expect(await restored()).toEqual({ 'app.zip': 'app' });
    expect([...files][0]?.sha256).toBeUndefined();
  });

  it('is ignored if such sets are not trusted', async () => {
    await scenario.bucket.put(key('app.zip'), 'app');
    expect(await scenario.restore({ legacy: 'ignore', codeHash: undefined })).toMatchObject({ found: false });
  });

  it('is read only as far as files are selected', async () => {
    await scenario.bucket.put(key('app.zip'), 'app');
    await scenario.bucket.put(key('other.zip'), 'other');
    const heads: string[] = [];
    const store = scenario.hookedStore((real) => ({
      head: (asked) => {
        heads.push(asked);
        return real.head(asked);
      },
    }));
    await scenario.restore(chosenBy('app.zip'), { store });
    expect(new Set(heads)).toEqual(new Set([key('app.zip')]));
  });
});

describe('a set of the same code', () => {
  const codeHash = () => ({ kind: 'given', value: createHash('sha256').update(scenario.head).digest('hex') }) as const;

  async function storeInCache(prefix = ''): Promise<string> {
    const { value } = codeHash();
    await scenario.storeSet(FILES, {
      prefix: `${prefix}cache/${value}/`,
      recordKey: `${prefix}records/cache/${value}.json`,
    });
    return value;
  }

  it('is restored in place with read access', async () => {
    const value = await storeInCache();
    const before = await scenario.bucketContents();
    const outcome = await scenario.restore({ codeHash: codeHash(), access: 'read' });
    expect(outcome).toMatchObject({
      source: 'cache',
      restored: true,
      location: { prefix: `cache/${value}/` },
    });
    expect(await restoredAssets()).toEqual(FILES);
    expect(await scenario.bucketContents()).toEqual(before);
  });

  it('first becomes the set of the commit', async () => {
    await storeInCache();
    const fetched: string[] = [];
    const store = scenario.hookedStore((real) => ({
      readAsset: (read) => {
        fetched.push(read.key);
        return real.readAsset(read);
      },
    }));
    const outcome = await scenario.restore({ codeHash: codeHash() }, { store });
    expect(outcome).toMatchObject({
      source: 'cache',
      restored: true,
      location: { prefix: `artifacts/${scenario.head}/` },
    });
    expect(fetched.toSorted()).toEqual(Object.keys(FILES).map((path) => `artifacts/${scenario.head}/${path}`));
    expect(await scenario.record()).toMatchObject({ state: 'complete', origin: { kind: 'cache' } });
    expect(await restoredAssets()).toEqual(FILES);
  });

  it('is restored from a fallback prefix', async () => {
    await storeInCache('main/');
    const outcome = await scenario.restore({
      codeHash: codeHash(),
      access: 'read',
      prefix: 'mine',
      fallbackPrefixes: ['other', 'main'],
    });
    expect(outcome).toMatchObject({ source: 'cache', location: { prefix: `main/cache/${codeHash().value}/` } });
    expect(await restoredAssets()).toEqual(FILES);
  });

  it('is not looked up if a fallback prefix has the commit', async () => {
    const own = {
      prefix: `main/artifacts/${scenario.head}/`,
      recordKey: `main/records/artifacts/${scenario.head}.json`,
    };
    await scenario.storeSet({ 'own.txt': 'own' }, own);
    await storeInCache('main/');
    await scenario.restore({ codeHash: codeHash(), access: 'read', fallbackPrefixes: ['main'] });
    expect(await restoredAssets()).toEqual({ 'own.txt': 'own' });
  });
});

describe('a set that another run is writing', () => {
  it('is waited for', async () => {
    await scenario.putRecord();
    let pauses = 0;
    const clock = skippingClock(async () => {
      pauses += 1;
      if (pauses === 3) await scenario.storeSet(FILES);
    });
    expect(await scenario.restore({ waitMs: 60_000 }, { clock })).toMatchObject({ found: true, restored: true });
    expect(await restoredAssets()).toEqual(FILES);
  });

  it('fails the step after the time to wait, with the name of the run', async () => {
    await scenario.putRecord();
    const restoring = scenario.restore({ codeHash: undefined, waitMs: 60_000 }, { clock: skippingClock() });
    await expect(restoring).rejects.toThrow(
      `run 77 (attempt 1) of owner/repository, workflow nightly is still writing artifacts/${scenario.head}/ after 60 s`,
    );
    await expect(stat(scenario.packages)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a check that restores', () => {
  it('brings the set back on a hit', async () => {
    await scenario.storeSet(FILES);
    const outcome = await scenario.check({ codeHash: undefined, restore: EVERYTHING });
    expect(outcome).toMatchObject({ found: true, restored: true, files: [{ path: 'app.zip' }, {}] });
    expect(await restoredAssets()).toEqual({
      ...FILES,
      '.found': '',
      '.found-at': expect.any(String),
      '.commit-hash': scenario.head,
    });
  });

  it('restores nothing on a miss, in a dry run, or unless it is asked to', async () => {
    expect(await scenario.check({ codeHash: undefined, restore: EVERYTHING })).toMatchObject({ restored: false });
    await scenario.storeSet(FILES);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: true, restored: false });
    const dryRun = { codeHash: undefined, restore: EVERYTHING, dryRun: true };
    expect(await scenario.check(dryRun)).toMatchObject({ found: true, restored: false });
    expect(await scenario.marker('app.zip')).toBeUndefined();
  });

  it('is not a hit if the restore fails', async () => {
    await scenario.storeSet({ 'app.zip': 'app' }, { file: { sha256: sha256('other') } });
    await expect(scenario.check({ codeHash: undefined, restore: EVERYTHING })).rejects.toThrow(
      'has different contents',
    );
    expect(await scenario.marker('.found')).toBeUndefined();
    expect(await scenario.marker('.record.json')).toBeUndefined();
    expect(await scenario.marker('app.zip')).toBeUndefined();
  });
});

describe('a package directory', () => {
  it('may be a link to a directory', async () => {
    await scenario.storeSet(FILES);
    const real = join(scenario.root, `real-${scenario.head}`);
    await mkdir(real);
    await symlink(real, scenario.packages, 'junction');
    await scenario.restore();
    expect((await lstat(scenario.packages)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(real, 'nested/deep/site.txt'), 'utf8')).toBe('site');
  });

  it('that is a file is refused', async () => {
    await scenario.storeSet(FILES);
    await writeFile(scenario.packages, 'a file');
    await expect(scenario.restore()).rejects.toThrow(/can't be (used|removed) \(.*(EEXIST|ENOTDIR)/);
    expect(await readFile(scenario.packages, 'utf8')).toBe('a file');
  });

  it('that is a link to nothing is refused', async () => {
    await scenario.storeSet(FILES);
    await symlink('nowhere', scenario.packages, 'junction');
    await expect(scenario.restore()).rejects.toThrow(/package-directory '.*' can't be used/);
    expect(await readlink(scenario.packages)).toContain('nowhere');
  });
});
