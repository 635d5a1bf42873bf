import { chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Dice } from './dice.ts';

// The files of a build: the truth that buckets and directories are compared with.

/** The smallest part size that the action accepts, in MiB. */
export const PART_SIZE_MIB = 5;
export const PART_BYTES = PART_SIZE_MIB * 1024 ** 2;

export interface BuiltFile {
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

/** By path, in the order of the paths' bytes. */
export type Build = ReadonlyMap<string, BuiltFile>;

/**
 * A file of two parts, an empty one, an executable one, a folder, and letters outside ASCII. Their extensions are known,
 * since SeaweedFS stores other files with a content type of its own.
 */
export function makeBuild(dice: Dice, { isLarge }: { readonly isLarge: boolean }): Build {
  const sizes = {
    'app.js': dice.between(20, 3000),
    'empty.txt': 0,
    'functions/api.zip': dice.between(1, 20_000),
    ...(isLarge ? { 'large.bin': PART_BYTES + dice.between(1, 5000) } : {}),
    'run.sh': dice.between(1, 300),
    'zürich/ö +%.txt': dice.between(1, 100),
  };
  return new Map(
    Object.entries(sizes).map(([path, size]) => [path, { bytes: dice.bytes(size), executable: path === 'run.sh' }]),
  );
}

/** The files of a build that is not reproducible: the first file has other bytes, and so have some of the others. */
export function rebuild(build: Build, dice: Dice): Build {
  const [first] = build.keys();
  return new Map(
    [...build].map(([path, file]) => {
      if (path === first) return [path, { ...file, bytes: dice.bytes(file.bytes.length) }];
      const isChanged = file.bytes.length > 0 && dice.chance(0.5);
      const sizeBytes = file.bytes.length + dice.below(2);
      return [path, isChanged ? { ...file, bytes: dice.bytes(sizeBytes) } : file];
    }),
  );
}

export function sizeOf(build: Build): number {
  return [...build.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
}

export async function writeBuild(directory: string, build: Build): Promise<void> {
  for (const [path, { bytes, executable }] of build) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
    if (executable) await chmod(join(directory, path), 0o755);
  }
}

/** The contents of a directory: files by their paths, and the paths of hidden ones. */
export interface Restoration {
  readonly files: Build;
  readonly hidden: readonly string[];
}

export async function readDirectory(directory: string): Promise<Restoration> {
  const files = new Map<string, BuiltFile>();
  const hidden: string[] = [];
  for (const path of await listFiles(directory)) {
    const file = join(directory, path);
    if (basename(path).startsWith('.')) hidden.push(path);
    else files.set(path, { bytes: await readFile(file), executable: ((await lstat(file)).mode & 0o100) !== 0 });
  }
  return { files, hidden };
}

/** @returns the paths of all files, with `/`; none if there is no such directory */
export async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** @returns the paths at which two builds differ */
export function differences(left: Build, right: Build): string[] {
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths].filter((path) => !isSame(left.get(path), right.get(path)));
}

/** Windows has no executable bit. */
function isSame(left: BuiltFile | undefined, right: BuiltFile | undefined): boolean {
  if (left === undefined || right === undefined || !Buffer.from(left.bytes).equals(right.bytes)) return false;
  return process.platform === 'win32' || left.executable === right.executable;
}
