import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import type { Log, PackageDirectory } from '../../src/ports.ts';

export const SILENT: Log = { info: () => {}, warning: () => {}, debug: () => {} };

/** A package directory on a real disk, inside its own parent, where tests can put files that are outside. */
export class Packages implements AsyncDisposable {
  /** The parent of `path`. */
  readonly around: string;
  readonly path: string;
  readonly warnings: string[] = [];

  private constructor(around: string, name: string) {
    this.around = around;
    this.path = join(around, name);
  }

  /** @param files contents by path in the package directory */
  static async create(files: Readonly<Record<string, string>> = {}, name = 'packages'): Promise<Packages> {
    const packages = new Packages(await mkdtemp(join(tmpdir(), 's3-asset-manager-packages-')), name);
    await mkdir(packages.path, { recursive: true });
    for (const [path, content] of Object.entries(files)) await packages.write(path, content);
    return packages;
  }

  get adapter(): PackageDirectory {
    return packageDirectory(this.path, { ...SILENT, warning: (line) => void this.warnings.push(line) });
  }

  /** Paths of the files found. */
  async scan(patterns: readonly string[] = [], includeHidden = false): Promise<string[]> {
    return Array.from(await this.adapter.scan({ patterns, includeHidden }), ({ path }) => path);
  }

  /** @param path relative to the package directory, but may lead out of it */
  async write(path: string, content: string, mode = 0o644): Promise<void> {
    const file = join(this.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await chmod(file, mode);
  }

  async link(path: string, target: string): Promise<void> {
    await symlink(target, join(this.path, path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.around, { recursive: true, force: true });
  }
}

/** Drops root's permission to read and write anywhere while `work` runs. */
export async function asNobody(work: () => Promise<unknown>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
