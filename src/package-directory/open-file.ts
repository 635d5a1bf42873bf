import { createHash } from 'node:crypto';
import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { turns, unlessAborted } from '../async.ts';
import { UserError } from '../errors.ts';
import type { FileDigests, OnBytes, OpenFile } from '../ports.ts';
import { printable, systemCode } from '../text.ts';
import { changed, READ_FLAGS, readAt, resolveInside } from './files.ts';

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
    digests: (partSizeBytes, signal, onBytes) =>
      digestsOf(descriptor, { path, sizeBytes: Number(opened.size), partSizeBytes, signal, onBytes }),
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
  readonly onBytes: OnBytes | undefined;
}

/** More files at once would only wait for processors, and each takes the memory of two threads. */
const hashing = turns(availableParallelism());

function digestsOf(descriptor: number, digesting: Digesting): Promise<FileDigests> {
  return hashing.take(() => hashOnThreads(descriptor, digesting));
}

/** The whole and its parts, side by side: each takes a processor. */
async function hashOnThreads(
  descriptor: number,
  { path, sizeBytes, partSizeBytes, signal, onBytes }: Digesting,
): Promise<FileDigests> {
  signal.throwIfAborted();
  await using wholeThread = new HashingThread(descriptor, undefined, onBytes);
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

const READ_BYTES = 1024 * 1024;

/**
 * @returns the base64 SHA-256 of a regular file of this size; undefined where there is no such file, where a link leads
 *   to it, or where it can't be read (it is then simply fetched anew)
 */
export async function digestFile(
  root: string,
  path: string,
  { sizeBytes, onBytes }: { readonly sizeBytes: number; readonly onBytes: OnBytes | undefined },
): Promise<string | undefined> {
  try {
    const found = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || found.size !== sizeBytes) return undefined;
    const folder = join(realpathSync.native(root), dirname(path));
    if (realpathSync.native(folder) !== folder) return undefined;
    const file = join(folder, basename(path));
    const descriptor = openSync(file, READ_FLAGS);
    try {
      return await digestOf(descriptor, sizeBytes, onBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

async function digestOf(descriptor: number, sizeBytes: number, onBytes: OnBytes = () => {}): Promise<string> {
  const hash = createHash('sha256');
  const bytes = Buffer.allocUnsafe(Math.min(sizeBytes, READ_BYTES));
  for (let position = 0; ; ) {
    const count = await readAt(descriptor, bytes, position);
    hash.update(bytes.subarray(0, count));
    position += count;
    onBytes(count);
    if (count < bytes.length || count === 0) return hash.digest('base64');
  }
}

/** It needs a buffer outside of the heap, and next to nothing else. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

/** What a thread is told when it starts. */
interface Work {
  /** Of an open file; descriptors are the process's, whichever thread uses them. */
  readonly descriptor: number;
  readonly pieceBytes: number;
  /** How many bytes it hashes before it tells of them. */
  readonly tellEveryBytes: number;
}

/** What it tells: how many more bytes it has hashed, and at last the digests. */
type Told = number | string[];

const TOLD_BYTES = 16 * 1024 * 1024;

/** What it is told then: that the file is there up to a position, and at last that it ends there. */
interface Progress {
  readonly upTo: number;
  readonly isEnd: boolean;
}

/**
 * Hashes an open file on a thread of its own, which follows while the file is written. The bytes are read from the file:
 * what is hashed is what stands there.
 */
export class HashingThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #digests: Promise<string[]>;

  /** @param pieceBytes each piece of this length gets a digest; the whole file one where it is shorter */
  constructor(descriptor: number, pieceBytes = Number.POSITIVE_INFINITY, onBytes?: OnBytes) {
    // Loaded for large files alone.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const tellEveryBytes = onBytes === undefined ? Number.POSITIVE_INFINITY : TOLD_BYTES;
    const work: Work = { descriptor, pieceBytes, tellEveryBytes };
    this.#worker = new Worker(`(${follow})()`, { eval: true, workerData: work, resourceLimits: LIMITS });
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    this.#digests = promise;
    this.#worker
      .on('message', (told: Told) => (typeof told === 'number' ? onBytes?.(told) : resolve(told)))
      .on('error', reject);
    // Told to whoever asks for the digests; a file that is given up asks for none.
    this.#digests.catch(() => undefined);
  }

  /** The bytes before this position are there. */
  advance(upTo: number): void {
    this.#tell({ upTo, isEnd: false });
  }

  /**
   * Waits for the rest of the file.
   *
   * @param sizeBytes of the whole file
   * @returns base64 SHA-256 of its pieces, in their order; one at least
   * @throws Error where the file is shorter, or can't be read
   */
  finish(sizeBytes: number): Promise<string[]> {
    this.#tell({ upTo: sizeBytes, isEnd: true });
    return this.#digests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #tell(progress: Progress): void {
    this.#worker.postMessage(progress);
  }
}

/** What runs on the thread: its text is all that it has, so it takes nothing from around it. */
function follow(): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { readSync } = process.getBuiltinModule('node:fs');
  const { descriptor, pieceBytes, tellEveryBytes }: Work = workerData;
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const digests: string[] = [];
  let hash = createHash('sha256');
  let position = 0;
  let toldUpTo = 0;
  let pieceEnd = pieceBytes;
  const endPiece = (): void => {
    digests.push(hash.digest('base64'));
    hash = createHash('sha256');
    pieceEnd += pieceBytes;
  };
  parentPort?.on('message', ({ upTo, isEnd }: Progress) => {
    while (position < upTo) {
      const wantedBytes = Math.min(buffer.length, upTo - position, pieceEnd - position);
      const count = readSync(descriptor, buffer, 0, wantedBytes, position);
      if (count === 0) throw new Error(`the file ends at byte ${position} of ${upTo}`);
      hash.update(buffer.subarray(0, count));
      position += count;
      if (position === pieceEnd) endPiece();
      if (position - toldUpTo < tellEveryBytes) continue;
      parentPort?.postMessage(position - toldUpTo);
      toldUpTo = position;
    }
    if (!isEnd) return;
    if (digests.length === 0 || position > pieceEnd - pieceBytes) endPiece();
    parentPort?.postMessage(digests);
  });
}
