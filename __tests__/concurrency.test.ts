import { describe, expect, it } from '@jest/globals';
import { byteBudget, lanesFor, mapConcurrently, turns } from '../src/async.ts';

/** Lets everything run that waits for nothing but promises. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Work that goes on until it is ended, and a count of what is under way. */
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
  it('gives the results in the order of the items, whichever ends first', async () => {
    const shop = new Workshop<number>();
    const results = mapConcurrently([1, 2, 3], 3, shop.work);
    await shop.finish(3);
    await shop.finish(1);
    await shop.finish(2);
    expect(await results).toEqual(['result of 1', 'result of 2', 'result of 3']);
  });

  it('has as many under way as the limit says, never more', async () => {
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

  it('begins nothing after a failure, and throws it once what was under way has ended', async () => {
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

  it('throws the first of several failures, in time', async () => {
    const shop = new Workshop<number>();
    const outcome = expect(mapConcurrently([1, 2], 2, shop.work)).rejects.toThrow('second item, first in time');
    await settle();
    await shop.fail(2, new Error('second item, first in time'));
    await shop.fail(1, new Error('first item, second in time'));
    await outcome;
  });

  it('takes work that throws at once for a failure, and one that rejects with undefined too', async () => {
    const fail = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(mapConcurrently([1], 1, fail)).rejects.toThrow('at once');
    await expect(mapConcurrently([1], 1, () => Promise.reject(undefined))).rejects.toBeUndefined();
  });
});

describe('lanesFor', () => {
  /** Ends pieces of work round by round, each of which takes what a store of some kind lets it take. */
  async function lanesAfter(
    itemCount: number,
    roundMs: (lanes: number) => number,
    busyMs: (lanes: number) => number = () => 0,
  ): Promise<number> {
    let [nowMs, idleMs] = [0, 0];
    const lanes = lanesFor('adaptive', { monotonicMs: () => nowMs, idleMs: () => idleMs });
    for (let left = itemCount; left > 0; ) {
      const round = Math.min(lanes.count, left);
      nowMs += roundMs(round);
      idleMs += roundMs(round) - busyMs(round);
      for (let ended = 0; ended < round; ended += 1) lanes.finished();
      left -= round;
    }
    return lanes.count;
  }

  it('is what was asked for, whatever happens', () => {
    const lanes = lanesFor(7, { monotonicMs: () => 0, idleMs: () => 0 });
    for (let ended = 0; ended < 100; ended += 1) lanes.finished();
    expect(lanes.count).toBe(7);
  });

  it('grows to the most where only the way to the store takes time', async () => {
    expect(await lanesAfter(2000, () => 25)).toBe(128);
  });

  it('stays low where more at once take longer', async () => {
    expect(await lanesAfter(2000, (lanes) => lanes * 2)).toBe(64);
  });

  it('stops one step past a bound', async () => {
    expect(await lanesAfter(2000, (lanes) => Math.max(25, lanes / 2))).toBe(128);
    expect(await lanesAfter(2000, (lanes) => Math.max(25, lanes * 1.5))).toBe(64);
  });

  it('does not grow where this process is what takes the time', async () => {
    const takesTurns = (lanes: number) => lanes * 2;
    expect(await lanesAfter(2000, takesTurns, takesTurns)).toBe(16);
  });

  it('grows to what leaves this process no time to wait', async () => {
    const roundMs = (lanes: number) => Math.max(30, lanes * 0.5);
    expect(await lanesAfter(2000, roundMs, (lanes) => lanes * 0.5)).toBe(60);
  });

  it.each([
    ['near the store', 5, 16],
    ['far from it', 75, 75],
    ['after a long wait', 60_000, 128],
  ])('begins with as many as could have been sent in what was waited so far: %s', (_, waitedMs, count) => {
    const lanes = lanesFor('adaptive', { monotonicMs: () => waitedMs, idleMs: () => waitedMs });
    expect(lanes.count).toBe(count);
  });

  it('lets work that is under way be joined by more', async () => {
    let nowMs = 0;
    let [running, peak] = [0, 0];
    const items = Array.from({ length: 500 }, (_, index) => index);
    const results = await mapConcurrently(
      items,
      lanesFor('adaptive', { monotonicMs: () => nowMs, idleMs: () => nowMs }),
      async (item) => {
        running += 1;
        peak = Math.max(peak, running);
        await new Promise((done) => setImmediate(done));
        nowMs += 1000 / running ** 2;
        running -= 1;
        return item;
      },
    );
    expect(results).toEqual(items);
    expect(peak).toBe(128);
  });
});

describe('byteBudget', () => {
  it('lends the same memory again, at the length asked for', async () => {
    const budget = byteBudget(100);
    const lent: Uint8Array[] = [];
    for (const sizeBytes of [40, 30, 40])
      await budget.lend(sizeBytes, async (buffer) => {
        expect(buffer).toHaveLength(sizeBytes);
        lent.push(buffer);
      });
    expect(new Set(lent.map(({ buffer }) => buffer)).size).toBe(1);
  });

  it('lends small files the same buffers, whatever their sizes, and large ones none that is much too long', async () => {
    const budget = byteBudget(1024 ** 2);
    const memoryOf = (sizeBytes: number) => budget.lend(sizeBytes, async ({ buffer }) => buffer);
    expect(await memoryOf(10)).toBe(await memoryOf(65_536));
    const large = await memoryOf(1_000_000);
    expect(await memoryOf(600_000)).toBe(large);
    expect(await memoryOf(100_000)).not.toBe(large);
  });

  it('lends no memory to two at once, and has it back from work that failed', async () => {
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

  it('never has more under way than the budget', async () => {
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

  it('serves first come, first served: a small one does not overtake a large one', async () => {
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

  it('gives all of it to what is larger than it', async () => {
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

  it('gives back what failed work held, and passes the failure on', async () => {
    const budget = byteBudget(10);
    await expect(budget.spend(10, () => Promise.reject(new Error('later')))).rejects.toThrow('later');
    const failAtOnce = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(budget.spend(10, failAtOnce)).rejects.toThrow('at once');
    expect(await budget.spend(10, async () => 'free again')).toBe('free again');
  });

  it('gives what the work gives', async () => {
    expect(await byteBudget(1).spend(1, async () => 42)).toBe(42);
  });
});

describe('turns', () => {
  it('lets as many go on at once as there are', async () => {
    let [running, peak] = [0, 0];
    const taken = turns(3);
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
