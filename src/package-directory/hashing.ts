import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { semaphore } from '../async.ts';
import type { ChecksumAlgorithm, DigestOptions, FileDigests, HashedParts, OnBytes } from '../ports.ts';

interface HashedFile {
  /** Descriptors belong to the process, whichever thread uses them. */
  readonly descriptor: number;
  readonly sizeBytes: number;
  readonly parts: HashedParts;
}

/** What a thread answers to a file: how many more bytes it has hashed, and finally the digests. */
type Answer = number | FileDigests;

/** One file per thread, and one thread per processor: more would only wait for each other. */
const hashing = semaphore(availableParallelism());
const threads = new Set<HashingThread>();

/**
 * Hashes an open file on another thread. The file can be closed as soon as this has ended. Threads are started when
 * needed, and used again.
 *
 * @throws Error if the file is shorter or can't be read; the signal's reason if it was aborted
 */
export function hashFile(file: Omit<HashedFile, 'parts'>, options: DigestOptions): Promise<FileDigests> {
  return hashing.take(async () => {
    options.signal.throwIfAborted();
    const idle = [...threads].find(({ isIdle }) => isIdle) ?? new HashingThread();
    return idle.hash({ ...file, parts: options.parts }, options);
  });
}

/** A thread needs a buffer outside the heap, and very little in it. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

class HashingThread {
  readonly #worker: Worker;
  #take: ((answer: Answer) => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;

  constructor() {
    // Loaded for large files only.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const source = `(${hashFiles})(${digestsOf}, ${checksumOf})`;
    this.#worker = new Worker(source, { eval: true, resourceLimits: LIMITS });
    const end = (error: unknown): void => {
      threads.delete(this);
      this.#fail?.(error);
    };
    this.#worker
      .on('message', (answer: Answer) => this.#take?.(answer))
      .on('error', end)
      .on('exit', end);
    threads.add(this);
  }

  get isIdle(): boolean {
    return this.#take === undefined;
  }

  async hash(file: HashedFile, { signal, onBytes }: Omit<DigestOptions, 'parts'>): Promise<FileDigests> {
    const stop = (): void => void this.#worker.terminate();
    signal.addEventListener('abort', stop);
    this.#worker.ref();
    try {
      return await new Promise<FileDigests>((resolve, reject) => {
        this.#take = (answer) => (typeof answer === 'number' ? onBytes?.(answer) : resolve(answer));
        this.#fail = (error) => reject(signal.aborted ? signal.reason : error);
        this.#worker.postMessage(file);
      });
    } finally {
      signal.removeEventListener('abort', stop);
      this.#take = undefined;
      this.#fail = undefined;
      // An idle thread must not keep the process alive.
      this.#worker.unref();
    }
  }
}

// A thread is started from the text of the functions below, so they use nothing but their parameters.

/** An error ends the thread, which reports it. */
function hashFiles(digests: typeof digestsOf, checksum: typeof checksumOf): void {
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const answer = (message: Answer): void => parentPort?.postMessage(message);
  parentPort?.on('message', (file: HashedFile) => answer(digests(file, { checksum, buffer, onBytes: answer })));
}

interface Hashing {
  readonly checksum: typeof checksumOf;
  /** For the bytes that are read at once. */
  readonly buffer: Buffer;
  readonly onBytes: OnBytes;
}

function digestsOf(file: HashedFile, { checksum, buffer, onBytes }: Hashing): FileDigests {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { readSync } = process.getBuiltinModule('node:fs');
  const { descriptor, sizeBytes, parts } = file;
  const reportedBytes = 16 * 1024 * 1024;
  const whole = createHash('sha256');
  const digests: string[] = [];
  let unreportedBytes = 0;
  for (let start = 0; start < sizeBytes; start += parts.sizeBytes) {
    const part = checksum(parts.checksum);
    const end = Math.min(start + parts.sizeBytes, sizeBytes);
    for (let position = start; position < end; ) {
      const count = readSync(descriptor, buffer, 0, Math.min(buffer.length, end - position), position);
      if (count === 0) throw new Error(`the file ends at byte ${position} of ${sizeBytes}`);
      const bytes = buffer.subarray(0, count);
      whole.update(bytes);
      part.update(bytes);
      position += count;
      unreportedBytes += count;
      if (unreportedBytes < reportedBytes) continue;
      onBytes(unreportedBytes);
      unreportedBytes = 0;
    }
    digests.push(part.digest('base64'));
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
