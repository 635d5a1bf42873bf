import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { machineEnvironment } from '../run-action.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Commit {
  readonly id: string;
  readonly shortId: string;
  readonly message: string;
}

/** Disables the user's own configuration, which may sign commits, run hooks or rewrite line endings. */
const ENVIRONMENT = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
const AUTHOR = ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.com', '-c', 'commit.gpgSign=false'];
/** After a commit of many files, git would pack them in the background, which takes a processor for half a minute. */
const NOTHING_BEHIND = ['-c', 'maintenance.auto=false', '-c', 'gc.auto=0'];

/** A checked-out git repository, in a directory of its own. */
export class Repository {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    this.#git('init', '--quiet');
  }

  async commit(message: string, files: Files): Promise<Commit> {
    await this.write('.', files);
    this.#git('add', '--all');
    this.#git(...AUTHOR, ...NOTHING_BEHIND, 'commit', '--quiet', '--message', message);
    const id = this.#git('rev-parse', 'HEAD').trim();
    return { id, shortId: id.slice(0, 7), message };
  }

  /** @param folder relative to the root, as are the paths of the files to it */
  async write(folder: string, files: Files): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.root, folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }

  async remove(folder: string): Promise<void> {
    await rm(join(this.root, folder), { recursive: true, force: true });
  }

  #git(...args: readonly string[]): string {
    const env = { ...machineEnvironment(), ...ENVIRONMENT };
    try {
      return execFileSync('git', args, { cwd: this.root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    } catch (cause) {
      throw new Error(`git ${args.join(' ')} failed (${cause}): is git installed and on the PATH?`, { cause });
    }
  }
}
