/** Memoizes an asynchronous function, also for concurrent callers; after a failure, the next call tries again. */
export function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | undefined;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}

/**
 * Waits for all work to end, even after a failure, so that none goes on in the background.
 *
 * @throws the error of the first failed work, in the given order
 */
export async function waitForAll<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** Waits for work until the signal is aborted. @throws the signal's reason */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  const abortion = Promise.withResolvers<never>();
  const abort = (): void => abortion.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, abortion.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A failed attempt, and how to repeat it. */
export interface Failed<Value> {
  readonly error: unknown;
  readonly signal: AbortSignal | undefined;
  readonly attempt: () => Promise<Value>;
}

/** Decides which failures are retried, and how often. */
export interface Retries {
  /** Waits and retries until it succeeds or must give up. @throws the last attempt's error */
  retry<Value>(failed: Failed<Value>): Promise<Value>;
}

/**
 * Repeats an attempt until it succeeds, fails permanently, or has failed too often.
 *
 * @param retries called only after the first failure
 * @param signal also ends a wait between attempts
 * @throws the last attempt's error; the signal's reason once it is aborted
 */
export async function withRetries<Value>(
  retries: () => Promise<Retries>,
  signal: AbortSignal | undefined,
  attempt: () => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted();
  try {
    return await attempt();
  } catch (error) {
    signal?.throwIfAborted();
    return (await retries()).retry({ error, signal, attempt });
  }
}

/**
 * Calls `work` for every item, several at a time, in the order of the items.
 *
 * After the first failure no other item is started. The running ones are waited for, so that nothing goes on in the
 * background, and then the first failure is thrown.
 *
 * @param limit how many run at a time
 */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  // The lanes share one iterator, which the first failure closes.
  const queue = items.entries();
  async function drain(): Promise<void> {
    try {
      for (const [index, item] of queue) {
        await work(item, index);
        if (failures.length > 0) return;
      }
    } catch (error) {
      failures.push(error);
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, drain));
  if (failures.length > 0) throw failures[0];
}

/** Like {@link forEachConcurrently}. @returns the results, in the order of the items */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  await forEachConcurrently(items, limit, async (item, index) => {
    results[index] = await work(item);
  });
  return results;
}

/** A semaphore: limits how much work runs at once. */
export interface Semaphore {
  take<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** @param count how much work may run at once; waiters are served first come, first served */
export function semaphore(count: number): Semaphore {
  const budget = byteBudget(count);
  return { take: (work) => budget.spend(1, work) };
}

/** Files up to this size share one kind of buffer. */
const SMALL_BYTES = 64 * 1024;

/** Limits the bytes that all transfers together hold in memory. */
export interface ByteBudget {
  /** Waits for `sizeBytes`, and holds them while `work` runs; a size above the budget takes all of it. */
  spend<Result>(sizeBytes: number, work: () => Promise<Result>): Promise<Result>;
  /**
   * Like `spend`, and lends `work` a buffer of that size. Buffers are reused, since large ones would pile up faster
   * than the garbage collector frees them.
   */
  lend<Result>(sizeBytes: number, work: (buffer: Uint8Array) => Promise<Result>): Promise<Result>;
}

/** @param totalBytes the size of the budget; waiters are served first come, first served */
export function byteBudget(totalBytes: number): ByteBudget {
  let freeBytes = totalBytes;
  const waiting: { readonly sizeBytes: number; readonly start: () => void }[] = [];

  function admit(): void {
    for (let next = waiting[0]; next !== undefined && next.sizeBytes <= freeBytes; next = waiting[0]) {
      waiting.shift();
      freeBytes -= next.sizeBytes;
      next.start();
    }
  }

  async function spend<Result>(wantedBytes: number, work: () => Promise<Result>): Promise<Result> {
    const sizeBytes = Math.min(wantedBytes, totalBytes);
    await new Promise<void>((start) => {
      waiting.push({ sizeBytes, start });
      admit();
    });
    try {
      return await work();
    } finally {
      freeBytes += sizeBytes;
      admit();
    }
  }

  const pool = bufferPool();
  function lend<Result>(sizeBytes: number, work: (buffer: Uint8Array) => Promise<Result>): Promise<Result> {
    return spend(sizeBytes, async () => {
      const buffer = pool.take(sizeBytes);
      try {
        return await work(buffer.subarray(0, sizeBytes));
      } finally {
        pool.give(buffer);
      }
    });
  }
  return { spend, lend };
}

function bufferPool() {
  const [small, large]: [Uint8Array[], Uint8Array[]] = [[], []];
  function take(sizeBytes: number): Uint8Array {
    if (sizeBytes <= SMALL_BYTES) return small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
    // A much longer buffer would use memory that the budget has granted to others.
    const index = large.findIndex(({ length }) => length >= sizeBytes && length <= 2 * sizeBytes);
    const [buffer] = index === -1 ? [] : large.splice(index, 1);
    if (buffer !== undefined) return buffer;
    // Buffers of other sizes would only pile up.
    large.length = 0;
    return Buffer.allocUnsafeSlow(sizeBytes);
  }
  const give = (buffer: Uint8Array) => void (buffer.length === SMALL_BYTES ? small : large).push(buffer);
  return { take, give };
}
