import { describe, expect, it } from '@jest/globals';
import { byteBudget, mapConcurrently, semaphore } from '../src/async.ts';

/** Lets pending promise callbacks run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Work that runs until a test ends it, and a count of what is running. */
class Workshop<Item> {
  readonly begun: Item[] = [];
  readonly #ends = new Map<Item, PromiseWithResolvers<string>>();

  readonly work = (item: Item): Promise<string> => {
    this.begun.push(item);
    const end = Promise.withResolvers<string>();
    this.#ends.set(item, end);
    return end.promise;
  };

  get underWay(): Item[] {
    return [...this.#ends.keys()];
  }

  async finish(item: Item): Promise<void> {
    this.#take(item).resolve(`result of ${item}`);
    await settle();
  }

  async fail(item: Item, error: unknown): Promise<void> {
    this.#take(item).reject(error);
    await settle();
  }

  #take(item: Item): PromiseWithResolvers<string> {
    const end = this.#ends.get(item);
    if (end === undefined) throw new Error(`${item} is not under way`);
    this.#ends.delete(item);
    return end;
  }
}

describe('mapConcurrently', () => {
  it('returns the results in the order of the items, whichever finishes first', async () => {
    const shop = new Workshop<number>();
    const results = mapConcurrently([1, 2, 3], 3, shop.work);
    await shop.finish(3);
    await shop.finish(1);
    await shop.finish(2);
    expect(await results).toEqual(['result of 1', 'result of 2', 'result of 3']);
  });

  it('runs as many at once as the limit allows, never more', async () => {
    const shop = new Workshop<number>();
    const results = mapConcurrently([1, 2, 3, 4], 2, shop.work);
    await settle();
    expect(shop.underWay).toEqual([1, 2]);
    await shop.finish(2);
    expect(shop.underWay).toEqual([1, 3]);
    await shop.finish(3);
    expect(shop.underWay).toEqual([1, 4]);
    await shop.finish(4);
    expect(shop.underWay).toEqual([1]);
    await shop.finish(1);
    expect(await results).toHaveLength(4);
  });

  it.each([
    { items: [], limit: 4 },
    { items: [1, 2], limit: 100 },
    { items: [1, 2, 3], limit: 1 },
  ])('calls the work once for each item: %j', async ({ items, limit }) => {
    const seen: number[] = [];
    const double = async (item: number) => {
      seen.push(item);
      return item * 2;
    };
    expect(await mapConcurrently(items, limit, double)).toEqual(items.map((item) => item * 2));
    expect(seen).toEqual(items);
  });

  it('keeps results that are undefined', async () => {
    expect(await mapConcurrently([1, 2], 2, async () => undefined)).toEqual([undefined, undefined]);
  });

  it('starts nothing after a failure, and throws it after the running work has ended', async () => {
    const shop = new Workshop<number>();
    const outcome = mapConcurrently([1, 2, 3, 4], 2, shop.work).then(
      () => 'fulfilled',
      (error: unknown) => error,
    );
    const failure = new Error('2 failed');
    await settle();
    await shop.fail(2, failure);
    expect(await Promise.race([outcome, Promise.resolve('pending')])).toBe('pending');
    await shop.finish(1);
    expect(await outcome).toBe(failure);
    expect(shop.begun).toEqual([1, 2]);
  });

  it('throws the earliest of several failures', async () => {
    const shop = new Workshop<number>();
    const outcome = expect(mapConcurrently([1, 2], 2, shop.work)).rejects.toThrow('second item, first in time');
    await settle();
    await shop.fail(2, new Error('second item, first in time'));
    await shop.fail(1, new Error('first item, second in time'));
    await outcome;
  });

  it('treats a synchronous throw as a failure, and a rejection with undefined too', async () => {
    const fail = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(mapConcurrently([1], 1, fail)).rejects.toThrow('at once');
    await expect(mapConcurrently([1], 1, () => Promise.reject(undefined))).rejects.toBeUndefined();
  });
});

describe('byteBudget', () => {
  it('lends the same memory again, at the requested length', async () => {
    const budget = byteBudget(100);
    const lent: Uint8Array[] = [];
    for (const sizeBytes of [40, 30, 40])
      await budget.lend(sizeBytes, async (buffer) => {
        expect(buffer).toHaveLength(sizeBytes);
        lent.push(buffer);
      });
    expect(new Set(lent.map(({ buffer }) => buffer)).size).toBe(1);
  });

  it('reuses buffers for small files of any size, and never lends a much longer buffer than needed to large files', async () => {
    const budget = byteBudget(1024 ** 2);
    const memoryOf = (sizeBytes: number) => budget.lend(sizeBytes, async ({ buffer }) => buffer);
    expect(await memoryOf(10)).toBe(await memoryOf(65_536));
    const large = await memoryOf(1_000_000);
    expect(await memoryOf(600_000)).toBe(large);
    expect(await memoryOf(100_000)).not.toBe(large);
  });

  it('never lends the same memory twice at once, and takes it back from failed work', async () => {
    const budget = byteBudget(100);
    const owners = new Set<ArrayBufferLike>();
    const work = async (buffer: Uint8Array): Promise<void> => {
      expect(owners.has(buffer.buffer)).toBe(false);
      owners.add(buffer.buffer);
      await new Promise((done) => setImmediate(done));
      owners.delete(buffer.buffer);
      throw new Error('failed');
    };
    const lendings = Array.from({ length: 10 }, () => budget.lend(40, work).catch(() => 'caught'));
    expect(new Set(await Promise.all(lendings))).toEqual(new Set(['caught']));
  });

  it('never exceeds the budget', async () => {
    const budget = byteBudget(10);
    let heldBytes = 0;
    let mostBytes = 0;
    const sizes = Array.from({ length: 200 }, (_, index) => (index * 7) % 11);
    await mapConcurrently(sizes, 50, (sizeBytes) =>
      budget.spend(sizeBytes, async () => {
        heldBytes += sizeBytes;
        mostBytes = Math.max(mostBytes, heldBytes);
        await settle();
        heldBytes -= sizeBytes;
      }),
    );
    expect(mostBytes).toBe(10);
    expect(heldBytes).toBe(0);
  });

  it('is first come, first served: a small request does not overtake a large one', async () => {
    const shop = new Workshop<string>();
    const budget = byteBudget(10);
    const all = [
      budget.spend(6, () => shop.work('first')),
      budget.spend(6, () => shop.work('large')),
      budget.spend(1, () => shop.work('small')),
    ];
    await settle();
    expect(shop.underWay).toEqual(['first']);
    await shop.finish('first');
    expect(shop.underWay).toEqual(['large', 'small']);
    await shop.finish('small');
    await shop.finish('large');
    await Promise.all(all);
  });

  it('lends the whole budget to work that needs more', async () => {
    const shop = new Workshop<string>();
    const budget = byteBudget(10);
    const all = [
      budget.spend(1, () => shop.work('small')),
      budget.spend(1000, () => shop.work('oversize')),
      budget.spend(0, () => shop.work('empty')),
    ];
    await settle();
    expect(shop.underWay).toEqual(['small']);
    await shop.finish('small');
    expect(shop.underWay).toEqual(['oversize', 'empty']);
    await shop.finish('oversize');
    await shop.finish('empty');
    await Promise.all(all);
  });

  it('takes memory back from failed work, and rethrows the failure', async () => {
    const budget = byteBudget(10);
    await expect(budget.spend(10, () => Promise.reject(new Error('later')))).rejects.toThrow('later');
    const failAtOnce = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(budget.spend(10, failAtOnce)).rejects.toThrow('at once');
    expect(await budget.spend(10, async () => 'free again')).toBe('free again');
  });

  it('returns the result of the work', async () => {
    expect(await byteBudget(1).spend(1, async () => 42)).toBe(42);
  });
});

describe('semaphore', () => {
  it('limits how much work runs at once', async () => {
    let [running, peak] = [0, 0];
    const taken = semaphore(3);
    const work = async (index: number): Promise<number> => {
      running += 1;
      peak = Math.max(peak, running);
      await settle();
      running -= 1;
      return index;
    };
    const results = Array.from({ length: 10 }, (_, index) => taken.take(() => work(index)));
    expect(await Promise.all(results)).toEqual(results.map((_, index) => index));
    expect(peak).toBe(3);
  });
});
