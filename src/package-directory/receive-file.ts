import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import type { IncomingFile } from '../ports.ts';
import { codeOf, printable, systemCode } from '../text.ts';
import { writeAt } from './files.ts';

// Synchronous but for large writes: for a small file, each call handed to another thread costs more than all of them.

const FILE_MODE = 0o644;
const READ_BITS = 0o444;

const TEMPORARY = '.restoring-';
const LEFTOVER = /^\.restoring-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** No restore is silent for as long, with every attempt of a request timing out. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;
/** The folders that this process has cleaned. */
const cleaned = new Set<string>();

/** Opens a file to be, by its path in the package directory: relative, with `/`, judged fine already. */
type Receiver = (path: string) => IncomingFile;

/**
 * Opens files to be, under a temporary and hidden name in their folder. No link is followed on the way there, and what
 * stands in a file's place is replaced only once that is whole.
 *
 * @param root the package directory; where it lies is found out once
 * @returns opens one of them, and throws UserError where a link or a file stands where a folder belongs, or a folder where
 *   the file belongs
 */
export function receiverOf(root: string): Receiver {
  let realRoot: string | undefined;
  return (path) => {
    realRoot ??= telling(path, () => realpathSync.native(root));
    return receiveFile(realRoot, path);
  };
}

function receiveFile(realRoot: string, path: string): IncomingFile {
  const folder = makeFolders(realRoot, path);
  const target = join(folder, basename(path));
  refuseFolder(target, path);
  removeLeftovers(folder);
  const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
  const descriptor = telling(path, () => openSync(temporary, 'wx', FILE_MODE));
  const place = placeOf(descriptor) ?? temporary;
  const incoming = new Incoming({ path, descriptor, temporary: place, target });
  if (place === temporary) return incoming;
  incoming.discard();
  throw new UserError(
    `'${printable(path)}' can't be restored, since a link came in place of one of its folders: make sure that nothing else writes there`,
  );
}

/** Where an open file lies, as far as the system tells: a link may have been swapped in since its folders were looked at. */
function placeOf(descriptor: number): string | undefined {
  try {
    return process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${descriptor}`) : undefined;
  } catch {
    return undefined; // no /proc
  }
}

interface Place {
  readonly path: string;
  readonly descriptor: number;
  readonly temporary: string;
  readonly target: string;
}

class Incoming implements IncomingFile {
  readonly #place: Place;
  #isOpen = true;
  #isKept = false;

  constructor(place: Place) {
    this.#place = place;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const { path, descriptor } = this.#place;
    await writeAt(descriptor, bytes, position).catch((error: unknown) => {
      throw cannotRestore(path, error);
    });
  }

  async keep({ executable }: { readonly executable: boolean }): Promise<void> {
    const { path, descriptor, temporary, target } = this.#place;
    telling(path, () => {
      if (executable) makeExecutable(descriptor);
      this.#close();
      renameSync(temporary, target);
    });
    this.#isKept = true;
  }

  /** Whatever goes wrong here would hide why the file was not kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isKept) this.discard();
  }

  /** Never throws. */
  discard(): void {
    try {
      if (this.#isOpen) this.#close();
      unlinkSync(this.#place.temporary);
    } catch {
      // A later restore removes it.
    }
  }

  #close(): void {
    this.#isOpen = false;
    closeSync(this.#place.descriptor);
  }
}

/** Whoever may read the file by the umask may execute it too. */
function makeExecutable(descriptor: number): void {
  const { mode } = fstatSync(descriptor);
  fchmodSync(descriptor, mode | ((mode & READ_BITS) >> 2));
}

/** Makes the folders of a path one by one. @returns the innermost */
function makeFolders(realRoot: string, path: string): string {
  let folder = realRoot;
  for (const segment of dirname(path).split('/')) {
    if (segment === '.') continue;
    folder = join(folder, segment);
    if (!telling(path, () => makeFolder(folder)))
      throw new UserError(
        `'${printable(path)}' can't be restored, since '${printable(folder)}' is a link or a file: remove it, or restore into an empty directory`,
      );
  }
  return folder;
}

/** @returns whether it is a folder then; a link to one is none */
function makeFolder(folder: string): boolean {
  const there = statusOf(folder);
  if (there !== undefined) return there.isDirectory();
  try {
    mkdirSync(folder);
  } catch (error) {
    // Made by another program a moment ago.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return lstatSync(folder).isDirectory();
}

function refuseFolder(target: string, path: string): void {
  if (statusOf(target)?.isDirectory())
    throw new UserError(
      `'${printable(path)}' can't be restored, since a folder is in its place: remove it, or restore into an empty directory`,
    );
}

/** @returns undefined where there is nothing, or the next step says why it can't be told */
function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What restores that were killed left behind is of no use, and only in the way. */
function removeLeftovers(folder: string): void {
  if (cleaned.has(folder)) return;
  cleaned.add(folder);
  try {
    for (const name of readdirSync(folder).filter((candidate) => LEFTOVER.test(candidate)))
      removeIfOld(join(folder, name));
  } catch {
    // What can't be listed or removed stays as it is.
  }
}

function removeIfOld(leftover: string): void {
  const there = lstatSync(leftover);
  if (there.isFile() && Date.now() - there.mtimeMs > LEFTOVER_AGE_MS) unlinkSync(leftover);
}

function telling<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw cannotRestore(path, cause);
  }
}

function cannotRestore(path: string, cause: unknown): UserError {
  const why = systemCode(cause);
  return new UserError(
    `'${printable(path)}' can't be restored (${why}): check the disk's free space and the directory's permissions`,
    { cause },
  );
}
