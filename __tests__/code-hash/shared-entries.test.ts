import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gitSourceTree } from '../../src/code-hash/code-hash.ts';
import { decodeFileName } from '../../src/code-hash/md5.ts';
import type { PatternGroup } from '../../src/ports.ts';
import { Repositories, type Repository } from '../support/git-repository.ts';
import { GitWrapper } from '../support/git-wrapper.ts';

// Hashing several packages at once must find the same entries as hashing each of them separately.

const repositories = new Repositories();
const environment = { ...process.env };
beforeEach(() => {
  process.env.GIT_CONFIG_NOSYSTEM = '1';
  process.env.GIT_CONFIG_GLOBAL = '/dev/null';
});
afterEach(() => {
  process.env = { ...environment };
});
afterAll(() => repositories.removeAll());

const FILES = {
  'package-lock.json': '{}',
  'README.md': 'r',
  'api/main.ts': 'a',
  'api/deep/er/x.ts': 'x',
  'api/notes.md': 'n',
  'api.ts': 'no package',
  'api b/c.ts': 'a space',
  'shared/s.ts': 's',
  'shared/s.md': 'm',
  'shared/.hidden': 'h',
  'site/é.html': 'e',
};

const GROUPS: readonly PatternGroup[] = [
  ['api/**', '!**/*.md'],
  ['shared/**'],
  ['**/*.ts'],
  ['!**/*.md'],
  ['api'],
  ['package-lock.json', 'site/*'],
  ['ap?/**/x.ts', 'api/*'],
];

function treesOf({ root }: Repository, groups: readonly PatternGroup[]) {
  const options = { repositoryPath: root, packageDirectory: join(root, 'api/dist') };
  const directories = [join(root, 'api/dist'), join(root, 'site/dist')];
  return { alone: gitSourceTree(options), shared: gitSourceTree({ ...options, packages: { directories, groups } }) };
}

async function textOf(found: Promise<{ readonly entries: Uint8Array; readonly unmatched: readonly string[] }>) {
  const { entries, unmatched } = await found;
  return { entries: Buffer.from(entries).toString('latin1').split('\0'), unmatched };
}

async function expectSame(repository: Repository, groups = GROUPS): Promise<void> {
  const { alone, shared } = treesOf(repository, groups);
  for (const group of groups)
    expect([group, await textOf(shared.entries(group))]).toEqual([group, await textOf(alone.entries(group))]);
}

describe('the sources of packages', () => {
  it('are the same as those of each package hashed separately', async () => {
    await expectSame(await repositories.createCommitted(FILES));
  });

  it.each<[string, (repository: Repository) => Promise<unknown>]>([
    ['a changed file', (repository) => repository.write({ 'shared/s.ts': 'changed' })],
    ['a deleted file', (repository) => repository.remove('api/main.ts')],
    ['a new file', (repository) => repository.write({ 'site/new.html': '' })],
    [
      'a folder in place of a file',
      async (repository) => {
        await repository.remove('api/main.ts');
        await repository.write({ 'api/main.ts/index.ts': '' });
      },
    ],
    [
      'a nested repository',
      async (repository) => {
        await repository.write({ 'api/nested/x.ts': '' });
        repository.git('init', '--quiet', 'api/nested');
        repository.git('-C', 'api/nested', 'commit', '--quiet', '--allow-empty', '--message', 'nested');
      },
    ],
  ])('are the same with %s', async (_, change) => {
    const repository = await repositories.createCommitted(FILES);
    await change(repository);
    await expectSame(repository);
  });

  it('are the same with a submodule', async () => {
    const repository = await repositories.createCommitted(FILES);
    repository.git('init', '--quiet', 'shared/sub');
    repository.git('-C', 'shared/sub', 'commit', '--quiet', '--allow-empty', '--message', 'nested');
    repository.git('-c', 'advice.addEmbeddedRepo=false', 'add', 'shared/sub');
    repository.commit();
    await expectSame(repository, [...GROUPS, ['shared/sub/**'], ['shared/**', '!shared/sub/**'], ['shared/sub']]);
  });

  it('leave out the package directory of each package', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'api/dist/out.js': '', 'site/dist/out.js': '' });
    const { entries } = await textOf(treesOf(repository, [['**']]).shared.entries(['**']));
    expect(entries).toHaveLength(Object.keys(FILES).length + 1);
  });

  it('come with the patterns that match nothing', async () => {
    const repository = await repositories.createCommitted(FILES);
    const { shared } = treesOf(repository, [['api/**', 'ape/**'], ['nothing']]);
    expect(await textOf(shared.entries(['api/**', 'ape/**'], [['nothing']]))).toMatchObject({
      unmatched: ['ape/**', 'nothing'],
    });
  });

  it('are merged by path, each with its own exclusions', async () => {
    const repository = await repositories.createCommitted(FILES);
    const { shared, alone } = treesOf(repository, [
      ['site/*', 'api/**', '!**/*.md'],
      ['shared/**', 'api/main.ts'],
    ]);
    const { entries } = await textOf(shared.entries(['site/*', 'api/**', '!**/*.md'], [['shared/**', 'api/main.ts']]));
    const wanted = ['api/deep/er/x.ts', 'api/main.ts', 'shared/.hidden', 'shared/s.md', 'shared/s.ts', 'site/é.html'];
    expect(entries).toEqual((await textOf(alone.entries(wanted))).entries);
    const committed = await shared.committedEntries(['site/*', 'api/**', '!**/*.md'], [['shared/**', 'api/main.ts']]);
    expect(Buffer.from(committed).toString('latin1').split('\0')).toEqual(entries);
  });

  it('are listed by git only once', async () => {
    const repository = await repositories.createCommitted(FILES);
    const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-git-'));
    const wrapper = new GitWrapper(directory);
    await wrapper.install();
    const groups = Array.from({ length: 200 }, (_, index) => ['api/**', 'shared/**', `!**/${index}`]);
    const { shared } = treesOf(repository, groups);
    await Promise.all(groups.map((group) => shared.entries(group)));
    expect(await wrapper.commands()).toEqual(['diff-files', 'ls-files', 'ls-files']);
    await rm(directory, { recursive: true });
  });

  it('are the same for any patterns', async () => {
    const repository = await repositories.createCommitted({
      a: '',
      'b/a': '',
      'b/b': '',
      'b/.a': '',
      'b/a.b/a': '',
      'b/a.b/b/a': '',
      'b/a.b/b/b.a': '',
      'ab/a': '',
      'a+b/(a)': '',
    });
    await mkdir(join(repository.root, 'api'), { recursive: true });
    const segment = fc.oneof(
      fc.constantFrom('**', '*', 'a', 'b', 'a.b', '.', '..', '', 'a+b'),
      fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '[', ']', '(', '\\', '+'), maxLength: 4 }),
    );
    const pattern = fc
      .tuple(fc.constantFrom('', '', '!'), fc.array(segment, { minLength: 1, maxLength: 4 }))
      .map(([mark, segments]) => mark + segments.join('/'))
      .filter((text) => !/^!?(\/|$)|\.\./.test(text) && !/^(!)?(\.\/)*\.?$/.test(text));
    const group = fc.array(pattern, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(group, { minLength: 4, maxLength: 6 }), async (groups) => {
        const { alone, shared } = treesOf(repository, groups);
        const outcomes = (tree: typeof alone) => Promise.all(groups.map((one) => settled(textOf(tree.entries(one)))));
        const [own, other] = await Promise.all([outcomes(alone), outcomes(shared)]);
        expect(other).toEqual(own);
      }),
      { numRuns: 10 },
    );
  }, 120_000);
});

function settled<Value>(work: Promise<Value>): Promise<Value | string> {
  return work.catch(String);
}

describe('sources matched by their names', () => {
  const UNUSUAL: readonly PatternGroup[] = [
    ['sh[a-r]red/**', '!shared/[.]*'],
    ['./shared/s.*', 'site/é*'],
    ['s**/*.ts'],
    ['shared/\\s.ts'],
    ['**', '!shared/sub/**'],
    ['shared/sub/**'],
    ['!api/[m-n]*'],
    [],
  ];
  const SIGNAL = new AbortController().signal;
  const pathOf = (entry: string) => entry.slice(entry.indexOf('\t') + 1);
  const asText = (path: string) => decodeFileName(Buffer.from(path, 'latin1'));

  it.each([
    ['sha1', false],
    ['sha1', true],
    ['sha256', true],
  ])('are the same as those listed, in a repository with %s, deleted: %s', async (format, isDeleted) => {
    const repository = await repositories.createCommitted(FILES, `--object-format=${format}`);
    if (process.platform === 'linux') await repository.writeFile(Buffer.from('shared/\xff.ts', 'latin1'), '');
    repository.git('init', '--quiet', `--object-format=${format}`, 'shared/sub');
    repository.git('-C', 'shared/sub', 'commit', '--quiet', '--allow-empty', '--message', 'nested');
    repository.git('-c', 'advice.addEmbeddedRepo=false', 'add', '.');
    repository.commit();
    const { alone } = treesOf(repository, []);
    const listed = async (group: PatternGroup) =>
      (await textOf(alone.entries(group))).entries.filter((entry) => entry !== '');
    const sources = (await listed(['**'])).map((entry) => ({
      path: asText(pathOf(entry)),
      isSubmodule: entry.startsWith('160000'),
      isDeleted,
    }));
    // They are matched even if the files are gone.
    const expected = [];
    for (const group of [...GROUPS, ...UNUSUAL])
      expected.push((await listed(group)).map(pathOf).map(asText).toSorted());
    await repository.remove('shared');
    repository.commit();
    const found = await alone.matching([...GROUPS, ...UNUSUAL], sources, SIGNAL);
    expect(found.map((paths) => [...paths].toSorted())).toEqual(expected);
  });

  it('may have the name of a folder that another one is in now', async () => {
    const repository = await repositories.createCommitted(FILES);
    const file = { path: 'lib', isSubmodule: false, isDeleted: true };
    const inFolder = { path: 'lib/x.ts', isSubmodule: false, isDeleted: false };
    const found = await treesOf(repository, []).alone.matching([['[l]ib'], ['[l]ib/**']], [file, inFolder], SIGNAL);
    expect(found).toEqual([new Set(['lib']), new Set(['lib/x.ts'])]);
  });

  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-git-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function watched() {
    const repository = await repositories.createCommitted(FILES);
    const wrapper = new GitWrapper(directory);
    await wrapper.install();
    return { alone: treesOf(repository, []).alone, wrapper };
  }

  it('need git only for unusual patterns and submodules', async () => {
    const { alone, wrapper } = await watched();
    const source = { path: 'api/main.ts', isSubmodule: false, isDeleted: true };
    expect((await alone.matching(GROUPS, [source], SIGNAL)).map(({ size }) => size)).toEqual([1, 0, 1, 1, 1, 0, 1]);
    await expect(wrapper.commands()).rejects.toThrow('ENOENT');
    await alone.matching([['[a]pi']], [source], SIGNAL);
    expect(await wrapper.commands()).toEqual(['hash-object', 'ls-files', 'update-index']);
    expect((await wrapper.indexFiles()).map((file) => existsSync(file))).toEqual([false]);
  });

  it('need git only once if several packages ask for the same', async () => {
    const { alone, wrapper } = await watched();
    const source = { path: 'shared/x.ts', isSubmodule: false, isDeleted: true };
    for (const other of ['api/**', 'site/**'])
      await Promise.all([1, 2].map(() => alone.matching([[other], ['sh[a]red/**']], [source], SIGNAL)));
    expect(await wrapper.indexFiles()).toHaveLength(1);
  });

  it('are not looked for by git once that would be too late', async () => {
    const { alone, wrapper } = await watched();
    const source = { path: 'shared/x.ts', isSubmodule: false, isDeleted: true };
    const find = (signal: AbortSignal) => alone.matching([['sh[a]red/**']], [source], signal);
    await expect(find(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    await expect(wrapper.commands()).rejects.toThrow('ENOENT');
    expect(await find(SIGNAL)).toEqual([new Set(['shared/x.ts'])]);
  });
});
