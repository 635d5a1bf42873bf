import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readableSize } from '../../src/text.ts';
import type { Content } from './bucket.ts';

const FILES_A_FOLDER = 1000;
const CHUNK_BYTES = 8 * 1024 ** 2;
/** The file, what is stored before and by the run, the parts it is put together from, and what is restored. */
const COPIES = 5;

/** Files of random bytes; more than a thousand go into folders. */
export async function writeSmallFiles(
  folder: string,
  { count, sizeBytes }: { readonly count: number; readonly sizeBytes: number },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index += 1) {
    const inside = count > FILES_A_FOLDER ? join(folder, `folder-${Math.floor(index / FILES_A_FOLDER)}`) : folder;
    if (index % FILES_A_FOLDER === 0) await mkdir(inside, { recursive: true });
    await writeFile(join(inside, `file-${index}.txt`), randomBytes(sizeBytes));
  }
}

/**
 * One file of random bytes.
 *
 * @throws Error where the disk has no room for what will be made of it
 */
export async function writeLargeFile(folder: string, sizeBytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  const neededBytes = COPIES * sizeBytes;
  if (bavail * bsize < neededBytes)
    throw new Error(
      `${folder} is on a disk with ${readableSize(bavail * bsize)} free: ${readableSize(neededBytes)} needed`,
    );
  await using file = await open(join(folder, 'large.bin'), 'wx');
  for (let written = 0; written < sizeBytes; written += CHUNK_BYTES)
    await file.write(randomBytes(Math.min(CHUNK_BYTES, sizeBytes - written)));
}

/** @returns what lies in a folder, hidden files apart */
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

/** What a step leaves beside the assets for later steps would change the next run, and count as an asset for others. */
export async function removeMarkers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith('.')) await rm(join(folder, name));
}
