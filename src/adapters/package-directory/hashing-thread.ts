import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

/** It needs a buffer outside of the heap, and next to nothing else. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

/** What a thread is told when it starts. */
interface Work {
  /** Of an open file; descriptors are the process's, whichever thread uses them. */
  readonly descriptor: number;
  readonly pieceBytes: number;
}

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
  constructor(descriptor: number, pieceBytes = Number.POSITIVE_INFINITY) {
    // Loaded for large files alone.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const work: Work = { descriptor, pieceBytes };
    this.#worker = new Worker(`(${follow})()`, { eval: true, workerData: work, resourceLimits: LIMITS });
    this.#digests = once(this.#worker, 'message').then(([digests]) => digests);
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
  const { descriptor, pieceBytes }: Work = workerData;
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const digests: string[] = [];
  let hash = createHash('sha256');
  let position = 0;
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
    }
    if (!isEnd) return;
    if (digests.length === 0 || position > pieceEnd - pieceBytes) endPiece();
    parentPort?.postMessage(digests);
  });
}
