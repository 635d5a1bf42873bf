import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { InputError, UserError } from '../../src/errors.ts';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import { asNobody, Packages, SILENT } from './packages.ts';

const FILES = {
  'a.zip': 'a',
  'b.txt': 'b',
  'deep/c.zip': 'c',
  'deep/er/d.zip': 'd',
  '.hidden': 'h',
  '.folder/e.zip': 'e',
  'deep/.f.zip': 'f',
};

describe('patterns', () => {
  it.each<[patterns: string[], found: string[]]>([
    [[], ['a.zip', 'b.txt', 'deep/c.zip', 'deep/er/d.zip']],
    [['**'], ['a.zip', 'b.txt', 'deep/c.zip', 'deep/er/d.zip']],
    [['*'], ['a.zip', 'b.txt']],
    [['*.zip'], ['a.zip']],
    [['./*.zip'], ['a.zip']],
    [['**/*.zip'], ['a.zip', 'deep/c.zip', 'deep/er/d.zip']],
    [['deep'], []],
    [['deep/*'], ['deep/c.zip']],
    [['deep/**'], ['deep/c.zip', 'deep/er/d.zip']],
    [
      ['a.zip', 'deep/c.zip', 'a.*'],
      ['a.zip', 'deep/c.zip'],
    ],
    [['!**/*.txt'], ['a.zip', 'deep/c.zip', 'deep/er/d.zip']],
    [['!deep/**', '!a.zip'], ['b.txt']],
    [
      ['**', '!deep/**', 'deep/er/*'],
      ['a.zip', 'b.txt', 'deep/er/d.zip'],
    ],
    [['none/*'], []],
  ])('%j find %j', async (patterns, found) => {
    await using packages = await Packages.create(FILES);
    expect(await packages.scan(patterns)).toEqual(found);
  });

  it('that match no uploaded file are named in a warning', async () => {
    await using packages = await Packages.create({ ...FILES, '.env': 'e' });
    await packages.scan(['a.zip', 'apy.zip', 'deep/**', '!none/*', './.env', '!a.zip']);
    expect(packages.warnings).toEqual([
      "No file to upload matches the pattern 'a.zip' of files: correct or remove it.",
      "No file to upload matches the pattern 'apy.zip' of files: correct or remove it.",
      "No file to upload matches the pattern './.env' of files: correct or remove it, or set include-hidden-files.",
    ]);
    packages.warnings.length = 0;
    await packages.scan(['!deep/**']);
    await packages.scan(['**', './.env'], true);
    expect(packages.warnings).toEqual([]);
  });

  it.each(['/etc/passwd', '..', '../*', 'deep/../../*', '!../*', '~/x', '~root/x', 'C:\\x', 'c:x', '!', '!/x'])(
    "can't be %j, which could lead out",
    async (pattern) => {
      await using packages = await Packages.create(FILES);
      const scan = packages.scan([pattern]);
      await expect(scan).rejects.toThrow(InputError);
      await expect(scan).rejects.toThrow(
        `files has the pattern '${pattern}': give patterns relative to package-directory`,
      );
    },
  );

  it('are refused if the matcher does not accept them', async () => {
    await using packages = await Packages.create(FILES);
    for (const pattern of ['deep/./c.zip', '.\\./*', '\\.\\./*', 'deep/\\.\\./\\../*', '[.][.]/*', 'deep/.[.]/*']) {
      await expect(packages.scan([pattern])).rejects.toThrow(InputError);
      await expect(packages.scan([pattern])).rejects.toThrow("files can't be used as patterns:");
    }
  });

  it('match names with spaces, Unicode and special characters', async () => {
    await using packages = await Packages.create({
      'a b.zip': '',
      'ä€😀.zip': '',
      '#c.zip': '',
      '(d)+{e}.zip': '',
      "f'!&.zip": '',
    });
    expect(await packages.scan(['a b.*', 'ä*', '#*', '(d)+{e}.zip', "f'!&.zip"])).toEqual(await packages.scan());
  });
});

describe('hidden files', () => {
  it('are found only on request', async () => {
    await using packages = await Packages.create(FILES);
    expect(await packages.scan(['**'], true)).toEqual([
      '.folder/e.zip',
      '.hidden',
      'a.zip',
      'b.txt',
      'deep/.f.zip',
      'deep/c.zip',
      'deep/er/d.zip',
    ]);
    expect(await packages.scan(['.folder/*', 'deep/.f.zip'])).toEqual([]);
  });

  it('are not all files of a hidden package directory', async () => {
    await using packages = await Packages.create({ 'a.zip': '' }, '.build/packages');
    expect(await packages.scan()).toEqual(['a.zip']);
  });

  it('that are markers are never assets, but files with the same names in folders are', async () => {
    const names = ['.found', '.found-at', '.commit-hash', '.code-hash', '.record.json'];
    await using packages = await Packages.create(
      Object.fromEntries(
        names.flatMap((name) => [
          [name, ''],
          [`deep/${name}`, ''],
        ]),
      ),
    );
    expect(await packages.scan(['**', '.found', '.*'], true)).toEqual([
      'deep/.code-hash',
      'deep/.commit-hash',
      'deep/.found',
      'deep/.found-at',
      'deep/.record.json',
    ]);
  });
});

it.each(['[x]', '*', '?', '[a-z]?*', 'a b', 'ä€', '{a,b}', '+(a)', '!x', '#x', '~', 'a\\b', 'a\\*', 'a\'"$'])(
  'takes the directory name %j literally',
  async (name) => {
    await using packages = await Packages.create(
      { 'a.zip': '', '../x/no.zip': '', '../z/no.zip': '', 'deep/b.zip': '' },
      name,
    );
    expect(await packages.scan()).toEqual(['a.zip', 'deep/b.zip']);
    expect(await packages.scan(['*', '!b*'])).toEqual(['a.zip']);
  },
);

it('refuses a directory name with a line end, which would split a pattern in two', async () => {
  await using packages = await Packages.create({ 'a.zip': '' }, 'one\ntwo');
  const scan = packages.scan(['*.zip']);
  await expect(scan).rejects.toThrow("package-directory is '");
  await expect(scan).rejects.toThrow(InputError);
});

it('sorts paths by their bytes', async () => {
  const paths = ['Z', 'a', 'a b', 'a!', 'a/b', 'ab', 'ä', '\u{ff01}', '\u{1f600}'];
  await using packages = await Packages.create(
    Object.fromEntries(paths.filter((path) => path !== 'a').map((path) => [path, ''])),
  );
  expect(await packages.scan()).toEqual(['Z', 'a b', 'a!', 'a/b', 'ab', 'ä', '\u{ff01}', '\u{1f600}']);
});

it('returns the size of each file, and whether it is executable', async () => {
  await using packages = await Packages.create({ 'a.zip': '' });
  await packages.write('run', 'four', 0o755);
  await packages.write('own', 'five!', 0o744);
  expect(await packages.adapter.scan({ patterns: [], includeHidden: false })).toEqual([
    { path: 'a.zip', sizeBytes: 0, executable: false },
    { path: 'own', sizeBytes: 5, executable: true },
    { path: 'run', sizeBytes: 4, executable: true },
  ]);
});

describe('links', () => {
  it('to files inside are followed', async () => {
    await using packages = await Packages.create();
    await packages.write('deep/tool', 'tool', 0o755);
    await packages.link('latest', 'deep/tool');
    await packages.link('absolute', join(packages.path, 'latest'));
    expect(await packages.adapter.scan({ patterns: [], includeHidden: false })).toEqual(
      ['absolute', 'deep/tool', 'latest'].map((path) => ({ path, sizeBytes: 4, executable: true })),
    );
  });

  it('to folders are left out with a warning', async () => {
    await using packages = await Packages.create({ 'deep/a.zip': '' });
    await packages.link('other', 'deep');
    await packages.link('loop', '.');
    expect(await packages.scan()).toEqual(['deep/a.zip']);
    expect(packages.warnings).toEqual([
      "'loop' is left out: a link to a folder is not followed.",
      "'other' is left out: a link to a folder is not followed.",
    ]);
  });

  it.each([
    ['a file', '../secret'],
    ['a folder', '..'],
    ['a folder whose name begins alike', '../packages-of-others'],
  ])('that lead out to %s are refused by name', async (_, target) => {
    await using packages = await Packages.create({ 'a.zip': '', '../secret': 's', '../packages-of-others/x': '' });
    await packages.link('bad', target);
    await expect(packages.scan()).rejects.toThrow(UserError);
    await expect(packages.scan()).rejects.toThrow(/^'bad' leads out of the package directory, to '.*': put a copy/);
    expect(await packages.scan(['*.zip'])).toEqual(['a.zip']);
  });

  it('that are broken or circular are refused', async () => {
    await using packages = await Packages.create();
    await packages.link('dangling', 'nothing');
    await packages.link('circle', 'circle');
    await expect(packages.scan(['dangling'])).rejects.toThrow("'dangling' is a broken link: fix or exclude it");
    await expect(packages.scan(['circle'])).rejects.toThrow("'circle' is a broken link");
  });

  it('can be the package directory itself', async () => {
    await using packages = await Packages.create({ 'real/a.zip': 'a', 'real/b.zip': 'b' }, '.');
    await packages.link('link', 'real');
    const linked = packageDirectory(join(packages.path, 'link'), SILENT);
    expect(await linked.scan({ patterns: ['*', '!b*'], includeHidden: false })).toEqual([
      { path: 'a.zip', sizeBytes: 1, executable: false },
    ]);
  });
});

describe('anything but a file', () => {
  const REFUSAL = 'is a pipe, a socket or a device: exclude it, or have the build write a file';

  it('is refused if it is a pipe', async () => {
    await using packages = await Packages.create({ 'a.zip': '' });
    execFileSync('mkfifo', [join(packages.path, 'pipe')]);
    await expect(packages.scan()).rejects.toThrow(`'pipe' ${REFUSAL}`);
    expect(await packages.scan(['!pipe'])).toEqual(['a.zip']);
  });

  it('is refused if it is a socket', async () => {
    await using packages = await Packages.create();
    const server = createServer().listen(join(packages.path, 's'));
    await once(server, 'listening');
    await expect(packages.scan()).rejects.toThrow(`'s' ${REFUSAL}`);
    await new Promise((done) => server.close(done));
  });
});

it('finds nothing in an empty directory', async () => {
  await using packages = await Packages.create();
  await mkdir(join(packages.path, 'empty'));
  expect(await packages.scan()).toEqual([]);
});

it('never lets a name reach a message unescaped', async () => {
  await using packages = await Packages.create();
  await packages.link('bad\n::warning::x', '/nowhere');
  await expect(packages.scan()).rejects.toThrow("'bad\\u{a}::warning::x' is a broken link");
});

(process.platform === 'win32' ? it.skip : it)("reports a folder that can't be read", async () => {
  await using packages = await Packages.create({ 'sub/closed/a': 'a' });
  await chmod(packages.around, 0o755);
  await chmod(join(packages.path, 'sub/closed'), 0);
  await asNobody(() =>
    expect(packages.scan()).rejects.toThrow("The folder 'sub/closed/' can't be read (EACCES): check its permissions"),
  );
});

(process.platform === 'win32' ? it.skip : it)('does not look into hidden folders that it does not upload', async () => {
  await using packages = await Packages.create({ 'a.zip': 'a', '.cache/b': 'b' });
  await chmod(packages.around, 0o755);
  await chmod(join(packages.path, '.cache'), 0);
  await asNobody(async () => {
    expect(await packages.scan()).toEqual(['a.zip']);
    await expect(packages.scan([], true)).rejects.toThrow("The folder '.cache/' can't be read (EACCES)");
  });
});

(process.platform === 'linux' ? describe : describe.skip)('a name that is not valid UTF-8', () => {
  const NAME = Buffer.from([0x61, 0xff, 0x62]);
  const REFUSAL = /^'a.b\/?' can't be an asset: its name is not valid UTF-8/u;

  it('is refused, as a file and as a folder', async () => {
    await using packages = await Packages.create();
    const path = Buffer.concat([Buffer.from(`${packages.path}/`), NAME]);
    await writeFile(path, '');
    await expect(packages.scan()).rejects.toThrow(REFUSAL);
    await expect(packages.scan(['**'])).rejects.toThrow(InputError);
    await rm(path);
    await mkdir(path);
    await expect(packages.scan()).rejects.toThrow(REFUSAL);
    await expect(packages.scan(['**'])).rejects.toThrow(InputError);
  });
});
