import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { IncomingFile } from '../../ports.ts';

const FILE_MODE = 0o644;
const READ_BITS = 0o444;

const TEMPORARY = '.restoring-';
const LEFTOVER = /^\.restoring-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** No restore is silent for as long, with every attempt of a request timing out. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;
/** The folders that this process has cleaned. */
const cleaned = new Set<string>();

/**
 * Opens a file to be, under a temporary and hidden name in its folder. No link is followed on the way there, and what
 * stands in its place is replaced only once the file is whole.
 *
 * @param path relative, with `/`; judged fine already
 * @throws UserError where a link or a file stands where a folder belongs, or a folder where the file belongs
 */
export async function receiveFile(root: string, path: string): Promise<IncomingFile> {
  const folder = await makeFolders(root, path);
  const target = join(folder, basename(path));
  await refuseFolder(target, path);
  await removeLeftovers(folder);
  const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
  const handle = await telling(path, () => open(temporary, 'wx', FILE_MODE));
  return new Incoming({ path, handle, temporary, target });
}

interface Place {
  readonly path: string;
  readonly handle: FileHandle;
  readonly temporary: string;
  readonly target: string;
}

class Incoming implements IncomingFile {
  readonly #place: Place;
  #isKept = false;

  constructor(place: Place) {
    this.#place = place;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const { path, handle } = this.#place;
    await telling(path, async () => {
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
        written += bytesWritten;
      }
    });
  }

  async keep({ executable }: { readonly executable: boolean }): Promise<void> {
    const { path, handle, temporary, target } = this.#place;
    await telling(path, async () => {
      if (executable) await makeExecutable(handle);
      await handle.close();
      await rename(temporary, target);
    });
    this.#isKept = true;
  }

  /** Never throws: that would hide why the file was not kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isKept) return;
    const { handle, temporary } = this.#place;
    await handle.close().catch(() => undefined); // closed already where only the rename failed
    await rm(temporary, { force: true }).catch(() => undefined); // a later restore removes it
  }
}

/** Whoever may read the file by the umask may execute it too. */
async function makeExecutable(handle: FileHandle): Promise<void> {
  const { mode } = await handle.stat();
  await handle.chmod(mode | ((mode & READ_BITS) >> 2));
}

/** Makes the folders of a path one by one. @returns the innermost, with every link of the root resolved */
async function makeFolders(root: string, path: string): Promise<string> {
  let folder = await telling(path, () => realpath(root));
  for (const segment of dirname(path).split('/')) {
    if (segment === '.') continue;
    folder = join(folder, segment);
    if (!(await telling(path, () => makeFolder(folder))))
      throw new UserError(
        `'${printable(path)}' can't be restored, since '${printable(folder)}' is a link or a file: remove it, or restore into an empty directory`,
      );
  }
  return folder;
}

/** @returns whether it is a folder then; a link to one is none */
async function makeFolder(folder: string): Promise<boolean> {
  const there = await lstat(folder).catch(() => undefined); // nothing there, or the next step says why
  if (there !== undefined) return there.isDirectory();
  await mkdir(folder).catch((error: unknown) => {
    // Made by another file's restore a moment ago.
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  return (await lstat(folder)).isDirectory();
}

async function refuseFolder(target: string, path: string): Promise<void> {
  const there = await lstat(target).catch(() => undefined); // nothing there, as it should be
  if (there?.isDirectory())
    throw new UserError(
      `'${printable(path)}' can't be restored, since a folder is in its place: remove it, or restore into an empty directory`,
    );
}

/** What restores that were killed left behind is of no use, and only in the way. */
async function removeLeftovers(folder: string): Promise<void> {
  if (cleaned.has(folder)) return;
  cleaned.add(folder);
  const names = await readdir(folder).catch((): string[] => []); // what can't be listed stays as it is
  for (const name of names.filter((candidate) => LEFTOVER.test(candidate))) {
    const leftover = join(folder, name);
    const there = await lstat(leftover).catch(() => undefined);
    if (there?.isFile() && Date.now() - there.mtimeMs > LEFTOVER_AGE_MS)
      await rm(leftover, { force: true }).catch(() => undefined);
  }
}

async function telling<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const why = Error.isError(cause) && 'code' in cause ? String(cause.code) : String(cause);
    throw new UserError(
      `'${printable(path)}' can't be restored (${why}): check the disk's free space and the directory's permissions`,
      { cause },
    );
  }
}

function hasCode(error: unknown, code: string): boolean {
  return Error.isError(error) && 'code' in error && error.code === code;
}
