import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { link, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NamingRules } from '../../src/asset-set/path.ts';
import { UserError } from '../../src/errors.ts';
import type { ListedObject, ObjectStore } from '../../src/ports.ts';
import { printable } from '../../src/text.ts';
import { EVERYTHING, Scenario } from '../support/scenario.ts';

// Anyone who may write to the bucket chooses paths and claims; earlier steps choose the contents of the workspace.

const isPosix = process.platform !== 'win32';
const SHA256 = createHash('sha256').update('x').digest('base64');

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

async function* pageOf(objects: readonly ListedObject[]): AsyncGenerator<readonly ListedObject[]> {
  yield objects;
}

/** A store that lists these paths as assets, as a server that accepts such keys might, and notes every fetch. */
function listing(paths: readonly string[], fetched: string[]): ObjectStore {
  const etag = '"9dd4e461268c8034f5c8564e155c67a6"';
  return scenario.hookedStore(() => ({
    list: (prefix) => pageOf(paths.map((path) => ({ key: prefix + path, sizeBytes: 1, etag }))),
    head: async () => ({ sizeBytes: 1, etag, metadata: {} }),
    readAsset: async ({ key }) => {
      fetched.push(key);
      return { outcome: 'read', bytes: Buffer.from('x') };
    },
  }));
}

/** Everything under the scenario's root except git's own files. */
async function everything(): Promise<string[]> {
  const entries = await readdir(scenario.root, { recursive: true });
  return entries.filter((path) => !/^\.git([\\/]|$)/.test(path)).toSorted();
}

type Kind = 'record' | 'listing';

/** Restores a set of these paths without fetching any. @returns the message of the refusal */
async function refusalOf(paths: readonly string[], kind: Kind, naming: NamingRules = 'other'): Promise<string> {
  if (kind === 'record') {
    const etag = '"9dd4e461268c8034f5c8564e155c67a6"';
    await scenario.putRecord({
      state: 'complete',
      files: paths.map((path) => ({ path, size: 1, etag, sha256: SHA256 })),
    });
  }
  const before = await everything();
  const fetched: string[] = [];
  const restoring = scenario.restore({ selection: { ...EVERYTHING, naming } }, { store: listing(paths, fetched) });
  const error = await restoring.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(fetched).toEqual([]);
  expect((await everything()).filter((path) => !before.includes(path))).toEqual(['packages']);
  const { message } = error instanceof UserError ? error : { message: '' };
  expect(message).toBe(printable(message));
  expect(scenario.log.every((line) => line === printable(line))).toBe(true);
  return message;
}

const BAD_PATHS: readonly (readonly [path: string, why: RegExp])[] = [
  ['.', /segment/],
  ['..', /segment/],
  ['../x', /segment/],
  ['../packages-of-another/x', /segment/],
  ['a/../../x', /segment/],
  ['a/..', /segment/],
  ['/etc/x', /segment/],
  ['//server/share', /segment/],
  ['a//b', /segment/],
  ['./x', /segment/],
  ['C:\\x', /backslash/],
  ['a\\b', /backslash/],
  ['..\\x', /backslash/],
  ['a\0b', /control character/],
  ['a\nb', /control character/],
  ['a\r::error::x', /control character/],
  ['a\u001b[31m', /control character/],
  ['a\u0085b', /control character/],
  ['\ud800', /not valid UTF-8/],
  ['\ufffd', /not valid UTF-8/],
  ['.found', /marker/],
  ['.commit-hash', /marker/],
  ['.code-hash', /marker/],
  ['.record.json', /marker/],
  ['.found/x', /marker/],
  ['.record.json/a/b', /marker/],
  ['.git', /git's own files/],
  ['.git/config', /git's own files/],
  ['.GIT/hooks/x', /git's own files/],
  ['sub/.Git/config', /git's own files/],
  ['git~1/config', /git's own files/],
  ['GIT~1', /git's own files/],
  ['.g\u200cit/config', /git's own files/],
  ['\ufeff.git/config', /git's own files/],
  ['.gi\u206ft', /git's own files/],
  ['.git./config', /git's own files/],
  ['.git . /config', /git's own files/],
  ['.git::$INDEX_ALLOCATION/config', /git's own files/],
  ['a'.repeat(256), /255 bytes/],
  [`sub/${'é'.repeat(128)}/x`, /255 bytes/],
  [Array.from({ length: 200 }, () => 'abcde').join('/'), /bytes, and S3 takes 1024/],
];

describe.each<Kind>(['record', 'listing'])('a %s', (kind) => {
  it.each(BAD_PATHS)('with the path %j is refused before anything is fetched', async (path, why) => {
    expect(await refusalOf(['a-fine-one', path], kind)).toMatch(why);
  });

  it('is refused if a path is both a file and a folder', async () => {
    expect(await refusalOf(['a', 'a/b'], kind)).toContain("'a' is a file, and the folder of 'a/b'");
  });

  it.each<[NamingRules, string[], RegExp]>([
    ['win32', ['CON'], /no name for a file on Windows/],
    ['win32', ['sub/aux .txt'], /no name for a file on Windows/],
    ['win32', ['.Found'], /marker/],
    ['darwin', ['.Found'], /marker/],
    ['darwin', ['.fo\u200cund'], /marker/],
    ['win32', ['a.zip', 'A.zip'], /same file/],
    ['darwin', ['\u00e9', 'e\u0301'], /same file/],
  ])('is refused on %s with %j', async (naming, paths, why) => {
    expect(await refusalOf(paths, kind, naming)).toMatch(why);
  });
});

describe('a record', () => {
  it('is refused if it names a file twice', async () => {
    expect(await refusalOf(['a', 'a'], 'record')).toContain("'a' is named twice");
  });

  it('may contain bad names that are not to be restored', async () => {
    const etag = '"9dd4e461268c8034f5c8564e155c67a6"';
    const files = ['a', '../b'].map((path) => ({ path, size: 1, etag, sha256: SHA256 }));
    await scenario.putRecord({ state: 'complete', files });
    const selection = { ...EVERYTHING, isChosen: (path: string) => path === 'a' };
    await scenario.restore({ selection }, { store: listing(['a', '../b'], []) });
    expect(await scenario.marker('a')).toBe('x');
  });

  it('that claims ten tebibytes for three bytes fails at once', async () => {
    await scenario.storeSet({ 'app.zip': 'app' }, { file: { size: 10 * 1024 ** 4 } });
    const { store } = scenario.ports();
    // The server lies too: with an honest server, the set would be damaged.
    const list = (prefix: string) =>
      pageOf([{ key: `${prefix}app.zip`, sizeBytes: 10 * 1024 ** 4, etag: '"d2a57dc1d883fd21fb9951699df71cc7"' }]);
    const startedMs = performance.now();
    await expect(scenario.restore({}, { store: { ...store, list } })).rejects.toThrow("'app.zip' under");
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(await scenario.restore({ codeHash: undefined })).toMatchObject({ found: false, reason: 'damaged' });
  });
});

describe('an entry in the package directory', () => {
  const inside = (path: string) => join(scenario.packages, path);
  const outside = () => join(scenario.root, `outside-${scenario.head}`);

  beforeEach(async () => {
    await mkdir(scenario.packages);
    await mkdir(outside());
    await scenario.storeSet({ 'sub/deep/app.zip': 'x', 'plain.txt': 'x' });
  });

  async function expectRefusal(expected: RegExp): Promise<void> {
    const error = await scenario.restore({ concurrency: 1 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ message: expect.stringMatching(expected) });
    expect(await readdir(outside())).toEqual([]);
    expect(await scenario.marker('.record.json')).toBeUndefined();
  }

  it.each(['sub', 'sub/deep'])('is refused if it is a link in place of the folder %s', async (folder) => {
    await mkdir(join(inside(folder), '..'), { recursive: true });
    await symlink(outside(), inside(folder), 'junction');
    await expectRefusal(/'sub\/deep\/app.zip' can't be restored, since '.*' is a link or a file/);
  });

  it('is refused if it is a link to a folder inside', async () => {
    await mkdir(inside('real'));
    await symlink(inside('real'), inside('sub'), 'junction');
    await expectRefusal(/is a link or a file/);
    expect(await readdir(inside('real'))).toEqual([]);
  });

  it('is refused if it is a link to a folder that contains the same file', async () => {
    await symlink(outside(), inside('sub'), 'junction');
    await mkdir(join(outside(), 'deep'));
    await writeFile(join(outside(), 'deep/app.zip'), 'x');
    await expect(scenario.restore()).rejects.toThrow('is a link or a file');
    expect(await readdir(join(outside(), 'deep'))).toEqual(['app.zip']);
  });

  it('is refused if it is a dangling link in place of a folder', async () => {
    await symlink(join(outside(), 'nowhere'), inside('sub'), 'junction');
    await expectRefusal(/is a link or a file/);
  });

  it('is refused if it is a file in place of a folder', async () => {
    await writeFile(inside('sub'), 'a file');
    await expectRefusal(/is a link or a file/);
    expect(await readFile(inside('sub'), 'utf8')).toBe('a file');
  });

  it('is refused if it is a folder in place of a file', async () => {
    await mkdir(inside('plain.txt/kept'), { recursive: true });
    await expectRefusal(/'plain.txt' can't be restored, since a folder is in its place/);
    expect(await readdir(inside('plain.txt'))).toEqual(['kept']);
  });

  it('is replaced if it is a link in place of a file, whose target stays untouched', async () => {
    await symlink(outside(), inside('plain.txt'), 'junction');
    await scenario.restore();
    expect((await lstat(inside('plain.txt'))).isFile()).toBe(true);
    expect(await readdir(outside())).toEqual([]);
  });

  it('is replaced if it is a hard link to another file, which stays untouched', async () => {
    await writeFile(join(outside(), 'precious'), 'precious');
    await link(join(outside(), 'precious'), inside('plain.txt'));
    await scenario.restore();
    expect(await readFile(inside('plain.txt'), 'utf8')).toBe('x');
    expect(await readFile(join(outside(), 'precious'), 'utf8')).toBe('precious');
  });

  (isPosix ? it : it.skip)('is replaced if it is a pipe, without waiting for a reader', async () => {
    execFileSync('mkfifo', [inside('plain.txt')]);
    await scenario.restore();
    expect(await readFile(inside('plain.txt'), 'utf8')).toBe('x');
  });
});
