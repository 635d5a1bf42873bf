import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readableSize } from '../../src/text.ts';
import type { Content } from './bucket.ts';
import type { FileSet } from './sizes.ts';

const FILES_A_FOLDER = 1000;
const CHUNK_BYTES = 8 * 1024 ** 2;
/** Copies on the disk: the files, those stored before and by the run, the parts of the upload, and those restored. */
const COPIES = 5;

/**
 * Writes files of random bytes; more than a thousand go into folders.
 *
 * @returns their paths in the folder
 * @throws Error if the disk has no room for all copies of them
 */
export async function writeFiles(folder: string, { count, sizeBytes }: FileSet): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  await expectRoom(folder, COPIES * count * sizeBytes);
  const paths = pathsOf(count);
  for (const [index, path] of paths.entries()) {
    if (count > FILES_A_FOLDER && index % FILES_A_FOLDER === 0) await mkdir(join(folder, path, '..'));
    await writeFile(join(folder, path), randomChunks(sizeBytes));
  }
  return paths;
}

/** @returns the paths of so many files */
export function pathsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `file-${index}.bin`;
    return count > FILES_A_FOLDER ? join(`folder-${Math.floor(index / FILES_A_FOLDER)}`, name) : name;
  });
}

function* randomChunks(sizeBytes: number): Generator<Buffer> {
  for (let leftBytes = sizeBytes; leftBytes > 0; leftBytes -= CHUNK_BYTES)
    yield randomBytes(Math.min(CHUNK_BYTES, leftBytes));
}

async function expectRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes)
    throw new Error(`${folder} is on a disk with ${readableSize(freeBytes)} free: ${readableSize(neededBytes)} needed`);
}

/** @returns number and size of the files in a folder, without hidden ones */
export async function contentOf(folder: string): Promise<Content> {
  const paths = await visibleFiles(folder);
  let sizeBytes = 0;
  for (const path of paths) sizeBytes += (await stat(path)).size;
  return { count: paths.length, sizeBytes };
}

async function visibleFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !basename(entry.name).startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A step writes markers for later steps, which would change the next run and count as assets for other programs. */
export async function removeMarkers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith('.')) await rm(join(folder, name));
}
