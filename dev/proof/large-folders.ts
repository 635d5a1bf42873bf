import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listFiles } from './build.ts';
import type { Dice } from './dice.ts';

const MIB = 1024 ** 2;
const FILES_A_FOLDER = 100;
const MOST_BYTES_A_FILE = 4096;
const CHUNK_BYTES = 8 * MIB;

/** Writes small files into subfolders of an existing folder. */
export async function writeMany(folder: string, count: number, dice: Dice): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const inside = join(folder, `folder-${Math.floor(index / FILES_A_FOLDER)}`);
    if (index % FILES_A_FOLDER === 0) await mkdir(inside);
    await writeFile(join(inside, `file-${index}.txt`), dice.bytes(dice.below(MOST_BYTES_A_FILE)));
  }
}

/** Writes one file without repetitions. */
export async function writeLarge(file: string, sizeMib: number, dice: Dice): Promise<void> {
  await using handle = await open(file, 'wx');
  for (let written = 0; written < sizeMib * MIB; written += CHUNK_BYTES)
    await handle.write(dice.bytes(Math.min(CHUNK_BYTES, sizeMib * MIB - written)));
}

/** A digest of the paths and bytes of all visible files. */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const files = await listFiles(folder);
  for (const path of files.filter((file) => !basename(file).startsWith('.')).sort()) {
    hash.update(`${path}\0`);
    await feed(hash, join(folder, path));
  }
  return hash.digest('hex');
}

async function feed(hash: Hash, file: string): Promise<void> {
  for await (const chunk of createReadStream(file)) hash.update(chunk);
}
