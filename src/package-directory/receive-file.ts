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

// Synchronous except for large writes: for a small file, one call on another thread costs more than all calls on this
// one.

const FILE_MODE = 0o644;
const READ_BITS = 0o444;

const TEMPORARY = '.restoring-';
const LEFTOVER = /^\.restoring-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Longer than any restore pauses between two writes, even if every attempt of a request times out. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;
/** Folders in which this process has removed leftovers. */
const cleaned = new Set<string>();

/**
 * Opens new files under temporary, hidden names in their folders. No link is followed on the way, and an existing file
 * is replaced only after the new one is complete.
 *
 * @param root the package directory; its links are resolved only once
 * @returns a function that opens a file by its path in the directory: relative, with `/`, already validated; it throws
 *   UserError if a link or a file is in place of a folder, or a folder in place of the file
 */
export function receiverOf(root: string): (path: string) => IncomingFile {
  let realRoot: string | undefined;
  return (path) => {
    realRoot ??= explaining(path, () => realpathSync.native(root));
    return receiveFile(realRoot, path);
  };
}

function receiveFile(realRoot: string, path: string): IncomingFile {
  const folder = makeFolders(realRoot, path);
  const target = join(folder, basename(path));
  refuseFolder(target, path);
  removeLeftovers(folder);
  const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
  const descriptor = explaining(path, () => openSync(temporary, 'wx', FILE_MODE));
  const place = placeOf(descriptor) ?? temporary;
  const incoming = incomingFile({ path, descriptor, temporary: place, target });
  if (place === temporary) return incoming;
  incoming.discard();
  throw new UserError(
    `'${printable(path)}' can't be restored, since one of its folders was replaced by a link: make sure that nothing else writes there`,
  );
}

/**
 * The real path of an open file, if the system tells it: a link may have replaced one of its folders after the checks.
 */
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

function incomingFile({ path, descriptor, temporary, target }: Place) {
  let isOpen = true;
  let isKept = false;
  const close = (): void => {
    isOpen = false;
    closeSync(descriptor);
  };
  /** Never throws, since that would hide why the file was not kept. */
  const discard = (): void => {
    try {
      if (isOpen) close();
      unlinkSync(temporary);
    } catch {
      // A later restore removes it.
    }
  };
  return {
    write: (position: number, bytes: Uint8Array) =>
      writeAt(descriptor, bytes, position).catch((error: unknown) => {
        throw cannotRestore(path, error);
      }),
    keep: async ({ executable }: { readonly executable: boolean }) => {
      explaining(path, () => {
        if (executable) makeExecutable(descriptor);
        close();
        renameSync(temporary, target);
      });
      isKept = true;
    },
    discard,
    [Symbol.asyncDispose]: async () => {
      if (!isKept) discard();
    },
  };
}

/** Gives the execute permission to everyone whom the umask lets read the file. */
function makeExecutable(descriptor: number): void {
  const { mode } = fstatSync(descriptor);
  fchmodSync(descriptor, mode | ((mode & READ_BITS) >> 2));
}

/** Creates the folders of a path one by one. @returns the innermost */
function makeFolders(realRoot: string, path: string): string {
  let folder = realRoot;
  for (const segment of dirname(path).split('/')) {
    if (segment === '.') continue;
    folder = join(folder, segment);
    if (!explaining(path, () => makeFolder(folder)))
      throw new UserError(
        `'${printable(path)}' can't be restored, since '${printable(folder)}' is a link or a file: remove it, or restore into an empty directory`,
      );
  }
  return folder;
}

/** Creates a folder if there is nothing. @returns whether it is a folder now; a link to a folder is not */
function makeFolder(folder: string): boolean {
  const there = statusOf(folder);
  if (there !== undefined) return there.isDirectory();
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another program has just created it.
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

/** @returns undefined if there is nothing; for a path that can't be read, the next step reports why */
function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Removes the temporary files of restores that were killed. */
function removeLeftovers(folder: string): void {
  if (cleaned.has(folder)) return;
  cleaned.add(folder);
  try {
    for (const name of readdirSync(folder).filter((candidate) => LEFTOVER.test(candidate)))
      removeIfOld(join(folder, name));
  } catch {
    // Leftovers that can't be listed or removed do no harm.
  }
}

function removeIfOld(leftover: string): void {
  const there = lstatSync(leftover);
  if (there.isFile() && Date.now() - there.mtimeMs > LEFTOVER_AGE_MS) unlinkSync(leftover);
}

function explaining<Result>(path: string, work: () => Result): Result {
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
