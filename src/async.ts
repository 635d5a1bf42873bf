/** Asks once, however many wait for the answer; after a failure the next one asks again. */
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
 * Waits for every one, so that none goes on in the background.
 *
 * @throws what the first of them, in their order, failed with
 */
export async function waitForAll<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** Waits for work, but not once the signal is aborted. @throws the signal's reason then */
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

/** What has failed, and how it is tried again. */
export interface Failed<Value> {
  readonly error: unknown;
  readonly signal: AbortSignal | undefined;
  readonly attempt: () => Promise<Value>;
}

/** Decides how often, and after what, something is tried again. */
export interface Retries {
  /** Waits and tries again, until it works or patience ends. @throws the last attempt's own error */
  retry<Value>(failed: Failed<Value>): Promise<Value>;
}

/**
 * Tries until it works, the fault is not a passing one, or patience ends.
 *
 * @param retries is asked for only once an attempt has failed
 * @param signal ends a wait between attempts, too
 * @throws the last attempt's own error; the signal's reason when it was aborted
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

/** How many pieces of work go on side by side, and who decides that. */
interface Lanes {
  readonly count: number;
  /** To be told after each piece of work. */
  finished(): void;
}

/** As the `concurrency` input says it. */
export type Concurrency = number | 'adaptive';

const FIRST_LANES = 16;
export const MOST_LANES = 128;

/** How many pieces of work ever go on side by side. */
export function mostLanes(concurrency: Concurrency): number {
  return concurrency === 'adaptive' ? MOST_LANES : concurrency;
}

const MOST_GROWTH = 4;
/** More lanes that bring less than this have met another bound: the server's, or the network's. */
const WORTHWHILE = 1.25;

interface LaneClock {
  readonly monotonicMs: () => number;
  /** How long, since it was started, this process had nothing to do but wait. */
  readonly idleMs: () => number;
}

/**
 * Lanes of a given number, or of one that is found out while they are used: as many as leave this process no time to
 * wait, for as long as more of them let more pieces of work end in the same time. Far from the store that ends at 128
 * lanes; near it, where they would only take turns at this process, it does not begin to grow.
 */
export function lanesFor(concurrency: Concurrency, clock: LaneClock): Lanes {
  if (concurrency !== 'adaptive') return fixedLanes(concurrency);
  let [count, finishedCount, lastRate, isGrowing] = [firstLanes(clock), 0, 0, true];
  let [startedMs, idleMs] = [clock.monotonicMs(), clock.idleMs()];
  return {
    get count() {
      return count;
    },
    finished() {
      finishedCount += 1;
      if (!isGrowing || finishedCount < count) return;
      const elapsedMs = Math.max(clock.monotonicMs() - startedMs, 1);
      const busyShare = 1 - Math.min((clock.idleMs() - idleMs) / elapsedMs, 1);
      const growth = Math.min(1 / busyShare, MOST_GROWTH);
      if (growth >= WORTHWHILE) {
        const rate = finishedCount / elapsedMs;
        isGrowing = rate >= lastRate * WORTHWHILE && count < MOST_LANES;
        if (isGrowing) count = Math.min(Math.round(count * growth), MOST_LANES);
        lastRate = rate;
      }
      [startedMs, idleMs, finishedCount] = [clock.monotonicMs(), clock.idleMs(), 0];
    },
  };
}

/**
 * What this process has waited so far, two or three round trips, tells how far the store is: a millisecond more is about
 * one request more that it could have sent meanwhile.
 */
function firstLanes(clock: LaneClock): number {
  return Math.min(Math.max(FIRST_LANES, Math.round(clock.idleMs())), MOST_LANES);
}

function fixedLanes(count: number): Lanes {
  return { count, finished: () => {} };
}

/**
 * Calls `work` for every item, some of them at a time, in order of the items.
 *
 * After the first failure no further item is begun; those under way are waited for, so that nothing runs on in the
 * background, and then the first failure is thrown.
 *
 * @param limit how many at a time
 */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  limit: number | Lanes,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const lanes = typeof limit === 'number' ? fixedLanes(limit) : limit;
  const failures: unknown[] = [];
  const running: Promise<void>[] = [];
  // The lanes share one iterator, which the first failure closes.
  const queue = items.entries();
  function open(): void {
    while (running.length < Math.min(lanes.count, items.length)) running.push(drain());
  }
  async function drain(): Promise<void> {
    try {
      for (const [index, item] of queue) {
        await work(item, index);
        if (failures.length > 0) return;
        lanes.finished();
        open();
      }
    } catch (error) {
      failures.push(error);
    }
  }
  open();
  // Lanes may be added while others are waited for.
  for (const lane of running) await lane;
  if (failures.length > 0) throw failures[0];
}

/** As {@link forEachConcurrently}. @returns the results, in the order of the items */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number | Lanes,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  await forEachConcurrently(items, limit, async (item, index) => {
    results[index] = await work(item);
  });
  return results;
}

/** Lets a number of pieces of work go on at once. */
export interface Turns {
  take<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** @param count how many at once; waiters are served first come, first served */
export function turns(count: number): Turns {
  const budget = byteBudget(count);
  return { take: (work) => budget.spend(1, work) };
}

/** Small files of all sizes are read into the same buffers, of this length. */
const SMALL_BYTES = 64 * 1024;

/** A number of bytes that all transfers together may hold in memory at once. */
export interface ByteBudget {
  /** Waits for its turn, then holds `sizeBytes` while `work` runs; a size above the whole budget gets all of it. */
  spend<Result>(sizeBytes: number, work: () => Promise<Result>): Promise<Result>;
  /**
   * The same, with a buffer of that size for the while. Buffers are used again and again: large ones that are left to the
   * garbage collector pile up faster than it comes round.
   */
  lend<Result>(sizeBytes: number, work: (buffer: Uint8Array) => Promise<Result>): Promise<Result>;
}

/** @param totalBytes how much may be held at once; waiters are served first come, first served */
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

/** Buffers that are used again and again. */
function bufferPool() {
  const [small, large]: [Uint8Array[], Uint8Array[]] = [[], []];
  function take(sizeBytes: number): Uint8Array {
    if (sizeBytes <= SMALL_BYTES) return small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
    // One that is much too long would be missed by whom the budget has promised as much.
    const index = large.findIndex(({ length }) => length >= sizeBytes && length <= 2 * sizeBytes);
    const [buffer] = index === -1 ? [] : large.splice(index, 1);
    if (buffer !== undefined) return buffer;
    // Those that do not fit would only add up.
    large.length = 0;
    return Buffer.allocUnsafeSlow(sizeBytes);
  }
  const give = (buffer: Uint8Array) => void (buffer.length === SMALL_BYTES ? small : large).push(buffer);
  return { take, give };
}
