import { mkdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { gitSourceTree } from '../../src/code-hash/code-hash.ts';
import { entriesOf, Repositories, type Repository } from '../support/git-repository.ts';

// Git itself defines which content is hashed, so these tests compare with git.

const repositories = new Repositories();
beforeAll(() => {
  process.env.GIT_CONFIG_NOSYSTEM = '1';
  process.env.GIT_CONFIG_GLOBAL = '/dev/null';
});
afterAll(() => repositories.removeAll());

const FILES = {
  'src/a.ts': 'a\n',
  'src/deep/b.ts': 'b\n',
  'src/c.txt': 'c\n',
  'other.ts': 'o\n',
  '.gitignore': '*.log\n',
};

interface Scenario {
  readonly arrange: (repository: Repository) => Promise<void> | void;
  readonly patterns?: readonly string[];
  /** The patterns in git's syntax, if that differs. */
  readonly meant?: readonly string[];
}

const SCENARIOS: Record<string, Scenario> = {
  'nothing changed': { arrange: () => {} },
  'a changed file': { arrange: (r) => r.writeFile('src/a.ts', 'changed\n') },
  'a change outside the patterns': { arrange: (r) => r.writeFile('other.ts', 'changed\n') },
  'a touched file': { arrange: (r) => utimes(join(r.root, 'src/a.ts'), 1, 1) },
  'a deleted file': { arrange: (r) => r.remove('src/a.ts') },
  'a deleted folder': { arrange: (r) => r.remove('src/deep') },
  'a renamed file': { arrange: (r) => rename(join(r.root, 'src/a.ts'), join(r.root, 'src/z.ts')) },
  'an untracked file': { arrange: (r) => r.writeFile('src/new.ts', 'n\n') },
  'an untracked folder': { arrange: (r) => r.writeFile('src/x/y/new.ts', 'n\n') },
  'an ignored file': { arrange: (r) => r.writeFile('src/new.log', 'n\n') },
  'an ignored file that is tracked': {
    arrange: async (r) => {
      await r.writeFile('src/kept.log', 'n\n');
      r.git('add', '--force', 'src/kept.log');
      await r.writeFile('src/kept.log', 'changed\n');
    },
  },
  'a file staged, then changed': {
    arrange: async (r) => {
      await r.writeFile('src/a.ts', 'staged\n');
      r.git('add', '-A');
      await r.writeFile('src/a.ts', 'changed\n');
    },
  },
  'a file removed from the index only': { arrange: (r) => void r.git('rm', '--quiet', '--cached', 'src/a.ts') },
  'a file made executable': { arrange: (r) => r.writeFile('src/a.ts', 'a\n', 0o755) },
  'core.fileMode off': {
    arrange: async (r) => {
      r.git('update-index', '--chmod=+x', 'src/c.txt');
      r.git('config', 'core.fileMode', 'false');
      await r.writeFile('src/a.ts', 'changed\n', 0o755);
      await r.writeFile('src/c.txt', 'changed\n', 0o644);
      await r.writeFile('src/new.sh', 'n\n', 0o755);
    },
  },
  'a symbolic link': { arrange: (r) => r.link('src/link', 'no/such/file') },
  'a file turned into a link': {
    arrange: async (r) => {
      await r.remove('src/a.ts');
      await r.link('src/a.ts', 'c.txt');
    },
  },
  'core.symlinks off': {
    arrange: async (r) => {
      await r.link('src/link', 'a.ts');
      r.commit();
      r.git('config', 'core.symlinks', 'false');
      await r.remove('src/link');
      await r.writeFile('src/link', 'c.txt');
    },
  },
  'a file turned into a folder': {
    arrange: async (r) => {
      await r.remove('src/a.ts');
      await r.writeFile('src/a.ts/inner.ts', 'i\n');
    },
  },
  'a folder turned into a file': {
    arrange: async (r) => {
      await r.remove('src/deep');
      await r.writeFile('src/deep', 'd\n');
    },
  },
  'a folder turned into a link to an identical one': {
    arrange: async (r) => {
      await rename(join(r.root, 'src/deep'), join(r.root, 'elsewhere'));
      await r.link('src/deep', '../elsewhere');
    },
  },
  'the same, with a pattern for its former contents': {
    arrange: async (r) => {
      await rename(join(r.root, 'src/deep'), join(r.root, 'elsewhere'));
      await r.link('src/deep', '../elsewhere');
    },
    patterns: ['src/deep/*.ts', 'src/*.txt'],
  },
  'names that are not ASCII': { arrange: (r) => r.write({ 'src/é.ts': 'e', 'src/😀.ts': 's', 'src/～.ts': 'w' }) },
  'names with a line end, quotes, a tab': {
    arrange: (r) => r.write({ 'src/a\nb.ts': 'x', 'src/"q".ts': 'x', 'src/\t.ts': 'x' }),
  },
  'names that resemble the output of git': {
    arrange: (r) => r.write({ 'src/H 100644 x': 'x', 'src/? y': 'x', '? z': 'x' }),
    patterns: ['**'],
  },
  'intent to add': {
    arrange: async (r) => {
      await r.write({ 'src/soon.ts': 's\n', 'src/gone.ts': 'g\n' });
      r.git('add', '--intent-to-add', 'src/soon.ts', 'src/gone.ts');
      await r.remove('src/gone.ts');
    },
  },
  'assume-unchanged': {
    arrange: async (r) => {
      r.git('update-index', '--assume-unchanged', 'src/a.ts', 'src/c.txt');
      await r.writeFile('src/a.ts', 'changed\n');
      await r.remove('src/c.txt');
      await r.writeFile('src/deep/b.ts', 'changed\n');
    },
  },
  'skip-worktree': {
    arrange: async (r) => {
      r.git('update-index', '--skip-worktree', 'src/a.ts', 'src/c.txt');
      await r.writeFile('src/a.ts', 'changed\n');
      await r.remove('src/c.txt');
      await r.writeFile('src/deep/b.ts', 'changed\n');
    },
  },
  'a sparse checkout': { arrange: (r) => void r.git('sparse-checkout', 'set', 'src/deep') },
  'a sparse checkout with changes inside and outside': {
    arrange: async (r) => {
      r.git('sparse-checkout', 'set', '--cone', 'docs');
      await r.write({
        'src/a.ts': 'outside\n',
        'src/new.ts': 'outside\n',
        'docs/new.ts': 'inside\n',
        'other.ts': 'inside\n',
      });
    },
    patterns: ['src/**', 'docs/**', '*.ts'],
  },
  'a sparse index': {
    arrange: async (r) => {
      r.git('sparse-checkout', 'set', '--cone', '--sparse-index', 'docs');
      await r.write({ 'docs/new.ts': 'inside\n' });
    },
    patterns: ['**'],
  },
  'line endings that git converts': {
    arrange: async (r) => {
      r.git('config', 'core.autocrlf', 'true');
      await r.write({ 'src/a.ts': 'a\r\nb\r\n', 'src/new.ts': 'n\r\n' });
    },
  },
  'line endings that are unconverted in the index': {
    arrange: async (r) => {
      await r.writeFile('src/crlf.ts', 'a\r\n');
      r.commit();
      r.git('config', 'core.autocrlf', 'input');
      await r.writeFile('src/crlf.ts', 'a\r\nb\r\n');
    },
  },
  'line endings that core.safecrlf would refuse': {
    arrange: async (r) => {
      r.git('config', 'core.autocrlf', 'input');
      await r.writeFile('src/new.ts', 'n\r\n');
    },
  },
  'a filter': {
    arrange: async (r) => {
      r.git('config', 'filter.upper.clean', 'tr a-z A-Z');
      await r.write({ '.gitattributes': '*.ts filter=upper\n', 'src/a.ts': 'changed\n', 'src/new.ts': 'new\n' });
    },
  },
  'a submodule at another commit, one changed inside, one not checked out, one new': {
    arrange: async (r) => {
      const other = await repositories.createCommitted({ 'x.txt': 'x\n' });
      for (const name of ['moved', 'changed', 'empty']) r.addSubmodule(other.root, `src/${name}`);
      r.git('config', 'submodule.src/moved.ignore', 'all');
      r.commit();
      r.git('-C', 'src/moved', 'commit', '--quiet', '--allow-empty', '-m', 'x');
      await r.writeFile('src/changed/x.txt', 'changed\n');
      await r.remove('src/empty');
      await mkdir(join(r.root, 'src/empty'));
      r.git('clone', '--quiet', other.root, 'src/new');
    },
  },
  'a nested repository in place of a file': {
    arrange: async (r) => {
      const other = await repositories.createCommitted({ 'x.txt': 'x\n' });
      await r.remove('src/a.ts');
      r.git('clone', '--quiet', other.root, 'src/a.ts');
    },
  },
  'a submodule turned into a file, one turned into a folder': {
    arrange: async (r) => {
      const other = await repositories.createCommitted({ 'x.txt': 'x\n' });
      for (const name of ['one', 'two']) r.addSubmodule(other.root, `src/${name}`);
      r.commit();
      await r.remove('src/one');
      await r.writeFile('src/one', '1\n');
      await r.remove('src/two/.git');
    },
  },
  'a nested repository with a pattern for its contents': {
    arrange: async (r) => {
      const other = await repositories.createCommitted({ 'x.txt': 'x\n' });
      r.git('clone', '--quiet', other.root, 'src/new');
    },
    patterns: ['src/new/**', 'src/*.ts'],
    meant: ['src/new/**', 'src/new', 'src/*.ts'],
  },
  'a split index': {
    arrange: async (r) => {
      r.git('update-index', '--split-index');
      await r.writeFile('src/a.ts', 'changed\n');
    },
  },
  'an index of version 4': {
    arrange: async (r) => {
      r.git('update-index', '--index-version', '4');
      await r.writeFile('src/a.ts', 'changed\n');
    },
  },
  'a pattern that matches nothing beside one that does': {
    arrange: (r) => r.writeFile('src/new.ts', 'n\n'),
    patterns: ['no/such/**', 'src/*.ts'],
  },
  'a pattern for ignored files only, beside another': {
    arrange: (r) => r.write({ 'build/x.log': 'x', 'src/new.ts': 'n\n' }),
    patterns: ['build/**', 'src/*.ts'],
  },
  'excluding patterns': {
    arrange: (r) => r.writeFile('src/new.ts', 'n\n'),
    patterns: ['src/**', '!src/deep/**', '!**/c.*'],
  },
  'only excluding patterns': { arrange: (r) => r.writeFile('src/new.ts', 'n\n'), patterns: ['!src/deep/**'] },
  'patterns that look like options or magic': {
    arrange: (r) => r.write({ '--others': 'x', ':(top)y': 'y', ':!z': 'z' }),
    patterns: ['--others', ':(top)y', ':!z'],
  },
  'a `*` that does not cross folders, and a plain path that includes everything below it': {
    arrange: (r) => r.writeFile('src/new.ts', 'n\n'),
    patterns: ['*.ts', 'src/deep'],
  },
  'info/exclude': {
    arrange: (r) => r.write({ '.git/info/exclude': 'new.ts\n', 'src/new.ts': 'n\n', 'src/z.ts': 'z\n' }),
  },
};

it.each(Object.entries(SCENARIOS))('agrees with git add -A: %s', async (_name, scenario) => {
  const { arrange, patterns = ['src/**'], meant = patterns } = scenario;
  const repository = await repositories.createCommitted(FILES);
  await arrange(repository);
  const tree = gitSourceTree({ repositoryPath: repository.root, packageDirectory: join(repository.root, 'packages') });
  expect(await entriesOf(tree, patterns)).toEqual(await repository.entriesAfterAdd(meant));
});
