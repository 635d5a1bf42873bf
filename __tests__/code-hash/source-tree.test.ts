import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gitSha256, gitSourceTree } from '../../src/code-hash/code-hash.ts';
import { pathOf } from '../../src/code-hash/index-listing.ts';
import { InputError, UserError } from '../../src/errors.ts';
import { entriesOf, isolated, Repositories, Repository } from '../support/git-repository.ts';
import { GitWrapper } from '../support/git-wrapper.ts';

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

const FILES = { 'src/a.ts': 'a\n', 'src/deep/b.ts': 'b\n', 'other.txt': 'o\n' };

function treeOf({ root }: { root: string }, packageDirectory = join(root, 'packages')) {
  return gitSourceTree({ repositoryPath: root, packageDirectory });
}

async function pathsOf(repository: { root: string }, patterns = ['**'], packageDirectory?: string): Promise<string[]> {
  return (await entriesOf(treeOf(repository, packageDirectory), patterns)).map(pathOf);
}

/** The documented formula: `{ printf '…\0%s\0' "$SALT"; git ls-files -s -z -- ':(glob)…'; } | sha256sum`. */
function formula(repository: Repository, salt: string, pathspec: string): string {
  const listed = repository.git('ls-files', '-s', '-z', '--', pathspec);
  return createHash('sha256').update(`s3-asset-manager/code-hash/v1\0${salt}\0${listed}`, 'latin1').digest('hex');
}

async function codeHash(repository: Repository, salt: string, pattern: string): Promise<string> {
  return gitSha256(salt, (await treeOf(repository).entries([pattern])).entries);
}

/** Makes all tracked files older than the index, so that git trusts their times. */
async function age(repository: Repository): Promise<void> {
  for (const path of repository.git('ls-files', '-z').split('\0').slice(0, -1))
    await utimes(join(repository.root, path), 1e9, 1e9);
  repository.git('update-index', '--refresh');
}

describe('a clean checkout', () => {
  it.each(['sha1', 'sha256'])('has the hash that anyone can compute (%s)', async (format) => {
    const repository = await repositories.createCommitted(FILES, `--object-format=${format}`);
    expect(await codeHash(repository, 'node 24', 'src/**')).toBe(formula(repository, 'node 24', ':(glob)src/**'));
  });

  it('of 5,000 files has that hash too', async () => {
    const repository = await repositories.create();
    const files = Array.from(
      { length: 5000 },
      (_, n) => `M 100644 inline src/${n % 100}/${n}.ts\ndata 8\n${String(n).padStart(7)}\n`,
    );
    const commit = `commit refs/heads/main\ncommitter A <a@example.org> 0 +0000\ndata 0\n${files.join('')}`;
    repository.gitWithInput(commit, 'fast-import', '--quiet');
    repository.git('symbolic-ref', 'HEAD', 'refs/heads/main');
    repository.git('reset', '--quiet', '--hard');
    expect(await codeHash(repository, '', 'src/**')).toBe(formula(repository, '', ':(glob)src/**'));
  });

  it('is not read: a change that keeps time and size goes unnoticed, as in git', async () => {
    const repository = await repositories.createCommitted(FILES);
    // If git ignores the inode's change time, which can't be set, it takes the file for unchanged without reading it.
    repository.git('config', 'core.trustctime', 'false');
    await age(repository);
    await writeFile(join(repository.root, 'src/a.ts'), 'A\n');
    await utimes(join(repository.root, 'src/a.ts'), 1e9, 1e9);
    await writeFile(join(repository.root, 'other.txt'), 'changed, and seen to be\n');
    expect(await codeHash(repository, '', 'src/**')).toBe(formula(repository, '', ':(glob)src/**'));
    expect(await codeHash(repository, '', '**')).not.toBe(formula(repository, '', ':(glob)**'));
  });

  it.each([
    [['src/a.ts', '**/*.ts', 'other.txt'], 2],
    [['src/**', 'src/deep/**', 'other.txt'], 3],
    [['src/**', 'src/deep/**', 'other.txt', '!none/**'], 4],
  ])(
    'takes one git process to compare and few to list, however many patterns there are: %j',
    async (patterns, lists) => {
      const repository = await repositories.createCommitted(FILES);
      const wrapper = new GitWrapper(await repositories.directory());
      await wrapper.install();
      await treeOf(repository).entries(patterns);
      expect(await wrapper.commands()).toEqual(['diff-files', ...Array(lists).fill('ls-files')]);
    },
  );
});

describe('a change', () => {
  it('of the same length, in the same second in which the index was written, is noticed', async () => {
    const repository = await repositories.createCommitted(FILES);
    const before = await codeHash(repository, '', '**');
    await writeFile(join(repository.root, 'src/a.ts'), 'A\n');
    expect(await codeHash(repository, '', '**')).not.toBe(before);
    await writeFile(join(repository.root, 'src/a.ts'), 'a\n');
    expect(await codeHash(repository, '', '**')).toBe(before);
  });

  it('has the hash that its commit will have', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    await repository.remove('src/deep/b.ts');
    const hash = await codeHash(repository, '', '**');
    repository.commit();
    expect(await codeHash(repository, '', '**')).toBe(hash);
  });

  it('is hashed without a trace in the repository or elsewhere', async () => {
    const repository = await repositories.createCommitted(FILES);
    repository.git('update-index', '--split-index');
    await repository.write({ 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    const wrapper = new GitWrapper(await repositories.directory());
    await wrapper.install();
    const before = await snapshot(repository);
    await treeOf(repository).entries(['**']);
    expect(await snapshot(repository)).toEqual(before);
    const scratch = await wrapper.indexFiles();
    expect(scratch).toHaveLength(1);
    expect(scratch.map((path) => existsSync(dirname(path)))).toEqual([false]);
  });

  it('is hashed without a trace in a sparse checkout', async () => {
    const repository = await repositories.createCommitted({ ...FILES, 'docs/d.md': 'd\n' });
    repository.git('sparse-checkout', 'set', 'src');
    await repository.write({ 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    const before = await snapshot(repository);
    expect(await pathsOf(repository)).toEqual(['docs/d.md', 'other.txt', 'src/a.ts', 'src/deep/b.ts', 'src/new.ts']);
    expect(await snapshot(repository)).toEqual(before);
  });

  async function snapshot(repository: Repository): Promise<string[]> {
    const names = await readdir(repository.root, { recursive: true, withFileTypes: true });
    const files = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
    const describeFile = async (path: string) =>
      `${relative(repository.root, path)} ${(await stat(path)).mtimeMs} ${createHash('sha1')
        .update(await readFile(path))
        .digest('hex')}`;
    // Every git command, even a listing, updates the time of a shared index to mark it as in use.
    return (await Promise.all(files.map(describeFile)))
      .map((line) => line.replace(/(sharedindex\S+) \S+/, '$1'))
      .sort();
  }
});

describe('untracked files', () => {
  it('do not count in the package directory, while tracked ones do', async () => {
    const repository = await repositories.createCommitted({
      ...FILES,
      'packages/tracked.txt': 't\n',
      'packages/gone.txt': 'g\n',
    });
    await repository.write({
      'packages/app.zip': 'z',
      'packages/sub/.found': '',
      'packages2/new.txt': 'n',
      'packages/tracked.txt': 'changed\n',
    });
    await repository.remove('packages/gone.txt');
    expect(await pathsOf(repository)).toEqual([
      'other.txt',
      'packages/tracked.txt',
      'packages2/new.txt',
      'src/a.ts',
      'src/deep/b.ts',
    ]);
  });

  it('do not count in a package directory behind a link, and neither does the link', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'build/out/app.zip': 'z' });
    await repository.link('packages', 'build/out');
    expect(await pathsOf(repository)).toEqual(Object.keys(FILES).sort());
  });

  it('do not count at all if the package directory is the root', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/new.ts': 'n', 'src/a.ts': 'changed\n' });
    expect(await pathsOf(repository, ['**'], repository.root)).toEqual(Object.keys(FILES).sort());
  });

  it('count if the package directory is outside or missing', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/new.ts': 'n' });
    const outside = await repositories.directory();
    expect(await pathsOf(repository, ['src/*'], outside)).toEqual(['src/a.ts', 'src/new.ts']);
    expect(await pathsOf(repository, ['src/*'], join(repository.root, 'src/none'))).toEqual(['src/a.ts', 'src/new.ts']);
  });

  it('in the package directory are not even read', async () => {
    const repository = await repositories.createCommitted(FILES);
    // Reading it would run the filter, which fails.
    repository.git('config', 'filter.broken.clean', 'false');
    repository.git('config', 'filter.broken.required', 'true');
    await repository.write({
      '.git/info/attributes': '*.zip filter=broken\n',
      'packages/app.zip': 'z',
      'src/new.ts': 'n',
    });
    expect(await pathsOf(repository, ['**'])).toContain('src/new.ts');
  });

  it('are the only files in a repository without a commit', async () => {
    const repository = await repositories.create();
    await repository.write(FILES);
    expect(await pathsOf(repository)).toEqual(Object.keys(FILES).sort());
  });

  // Other systems refuse such a name.
  if (process.platform === 'linux')
    it('may have a name that is not UTF-8', async () => {
      const repository = await repositories.createCommitted(FILES);
      await repository.writeFile(Buffer.from([0xff]), 'x');
      await repository.writeFile(Buffer.from([0x61, 0xe9]), 'y');
      expect(await pathsOf(repository, ['*'])).toEqual(['a\xe9', 'other.txt', '\xff']);
      expect(await entriesOf(treeOf(repository), ['*'])).toEqual(await repository.entriesAfterAdd(['*']));
    });
});

describe('the repository', () => {
  it('may be a linked worktree', async () => {
    const repository = await repositories.createCommitted(FILES);
    repository.git('worktree', 'add', '--quiet', '../linked');
    const linked = { root: join(repository.root, '../linked') };
    await writeFile(join(linked.root, 'new.txt'), 'n');
    expect(await pathsOf(linked, ['*'])).toEqual(['new.txt', 'other.txt']);
  });

  it('may be a submodule', async () => {
    const [repository, other] = [await repositories.createCommitted(FILES), await repositories.createCommitted(FILES)];
    repository.addSubmodule(other.root, 'module');
    const submodule = { root: join(repository.root, 'module') };
    await writeFile(join(submodule.root, 'new.txt'), 'n');
    expect(await pathsOf(submodule, ['*'])).toEqual(['new.txt', 'other.txt']);
    expect(await treeOf(submodule).head()).toBe(other.git('rev-parse', 'HEAD').trim());
  });

  it('may be named through a link, or relative to the working directory', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'packages/app.zip': 'z', 'new.txt': 'n' });
    const link = join(await repositories.directory(), 'link');
    await symlink(repository.root, link);
    expect(await pathsOf({ root: link }, ['**'], join(repository.root, 'packages'))).toHaveLength(4);
    expect(await pathsOf({ root: relative('.', repository.root) }, ['**'], join(link, 'packages'))).toHaveLength(4);
  });

  it('may borrow its objects from another', async () => {
    const lender = await repositories.createCommitted({ 'crlf.txt': 'a\r\n' });
    const root = join(lender.root, '../a : "strange" name');
    lender.git('clone', '--quiet', '--shared', '--config', 'core.autocrlf=input', '.', root);
    await writeFile(join(root, '.git/objects/info/alternates'), '../../../repository/.git/objects\n');
    // Without the lender's object, git could not know that the file always had these line endings: it would convert them.
    await writeFile(join(root, 'crlf.txt'), 'a\r\nb\r\n');
    const expected = lender.git('hash-object', '--no-filters', join(root, 'crlf.txt')).trim();
    expect(await entriesOf(treeOf({ root }), ['*'])).toEqual([`100644 ${expected} 0\tcrlf.txt`]);
  });

  it('may belong to another user', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/new.ts': 'n' });
    await new GitWrapper(await repositories.directory()).install({ GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' });
    expect(() => repository.git('ls-files')).toThrow();
    expect(await pathsOf(repository, ['src/*'])).toEqual(['src/a.ts', 'src/new.ts']);
    expect(await treeOf(repository).head()).toMatch(/^[0-9a-f]{40}$/);
  });

  it('is not fetched into if it is a partial clone', async () => {
    const origin = await repositories.createCommitted({ 'crlf.txt': 'a\r\n' });
    origin.git('config', 'uploadpack.allowFilter', 'true');
    const partial = new Repository(join(origin.root, '../partial'));
    origin.git('clone', '--quiet', '--no-checkout', '--filter=blob:none', `file://${origin.root}`, partial.root);
    partial.git('read-tree', 'HEAD');
    // To convert line endings, git reads the object in the index, and would fetch it.
    partial.git('config', 'core.autocrlf', 'input');
    await partial.write({ 'crlf.txt': 'a\r\nb\r\n' });
    const before = partial.git('count-objects', '-v');
    await expect(treeOf(partial).entries(['**'])).rejects.toThrow(/git update-index failed/);
    expect(partial.git('count-objects', '-v')).toBe(before);
  });
});

describe('the configuration of the machine or the repository', () => {
  it('does not redirect git', async () => {
    const [repository, other] = [
      await repositories.createCommitted(FILES),
      await repositories.createCommitted({ x: 'x' }),
    ];
    await repository.write({ 'src/new.ts': 'n' });
    const expected = await treeOf(repository).entries(['src/*']);
    Object.assign(process.env, {
      GIT_DIR: join(other.root, '.git'),
      GIT_WORK_TREE: other.root,
      GIT_INDEX_FILE: join(other.root, '.git/index'),
      GIT_OBJECT_DIRECTORY: join(other.root, '.git/objects'),
      GIT_NAMESPACE: 'x',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.worktree',
      GIT_CONFIG_VALUE_0: other.root,
      GIT_CONFIG_PARAMETERS: `'core.bare'='true'`,
    });
    expect(await treeOf(repository).entries(['src/*'])).toEqual(expected);
  });

  it("does not ignore files through one user's excludes", async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/new.ts': 'n', '.git/ignored': 'new.ts\n' });
    repository.git('config', 'core.excludesFile', join(repository.root, '.git/ignored'));
    expect(await pathsOf(repository, ['src/*'])).toContain('src/new.ts');
  });

  it('passes no secrets to a filter', async () => {
    const repository = await repositories.createCommitted({ ...FILES, '.gitattributes': '*.ts filter=spy\n' });
    const trace = join(repository.root, '../trace');
    await repository.writeFile('.git/spy', `#!/bin/sh\nenv > '${trace}'\ncat\n`, 0o755);
    repository.git('config', 'filter.spy.clean', join(repository.root, '.git/spy'));
    await repository.write({ 'src/new.ts': 'n' });
    const names = [
      'INPUT_SIGNING-KEY',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'AWS_CONTAINER_AUTHORIZATION_TOKEN',
      'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
      'ACTIONS_ID_TOKEN_REQUEST_URL',
      'ACTIONS_RUNTIME_TOKEN',
    ];
    for (const name of names) process.env[name] = 'secret';
    process.env.NOT_A_SECRET = 'known';
    expect(await pathsOf(repository, ['src/*'])).toContain('src/new.ts');
    const seen = readFileSync(trace, 'utf8');
    expect(seen).toContain('known');
    expect(seen).not.toContain('secret');
  });

  it('runs no hook and no file system monitor', async () => {
    const repository = await repositories.createCommitted(FILES);
    const trace = join(repository.root, '../trace');
    await repository.writeFile('.git/hooks/post-index-change', `#!/bin/sh\ntouch '${trace}'\n`, 0o755);
    await repository.writeFile('.git/monitor', `#!/bin/sh\ntouch '${trace}'\n`, 0o755);
    repository.git('config', 'core.fsmonitor', join(repository.root, '.git/monitor'));
    await repository.write({ 'src/new.ts': 'n' });
    expect(await pathsOf(repository, ['src/*'])).toContain('src/new.ts');
    expect(existsSync(trace)).toBe(false);
    repository.git('add', '-A');
    expect(existsSync(trace)).toBe(true);
  });
});

describe('an excluding pattern', () => {
  // git 2.39 does not list `src/a.ts` with any of these, since it then skips `src/`.
  it.each(['lib/**', 'doc/a*', 'xyz/*'])('does not exclude files elsewhere: %s', async (pattern) => {
    const repository = await repositories.createCommitted({ ...FILES, 'lib/a.ts': 'l\n' });
    expect(await pathsOf(repository, ['src/**', `!${pattern}`])).toContain('src/deep/b.ts');
    await repository.write({ 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    expect(await pathsOf(repository, ['src/**', `!${pattern}`, '!src/deep'])).toContain('src/new.ts');
  });
});

describe('a pattern that matches nothing', () => {
  const unmatched = async (repository: Repository, ...patterns: readonly string[]) =>
    (await treeOf(repository).entries(patterns)).unmatched;

  it.each([
    [
      ['src/**', 'lib/**', 'other.txt', 'a.ts'],
      ['lib/**', 'a.ts'],
    ],
    [['src/**/*.{ts,tsx}', 'src/**'], ['src/**/*.{ts,tsx}']],
    [['src/**,', 'other.txt'], ['src/**,']],
    [['"src/**"', '**'], ['"src/**"']],
    [['lib/**', 'lib/**', 'src/*'], ['lib/**']],
    [
      ['lib/**', 'docs'],
      ['lib/**', 'docs'],
    ],
    [['src/**', '!lib/**', '!**/*.md'], []],
    [['src/**', 'other.txt', '!other.txt'], []],
    [['!lib/**'], []],
    [['!**'], []],
    [[], []],
  ])('is reported: of %j, %j', async (patterns, expected) => {
    const repository = await repositories.createCommitted(FILES);
    expect(await unmatched(repository, ...patterns)).toEqual(expected);
    await repository.write({ 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    expect(await unmatched(repository, ...patterns)).toEqual(expected);
  });

  it('is reported if all files that matched it were deleted', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.remove('src');
    expect(await unmatched(repository, 'src/**', 'other.txt')).toEqual(['src/**']);
    expect(await unmatched(repository, 'src/**')).toEqual(['src/**']);
  });

  it('may match untracked files, but not ignored ones or those in the package directory', async () => {
    const repository = await repositories.createCommitted({ ...FILES, '.gitignore': '*.log\n' });
    await repository.write({ 'new/a.ts': 'a', 'new.log': 'l', 'packages/app.zip': 'z' });
    expect(await unmatched(repository, 'new/**', '*.log', 'packages/**')).toEqual(['*.log', 'packages/**']);
  });

  it('may match files outside a sparse checkout', async () => {
    const repository = await repositories.createCommitted({ ...FILES, 'docs/d.md': 'd\n' });
    repository.git('sparse-checkout', 'set', 'docs');
    await repository.write({ 'docs/new.md': 'new\n' });
    expect(await unmatched(repository, 'src/**', 'docs/*', 'lib/**')).toEqual(['lib/**']);
  });

  it('may be for everything behind a link, since only the text of the link counts', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.link('vendor', 'src');
    repository.commit();
    expect(await unmatched(repository, 'vendor/**', 'other.txt')).toEqual(['vendor/**']);
    expect(await unmatched(repository, 'vendor')).toEqual([]);
  });
});

describe('a pattern for everything in a submodule', () => {
  async function withSubmodules(...names: readonly string[]): Promise<Repository> {
    const [repository, other] = [await repositories.createCommitted(FILES), await repositories.createCommitted(FILES)];
    for (const name of names) repository.addSubmodule(other.root, name);
    await repository.write({ 'vendor/own.txt': 'o\n', 'vendor/folder/f.txt': 'f\n' });
    repository.commit();
    return repository;
  }

  const bump = (repository: Repository, path: string) =>
    repository.git('-C', path, 'commit', '--quiet', '--allow-empty', '--message', 'bump');

  it.each(['vendor/lib/**', 'vendor/lib/**/*'])('includes the submodule, and matches: %s', async (pattern) => {
    const repository = await withSubmodules('vendor/lib');
    const { entries, unmatched } = await treeOf(repository).entries(['src/**', pattern]);
    expect(unmatched).toEqual([]);
    const formula = repository.git(
      'ls-files',
      '-s',
      '-z',
      '--',
      ':(glob)src/**',
      ':(glob)vendor/lib/**',
      ':(glob)vendor/lib',
    );
    expect(Buffer.from(entries).toString('latin1')).toBe(formula);
    expect(formula).toContain('160000');
    expect(Buffer.from(await treeOf(repository).committedEntries(['src/**', pattern])).toString('latin1')).toBe(
      formula,
    );
  });

  it.each(['committed', 'only checked out'])('changes the hash when the submodule is bumped (%s)', async (how) => {
    const repository = await withSubmodules('vendor/lib');
    const before = await entriesOf(treeOf(repository), ['src/**', 'vendor/lib/**']);
    bump(repository, 'vendor/lib');
    if (how === 'committed') repository.commit();
    const after = await entriesOf(treeOf(repository), ['src/**', 'vendor/lib/**']);
    expect(after).not.toEqual(before);
    repository.commit();
    expect(await entriesOf(treeOf(repository), ['src/**', 'vendor/lib/**'])).toEqual(after);
  });

  it('includes the submodules that a wildcard matches, but no file beside them', async () => {
    const repository = await withSubmodules('vendor/lib', 'vendor/old');
    expect(await pathsOf(repository, ['vendor/*/**', '!vendor/old'])).toEqual(['vendor/folder/f.txt', 'vendor/lib']);
    bump(repository, 'vendor/lib');
    expect(await pathsOf(repository, ['vendor/*/**'])).toEqual(['vendor/folder/f.txt', 'vendor/lib', 'vendor/old']);
    await repository.remove('vendor/folder');
    const { unmatched } = await treeOf(repository).entries(['vendor/*/**', 'none/**']);
    expect(unmatched).toEqual(['none/**']);
  });

  it('includes a submodule that is not tracked yet', async () => {
    const repository = await withSubmodules();
    const other = await repositories.createCommitted(FILES);
    repository.git('clone', '--quiet', other.root, 'vendor/new');
    const before = await entriesOf(treeOf(repository), ['vendor/new/**']);
    expect(before.map(pathOf)).toEqual(['vendor/new']);
    expect((await treeOf(repository).entries(['vendor/new/**'])).unmatched).toEqual([]);
    repository.commit();
    expect(await entriesOf(treeOf(repository), ['vendor/new/**'])).toEqual(before);
  });

  it.each(['vendor/lib/**', 'vendor/lib/**/*', 'vendor/l*/**'])(
    'leaves the submodule out if it is an exclusion: %s',
    async (pattern) => {
      const repository = await withSubmodules('vendor/lib', 'vendor/old');
      const others = ['vendor/folder/f.txt', 'vendor/old', 'vendor/own.txt'];
      for (const including of ['vendor/**', 'vendor', 'vendor/*/** vendor/own.txt']) {
        const patterns = [...including.split(' '), `!${pattern}`];
        expect(await pathsOf(repository, patterns)).toEqual(others);
        const committed = await treeOf(repository).committedEntries(patterns);
        expect(Buffer.from(committed)).toEqual(Buffer.from((await treeOf(repository).entries(patterns)).entries));
      }
      bump(repository, 'vendor/lib');
      expect(await pathsOf(repository, ['vendor/**', `!${pattern}`])).toEqual(others);
    },
  );

  it('leaves no other file out if it is an exclusion, and an excluded submodule still counts as a match', async () => {
    const repository = await withSubmodules('vendor/lib');
    expect(await pathsOf(repository, ['vendor/**', '!vendor/*/**'])).toEqual(['vendor/own.txt']);
    const { unmatched } = await treeOf(repository).entries(['vendor/lib/**', 'src/**', '!vendor/lib/**']);
    expect(unmatched).toEqual([]);
  });

  it('matches nothing if it names files in the submodule', async () => {
    const repository = await withSubmodules('vendor/lib');
    const { unmatched } = await treeOf(repository).entries(['vendor/lib/*.ts', 'src/**']);
    expect(unmatched).toEqual(['vendor/lib/*.ts']);
  });
});

describe('entries fails with advice', () => {
  it.each(['/src/**', '!/src/**'])('for a pattern with a leading slash: %s', async (pattern) => {
    const repository = await repositories.createCommitted(FILES);
    await expect(treeOf(repository).entries(['src/**', pattern])).rejects.toThrow(
      `'${pattern}': patterns are relative to the repository, so leave out the '/'`,
    );
  });

  it.each(['', '!', 'a\0b'])('for the pattern %j', async (pattern) => {
    const repository = await repositories.createCommitted(FILES);
    await expect(treeOf(repository).entries(['src/**', pattern])).rejects.toThrow(InputError);
  });

  it('for a pattern outside the repository', async () => {
    const repository = await repositories.createCommitted(FILES);
    await expect(treeOf(repository).entries(['../x'])).rejects.toThrow(/outside repository/);
  });

  it('in a merge conflict', async () => {
    const repository = await repositories.createCommitted(FILES);
    repository.git('checkout', '--quiet', '-b', 'other');
    await repository.write({ 'src/a.ts': 'theirs\n' });
    repository.commit();
    repository.git('checkout', '--quiet', '-');
    await repository.write({ 'src/a.ts': 'ours\n' });
    repository.commit();
    expect(() => repository.git('merge', 'other')).toThrow();
    await expect(treeOf(repository).entries(['**'])).rejects.toThrow(/'src\/a\.ts' is in an unresolved merge conflict/);
  });

  it('in a folder of the repository', async () => {
    const repository = await repositories.createCommitted(FILES);
    const failure = expect(treeOf({ root: join(repository.root, 'src') }).entries(['**'])).rejects;
    await failure.toThrow(`is a folder inside the repository '${await realpath(repository.root)}'`);
  });

  it('in a bare repository', async () => {
    const bare = await repositories.create('--bare');
    await expect(treeOf(bare).entries(['**'])).rejects.toThrow(/is a bare repository/);
  });

  it('if there is no repository, or no directory', async () => {
    const root = await repositories.directory();
    await expect(treeOf({ root }).entries(['**'])).rejects.toThrow(/is not the root of a git repository/);
    await expect(treeOf({ root: join(root, 'none') }).entries(['**'])).rejects.toThrow(/is not a directory/);
  });

  it('if git refuses', async () => {
    const root = await repositories.directory();
    await mkdir(join(root, '.git'));
    const entries = treeOf({ root }).entries(['**']);
    await expect(entries).rejects.toThrow(UserError);
    await expect(entries).rejects.toThrow(/git \S+ failed .* saying 'fatal: not a git repository/);
  });

  it('if a filter fails', async () => {
    const repository = await repositories.createCommitted(FILES);
    repository.git('config', 'filter.broken.clean', 'false');
    repository.git('config', 'filter.broken.required', 'true');
    await repository.write({ '.gitattributes': '*.ts filter=broken\n', 'src/new.ts': 'n' });
    await expect(treeOf(repository).entries(['src/new.ts'])).rejects.toThrow(/git update-index failed/);
  });

  it('if git would not store a file of that name', async () => {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/git~1': 'x' });
    await expect(treeOf(repository).entries(['src/*'])).rejects.toThrow(/git would not add 'src\/git~1'/);
  });

  it('if git is missing', async () => {
    const repository = await repositories.createCommitted(FILES);
    process.env.PATH = await repositories.directory();
    await expect(treeOf(repository).entries(['**'])).rejects.toThrow(/^Cannot start git \(ENOENT\)/);
  });
});

describe('committed entries', () => {
  it("are those of HEAD's own tree, whatever is in the index and on the disk", async () => {
    const repository = await repositories.createCommitted(FILES);
    const { entries: clean } = await treeOf(repository).entries(['src/**', '!src/deep/**']);
    const index = () => readFileSync(join(repository.root, '.git', 'index'));
    await repository.write({ 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    repository.git('add', 'src/a.ts');
    const before = index();
    const committed = await treeOf(repository).committedEntries(['src/**', '!src/deep/**']);
    expect(Buffer.from(committed)).toEqual(Buffer.from(clean));
    expect(index()).toEqual(before);
  });

  it('are not those of a commit that stands in for HEAD by a replace ref, which a build can add', async () => {
    const repository = await repositories.createCommitted(FILES);
    const clean = await treeOf(repository).committedEntries(['src/**']);
    const head = repository.git('rev-parse', 'HEAD').trim();
    await repository.write({ 'src/a.ts': 'of another build\n' });
    repository.commit();
    repository.git('replace', head, 'HEAD');
    repository.git('update-ref', 'HEAD', head);
    expect(await treeOf(repository).head()).toBe(head);
    expect(Buffer.from(await treeOf(repository).committedEntries(['src/**']))).toEqual(Buffer.from(clean));
  });

  it('are none if nothing matches, and an error if there is no commit', async () => {
    const repository = await repositories.createCommitted(FILES);
    expect(await treeOf(repository).committedEntries(['nowhere/**'])).toHaveLength(0);
    await expect(treeOf(await repositories.create()).committedEntries(['**'])).rejects.toThrow('git read-tree failed');
  });
});

describe('the folder for temporary files', () => {
  async function scratchOf(variables: NodeJS.ProcessEnv): Promise<string[]> {
    const repository = await repositories.createCommitted(FILES);
    await repository.write({ 'src/new.ts': 'new\n' });
    const wrapper = new GitWrapper(await repositories.directory());
    await wrapper.install();
    Object.assign(process.env, variables);
    expect(await pathsOf(repository, ['src/*'])).toEqual(['src/a.ts', 'src/new.ts']);
    return (await wrapper.indexFiles()).map((path) => dirname(dirname(path)));
  }

  it("is the runner's folder", async () => {
    const temp = await repositories.directory();
    expect(await scratchOf({ RUNNER_TEMP: temp })).toEqual([temp]);
  });

  it("is the system's folder if the runner has none, or its folder is gone", async () => {
    expect(await scratchOf({ RUNNER_TEMP: '' })).toEqual([tmpdir()]);
    expect(await scratchOf({ RUNNER_TEMP: '/no/such/folder' })).toEqual([tmpdir()]);
  });
});

describe('nested repositories', () => {
  it('are those directly below the root, with the commit checked out there', async () => {
    const root = await repositories.directory();
    for (const name of ['repo', 'empty'])
      execFileSync('git', ['init', '--quiet', join(root, name)], { env: isolated() });
    const repo = new Repository(join(root, 'repo'));
    repo.commit();
    await mkdir(join(root, 'folder/deep'), { recursive: true });
    await writeFile(join(root, 'file'), '');
    expect(await treeOf({ root }).nested()).toEqual([
      { path: join(root, 'empty'), head: undefined },
      { path: join(root, 'repo'), head: repo.git('rev-parse', 'HEAD').trim() },
    ]);
    expect(await treeOf({ root: '/no/such/folder' }).nested()).toEqual([]);
  });
});

describe('head', () => {
  it.each(['sha1', 'sha256'])('is the commit checked out (%s)', async (format) => {
    const repository = await repositories.createCommitted(FILES, `--object-format=${format}`);
    const commit = repository.git('rev-parse', 'HEAD').trim();
    expect(await treeOf(repository).head()).toBe(commit);
    repository.git('checkout', '--quiet', '--detach');
    expect(await treeOf(repository).head()).toBe(commit);
  });

  it('is undefined if there is no commit yet', async () => {
    expect(await treeOf(await repositories.create()).head()).toBeUndefined();
  });

  it('is undefined if there is no repository, even if git is missing', async () => {
    process.env.PATH = await repositories.directory();
    expect(await treeOf({ root: await repositories.directory() }).head()).toBeUndefined();
    expect(await treeOf({ root: '/no/such/folder' }).head()).toBeUndefined();
  });

  it('fails for a repository that git cannot read', async () => {
    const root = await repositories.directory();
    await mkdir(join(root, '.git'));
    await expect(treeOf({ root }).head()).rejects.toThrow(UserError);
  });
});

describe('contents', () => {
  it('are those of the files that Python finds', async () => {
    const repository = await repositories.createCommitted(FILES);
    const pieces: string[] = [];
    const contents = await treeOf(repository).contents(['src/**', '*.txt']);
    for await (const piece of contents.pieces) pieces.push(Buffer.from(piece).toString());
    expect(pieces).toEqual(['a\n', 'b\n', 'o\n']);
  });
});
