import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathspecsOf } from '../../src/code-hash/index-listing.ts';
import type { SourceTree } from '../../src/ports.ts';

/** A path is text, or bytes if it need not be UTF-8. */
export type Path = string | Buffer;

const COMMIT = 'git add -A && git commit --quiet --allow-empty --message commit';

/** Temporary directories, and a new repository in each of them. */
export class Repositories {
  readonly #directories: string[] = [];

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 's3-asset-manager-test-'));
    this.#directories.push(path);
    return path;
  }

  async create(...options: string[]): Promise<Repository> {
    const root = join(await this.directory(), 'repository');
    execFileSync('git', ['init', '--quiet', ...options, root], { env: isolated() });
    return new Repository(root);
  }

  async createCommitted(files: Record<string, string>, ...options: string[]): Promise<Repository> {
    const repository = new Repository(join(await this.directory(), 'repository'));
    await repository.write(files);
    repository.script(`git init ${['--quiet', ...options].join(' ')} && ${COMMIT}`);
    return repository;
  }

  async removeAll(): Promise<void> {
    await Promise.all(this.#directories.map((path) => rm(path, { recursive: true, force: true })));
  }
}

export class Repository {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** @returns git's output, one character for each byte */
  git(...args: string[]): string {
    return execFileSync('git', args, this.options());
  }

  gitWithInput(input: string, ...args: string[]): string {
    return execFileSync('git', args, { ...this.options(), input });
  }

  commit(): void {
    this.script(COMMIT);
  }

  /** Adds a submodule like `git submodule add`, which is a shell script that needs more programs than git. */
  addSubmodule(source: string, name: string): void {
    const directory = join('.git/modules', name);
    mkdirSync(dirname(join(this.root, directory)), { recursive: true });
    this.git('clone', '--quiet', '--separate-git-dir', directory, source, name);
    this.git('config', '--file', '.gitmodules', `submodule.${name}.path`, name);
    this.git('config', '--file', '.gitmodules', `submodule.${name}.url`, source);
    this.git('config', `submodule.${name}.url`, source);
    this.git('add', '.gitmodules', name);
  }

  /** Runs several commands in one process: starting one from this large process takes ten times as long as git itself. */
  script(commands: string): void {
    this.git('-c', `alias.script=!${commands}`, 'script');
  }

  path(path: Path): Path {
    return typeof path === 'string' ? join(this.root, path) : Buffer.concat([Buffer.from(`${this.root}/`), path]);
  }

  async write(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) await this.writeFile(path, content);
  }

  async writeFile(path: Path, content: string, mode = 0o644): Promise<void> {
    if (typeof path === 'string') await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(this.path(path), content);
    await chmod(this.path(path), mode);
  }

  async link(path: string, target: string): Promise<void> {
    await symlink(target, join(this.root, path));
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.root, path), { recursive: true });
  }

  /** The entries to hash, by their literal definition: a listing after `git add -A` in a scratch index. */
  async entriesAfterAdd(patterns: readonly string[]): Promise<string[]> {
    const scratch = `${this.root}-index`;
    await this.copyIndex(scratch);
    const added = spawnSync(
      'git',
      ['-c', 'core.safecrlf=false', 'add', '-A'],
      this.options({ GIT_INDEX_FILE: scratch }),
    );
    // 1: there are files outside the sparse checkout, which git has left alone.
    if (added.status !== 0 && added.status !== 1) throw new Error(added.stderr);
    const args = ['ls-files', '-s', '-z', '--', ...pathspecsOf(patterns)];
    const listed = execFileSync('git', args, this.options({ GIT_INDEX_FILE: scratch }));
    return listed.split('\0').slice(0, -1);
  }

  /** Keeps the time of the original, from which git decides whether it can trust file times. */
  private async copyIndex(target: string): Promise<void> {
    const source = join(this.root, this.git('rev-parse', '--git-path', 'index').trim());
    if (!existsSync(source)) return;
    const { mtime } = await stat(source);
    await copyFile(source, target);
    await utimes(target, mtime, mtime);
  }

  private options(variables: NodeJS.ProcessEnv = {}) {
    const env = { ...isolated(), ...variables };
    return { cwd: this.root, env, encoding: 'latin1', stdio: 'pipe', maxBuffer: 2 ** 28 } as const;
  }
}

/** An environment without the machine's configuration, and with a name for commits. */
export function isolated(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: tmpdir(),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: '5',
    GIT_CONFIG_KEY_0: 'core.excludesFile',
    GIT_CONFIG_VALUE_0: '/dev/null',
    GIT_CONFIG_KEY_1: 'user.name',
    GIT_CONFIG_VALUE_1: 'A',
    GIT_CONFIG_KEY_2: 'user.email',
    GIT_CONFIG_VALUE_2: 'a@example.org',
    GIT_CONFIG_KEY_3: 'protocol.file.allow',
    GIT_CONFIG_VALUE_3: 'always',
    GIT_CONFIG_KEY_4: 'init.defaultBranch',
    GIT_CONFIG_VALUE_4: 'main',
    GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
    GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  };
}

/** The entries that a source tree lists for some patterns, one character for each byte. */
export async function entriesOf(tree: SourceTree, patterns: readonly string[]): Promise<string[]> {
  const { entries } = await tree.entries(patterns);
  return Buffer.from(entries).toString('latin1').split('\0').slice(0, -1);
}
