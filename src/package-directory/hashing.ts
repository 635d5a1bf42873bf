import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { ChecksumAlgorithm, FileDigests, HashedParts, OnBytes } from '../ports.ts';

interface HashedFile {
  /** Of the open file; descriptors are the process's, whichever thread uses them. */
  readonly descriptor: number;
  readonly sizeBytes: number;
  /** Undefined where only the whole file's digest is wanted. */
  readonly parts?: HashedParts | undefined;
}

/** What a thread is told: of a file to hash, how far that is there, and that nobody wants its digests any more. */
type Told = { readonly id: number } & (
  | { readonly file: HashedFile }
  | { readonly upTo: number }
  | { readonly isGivenUp: true }
);

/** What it answers: how many more bytes it has hashed, and as its last word on a file the digests, or what went wrong. */
type Answer = { readonly id: number } & (
  | { readonly bytes: number }
  | { readonly digests: FileDigests }
  | { readonly error: unknown }
);

/**
 * Hashes an open file on another thread, which follows while the file is written. The bytes are read from the file: what
 * is hashed is what stands there. All files share the threads, of which there are at most as many as processors.
 */
export class FileHashing implements AsyncDisposable {
  readonly #file: HashedFile;
  readonly #onBytes: OnBytes | undefined;
  readonly #digests = Promise.withResolvers<FileDigests>();
  readonly #thread: HashingThread;
  readonly #id: number;

  constructor(file: HashedFile, onBytes?: OnBytes) {
    this.#file = file;
    this.#onBytes = onBytes;
    // Told to whoever asks for the digests; a file that is given up asks for none.
    this.#digests.promise.catch(() => undefined);
    this.#thread = freeThread();
    this.#id = this.#thread.add((answer) => this.#take(answer));
    this.#thread.tell({ id: this.#id, file });
  }

  /** The bytes before this position are there. */
  advance(upTo: number): void {
    this.#thread.tell({ id: this.#id, upTo });
  }

  /**
   * Waits for the rest of the file.
   *
   * @throws Error where the file is shorter, or can't be read
   */
  finish(): Promise<FileDigests> {
    this.advance(this.#file.sizeBytes);
    return this.#digests.promise;
  }

  /** Only then may the file be closed: its descriptor could be another file's at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#thread.tell({ id: this.#id, isGivenUp: true });
    await this.#digests.promise.catch(() => undefined);
  }

  #take(answer: Answer): void {
    if ('bytes' in answer) {
      this.#onBytes?.(answer.bytes);
      return;
    }
    this.#thread.remove(this.#id);
    if ('digests' in answer) this.#digests.resolve(answer.digests);
    else this.#digests.reject(answer.error);
  }
}

/** It needs a buffer outside of the heap, and next to nothing else. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

const threads = new Set<HashingThread>();

/** The one with the fewest files: a new one, as long as the others have some and there are processors left. */
function freeThread(): HashingThread {
  const [freest] = [...threads].sort((one, other) => one.fileCount - other.fileCount);
  const isFree = freest !== undefined && (freest.fileCount === 0 || threads.size >= availableParallelism());
  return isFree ? freest : new HashingThread();
}

class HashingThread {
  readonly #worker: Worker;
  readonly #files = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor() {
    // Loaded for large files alone.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    this.#worker = new Worker(threadSource(), { eval: true, resourceLimits: LIMITS });
    this.#worker
      .on('message', (answer: Answer) => this.#files.get(answer.id)?.(answer))
      .on('error', (error) => {
        threads.delete(this);
        for (const [id, take] of this.#files) take({ id, error });
      });
    threads.add(this);
  }

  get fileCount(): number {
    return this.#files.size;
  }

  /** @param take is called with each answer @returns what the file is known by */
  add(take: (answer: Answer) => void): number {
    this.#lastId += 1;
    this.#files.set(this.#lastId, take);
    this.#worker.ref();
    return this.#lastId;
  }

  remove(id: number): void {
    this.#files.delete(id);
    // An idle one does not keep the process alive.
    if (this.#files.size === 0) this.#worker.unref();
  }

  /** Of a file that is done with, nothing more is told. */
  tell(told: Told): void {
    if (this.#files.has(told.id)) this.#worker.postMessage(told);
  }
}

// What runs on the thread. The text of these functions is all that it has, so they take nothing from around them.

function threadSource(): string {
  return `(${hashFiles})({ checksumOf: ${checksumOf}, growthOf: ${growthOf}, hashFile: ${hashFile} })`;
}

interface ThreadParts {
  readonly checksumOf: typeof checksumOf;
  readonly growthOf: typeof growthOf;
  readonly hashFile: typeof hashFile;
}

function hashFiles({ checksumOf, growthOf, hashFile }: ThreadParts): void {
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const files = new Map<number, ReturnType<typeof growthOf>>();
  const answer = (message: Answer): void => parentPort?.postMessage(message);
  parentPort?.on('message', (told: Told) => {
    const { id } = told;
    if (!('file' in told)) return files.get(id)?.take(told);
    const growth = growthOf();
    files.set(id, growth);
    const onBytes = (bytes: number): void => answer({ id, bytes });
    hashFile(told.file, { beyond: growth.beyond, checksumOf, buffer, onBytes })
      .then((digests) => answer({ id, digests }))
      .catch((error: unknown) => answer({ id, error }))
      .finally(() => files.delete(id));
  });
}

/** How far a file is there. */
function growthOf() {
  let upTo = 0;
  let isGivenUp = false;
  let wake = (): void => {};
  return {
    take(told: Told): void {
      if ('upTo' in told) upTo = told.upTo;
      if ('isGivenUp' in told) isGivenUp = true;
      wake();
    },
    /** Waits for bytes from a position on, after a turn for other files. @returns where they end for now */
    async beyond(position: number): Promise<number> {
      await new Promise((resolve) => setImmediate(resolve));
      while (upTo <= position && !isGivenUp)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (isGivenUp) throw new Error('the file was given up');
      return upTo;
    },
  };
}

interface Hashing {
  readonly beyond: (position: number) => Promise<number>;
  readonly checksumOf: typeof checksumOf;
  /** What is read at once. */
  readonly buffer: Buffer;
  readonly onBytes: OnBytes;
}

async function hashFile(file: HashedFile, { beyond, checksumOf, buffer, onBytes }: Hashing): Promise<FileDigests> {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { readSync } = process.getBuiltinModule('node:fs');
  const { descriptor, sizeBytes, parts } = file;
  const toldBytes = 16 * 1024 * 1024;
  const whole = createHash('sha256');
  const digests: string[] = [];
  const partBytes = parts?.sizeBytes ?? sizeBytes;
  let untoldBytes = 0;
  for (let begin = 0; begin < sizeBytes; begin += partBytes) {
    const part = parts && checksumOf(parts.checksum);
    const end = Math.min(begin + partBytes, sizeBytes);
    for (let position = begin; position < end; ) {
      const upTo = Math.min(await beyond(position), position + buffer.length, end);
      const bytes = buffer.subarray(0, readSync(descriptor, buffer, 0, upTo - position, position));
      if (bytes.length === 0) throw new Error(`the file ends at byte ${position} of ${sizeBytes}`);
      whole.update(bytes);
      part?.update(bytes);
      position += bytes.length;
      untoldBytes += bytes.length;
      if (untoldBytes < toldBytes) continue;
      onBytes(untoldBytes);
      untoldBytes = 0;
    }
    if (part !== undefined) digests.push(part.digest('base64'));
  }
  return { whole: whole.digest('base64'), parts: digests };
}

function checksumOf(algorithm: ChecksumAlgorithm) {
  if (algorithm === 'sha256') return process.getBuiltinModule('node:crypto').createHash('sha256');
  const { crc32 } = process.getBuiltinModule('node:zlib');
  const value = Buffer.alloc(4);
  return {
    update: (bytes: Uint8Array) => value.writeUInt32BE(crc32(bytes, value.readUInt32BE())),
    digest: () => value.toString('base64'),
  };
}
