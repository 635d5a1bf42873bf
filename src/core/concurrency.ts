/**
 * Calls `work` for every item, `limit` of them at a time, in order of the items.
 *
 * After the first failure no further item is begun; those under way are waited for, so that nothing runs on in the
 * background, and then the first failure is thrown.
 *
 * @returns the results, in the order of the items
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const failures: unknown[] = [];
  const queue = items.entries();
  async function drain(): Promise<void> {
    for (const [index, item] of queue) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, drain));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** A number of bytes that all transfers together may hold in memory at once. */
export interface ByteBudget {
  /** Waits for its turn, then holds `sizeBytes` while `work` runs; a size above the whole budget gets all of it. */
  spend<Result>(sizeBytes: number, work: () => Promise<Result>): Promise<Result>;
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
  return { spend };
}
