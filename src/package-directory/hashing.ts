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

/** To a thread: hash a file, or stop hashing it. */
type Message = { readonly id: number } & ({ readonly file: HashedFile } | { readonly isStopped: true });

/** From a thread: how many more bytes it has hashed, and finally the digests or an error. */
type Answer = { readonly bytes: number } | { readonly digests: FileDigests } | { readonly error: unknown };

/** One file per thread, and one thread per processor: more would only wait for each other. */
const hashing = semaphore(availableParallelism());
const threads = new Set<HashingThread>();

/**
 * Hashes an open file on another thread. The file can be closed as soon as this has ended. Threads are started when needed
 * and used again.
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

/** A thread needs a buffer outside of the heap, and hardly anything in it. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

class HashingThread {
  readonly #worker: Worker;
  /** Takes the answers about the file that is being hashed. */
  #take: ((answer: Answer) => void) | undefined;
  #lastId = 0;

  constructor() {
    // Loaded for large files only.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const source = `(${hashFiles})(${digestsOf}, ${checksumOf})`;
    this.#worker = new Worker(source, { eval: true, resourceLimits: LIMITS });
    this.#worker
      .on('message', (answer: Answer) => this.#take?.(answer))
      .on('error', (error) => {
        threads.delete(this);
        this.#take?.({ error });
      });
    threads.add(this);
  }

  get isIdle(): boolean {
    return this.#take === undefined;
  }

  async hash(file: HashedFile, { signal, onBytes }: Omit<DigestOptions, 'parts'>): Promise<FileDigests> {
    this.#lastId += 1;
    const id = this.#lastId;
    const stop = (): void => this.#worker.postMessage({ id, isStopped: true } satisfies Message);
    signal.addEventListener('abort', stop);
    this.#worker.ref();
    try {
      return await new Promise<FileDigests>((resolve, reject) => {
        this.#take = (answer) => {
          if ('bytes' in answer) onBytes?.(answer.bytes);
          else if ('digests' in answer) resolve(answer.digests);
          else reject(signal.aborted ? signal.reason : answer.error);
        };
        this.#worker.postMessage({ id, file } satisfies Message);
      });
    } finally {
      signal.removeEventListener('abort', stop);
      this.#take = undefined;
      // An idle thread must not keep the process alive.
      this.#worker.unref();
    }
  }
}

// A thread is started from the text of the functions below, so they use nothing but their parameters.

function hashFiles(digests: typeof digestsOf, checksum: typeof checksumOf): void {
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  let stoppedId: number | undefined;
  const answer = (message: Answer): void => parentPort?.postMessage(message);
  parentPort?.on('message', (message: Message) => {
    const { id } = message;
    if ('isStopped' in message) {
      stoppedId = id;
      return;
    }
    /** Lets messages arrive. */
    const pause = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      if (stoppedId === id) throw new Error('stopped');
    };
    digests(message.file, { checksum, buffer, pause, onBytes: (bytes) => answer({ bytes }) })
      .then((result) => answer({ digests: result }))
      .catch((error: unknown) => answer({ error }));
  });
}

interface Hashing {
  readonly checksum: typeof checksumOf;
  /** For the bytes that are read at once. */
  readonly buffer: Buffer;
  readonly pause: () => Promise<void>;
  readonly onBytes: OnBytes;
}

async function digestsOf(file: HashedFile, { checksum, buffer, pause, onBytes }: Hashing): Promise<FileDigests> {
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
      await pause();
      const bytes = buffer.subarray(
        0,
        readSync(descriptor, buffer, 0, Math.min(buffer.length, end - position), position),
      );
      if (bytes.length === 0) throw new Error(`the file ends at byte ${position} of ${sizeBytes}`);
      whole.update(bytes);
      part.update(bytes);
      position += bytes.length;
      unreportedBytes += bytes.length;
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
