import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { turns } from '../../core/concurrency.ts';
import { printable } from '../../core/printable.ts';
import { unlessAborted } from '../../core/unless-aborted.ts';
import { systemCode, UserError } from '../../errors.ts';
import type { FileDigests, OpenFile } from '../../ports.ts';
import { readAt } from './file-bytes.ts';
import { HashingThread } from './hashing-thread.ts';
import { READ_FLAGS } from './read-flags.ts';
import { changed, resolveInside } from './resolve-inside.ts';

// Synchronous but for large reads: for a small file, each call handed to another thread costs more than all of them.

/**
 * Opens files of the package directory, and makes sure that what was opened is a regular file that lies in there: a
 * link that is swapped in between look and read is refused.
 *
 * @param root the package directory; where it lies is found out once, and files are opened nowhere else
 * @returns opens a file by its path in there, and throws UserError
 */
export function openerOf(root: string): (path: string) => OpenFile {
  const realRoot = realpathSync.native(root);
  return (path) => openTold(realRoot, path) ?? openLookedAt(realRoot, path);
}

/**
 * Where the system tells where an open file lies (Linux), nothing needs to be looked at before: what was opened is known
 * by its own path.
 *
 * @returns undefined where that can't be told, and for a link, which may lead inside
 */
function openTold(realRoot: string, path: string): OpenFile | undefined {
  if (process.platform !== 'linux') return undefined;
  const file = join(realRoot, path);
  try {
    const descriptor = openSync(file, READ_FLAGS);
    try {
      if (readlinkSync(`/proc/self/fd/${descriptor}`) === file) return checked(descriptor, path);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  return undefined;
}

/** Looks before and after. */
function openLookedAt(realRoot: string, path: string): OpenFile {
  const target = resolveInside(realRoot, join(realRoot, path), path);
  const descriptor = openTarget(target, path);
  try {
    const opened = fstatSync(descriptor, { bigint: true });
    const named = lstatSync(target, { bigint: true });
    const stillThere = resolveInside(realRoot, join(realRoot, path), path) === target;
    if (!stillThere || opened.ino !== named.ino || opened.dev !== named.dev) throw changed(path);
    return checked(descriptor, path);
  } catch (error) {
    closeSync(descriptor);
    throw error instanceof UserError ? error : changed(path, error);
  }
}

function openTarget(target: string, path: string): number {
  try {
    return openSync(target, READ_FLAGS);
  } catch (cause) {
    throw new UserError(`'${printable(path)}' can't be read (${systemCode(cause)}): check its permissions`, { cause });
  }
}

function checked(descriptor: number, path: string): OpenFile {
  const opened = fstatSync(descriptor, { bigint: true });
  if (!opened.isFile()) throw changed(path);
  return {
    sizeBytes: Number(opened.size),
    read: (position, lengthBytes, into = Buffer.allocUnsafe(lengthBytes)) =>
      readExactly(descriptor, { path, position, into }),
    digests: (partSizeBytes, signal) =>
      digestsOf(descriptor, { path, sizeBytes: Number(opened.size), partSizeBytes, signal }),
    assertUnchanged: async () => {
      const now = fstatSync(descriptor, { bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed(path);
    },
    [Symbol.asyncDispose]: async () => closeSync(descriptor),
  };
}

interface Digesting {
  readonly path: string;
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly signal: AbortSignal;
}

/** More files at once would only wait for processors, and each takes the memory of two threads. */
const hashing = turns(availableParallelism());

function digestsOf(descriptor: number, digesting: Digesting): Promise<FileDigests> {
  return hashing.take(() => hashOnThreads(descriptor, digesting));
}

/** The whole and its parts, side by side: each takes a processor. */
async function hashOnThreads(
  descriptor: number,
  { path, sizeBytes, partSizeBytes, signal }: Digesting,
): Promise<FileDigests> {
  signal.throwIfAborted();
  await using wholeThread = new HashingThread(descriptor);
  await using partsThread = new HashingThread(descriptor, partSizeBytes);
  const finished = Promise.all([wholeThread.finish(sizeBytes), partsThread.finish(sizeBytes)]).catch(
    (cause: unknown) => {
      throw changed(path, cause);
    },
  );
  const [[whole = ''], parts] = await unlessAborted(finished, signal);
  return { whole, parts };
}

async function readExactly(
  descriptor: number,
  { path, position, into }: { path: string; position: number; into: Uint8Array },
): Promise<Uint8Array> {
  if ((await readAt(descriptor, into, position)) < into.length) throw changed(path);
  return into;
}
