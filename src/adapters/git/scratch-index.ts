import { copyFile, mkdir, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { printable } from '../../core/printable.ts';
import { systemCode, UserError } from '../../errors.ts';
import { readGit } from './run-git.ts';

/**
 * Lends a copy of the repository's index, with an object store beside it, and throws both away afterwards.
 *
 * @param use is given the variables that make git work on the copy
 */
export async function withScratchIndex<T>(
  root: string,
  use: (environment: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const directory = await makeDirectory();
  try {
    return await use(await copyIndex(root, directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Where the runner keeps temporary files, which it also clears away, or else where the system does. */
async function makeDirectory(): Promise<string> {
  const { RUNNER_TEMP } = process.env;
  const places = RUNNER_TEMP ? [RUNNER_TEMP, tmpdir()] : [tmpdir()];
  const faults: string[] = [];
  for (const place of places)
    try {
      return await mkdtemp(join(place, 's3-asset-manager-'));
    } catch (error) {
      faults.push(`'${printable(place)}' (${systemCode(error)})`);
    }
  throw new UserError(
    `No temporary folder can be made in ${faults.join(' or ')}: let RUNNER_TEMP or TMPDIR name a directory that can be written to`,
  );
}

async function copyIndex(root: string, directory: string): Promise<NodeJS.ProcessEnv> {
  const located = await readGit(root, ['rev-parse', '--git-path', 'index', '--git-path', 'objects']);
  const [index = '', objects = ''] = Buffer.from(located, 'latin1').toString().split('\n');
  const scratch = { index: join(directory, 'index'), objects: join(directory, 'objects') };
  await copyWithTime(resolve(root, index), scratch.index);
  await mkdir(scratch.objects);
  return {
    GIT_INDEX_FILE: scratch.index,
    GIT_OBJECT_DIRECTORY: scratch.objects,
    // git looks at what it has to judge line ends. Unquoted, a path would end at a colon.
    GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${resolve(root, objects).replaceAll(/["\\]/g, '\\$&')}"`,
  };
}

async function copyWithTime(index: string, copy: string): Promise<void> {
  const original = await stat(index).catch(() => undefined); // a repository to which nothing was ever added has none
  if (original === undefined) return;
  await copyFile(index, copy);
  // git compares the contents of a file that is not older than the index: with a newer index it would miss a change
  // made within the same second. Older is safe, so the fraction, which may not survive, is dropped.
  const seconds = Math.floor(original.mtimeMs / 1000);
  await utimes(copy, seconds, seconds);
}
