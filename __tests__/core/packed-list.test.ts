import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryScratch } from '../../dev/memory-scratch.ts';
import { ListWriter } from '../../src/core/packed-list.ts';

interface Item {
  readonly index: number;
  readonly text: string;
}

function itemsOf(count: number): Item[] {
  return Array.from({ length: count }, (_, index) => ({ index, text: `ä"\\,[${index}` }));
}

describe('a list that is put together', () => {
  it('is an array while it is short, and takes no file', () => {
    const scratch = new MemoryScratch();
    const writer = new ListWriter<Item>(scratch);
    for (const item of itemsOf(1999)) writer.add(item);
    expect(writer.list()).toEqual(itemsOf(1999));
    expect(scratch.appendCount).toBe(0);
  });

  it.each([0, 1, 1999, 2000, 2001, 2399, 2400, 2401, 10_000])('has %i items each time it is gone through', (count) => {
    const writer = new ListWriter<Item>(new MemoryScratch());
    for (const item of itemsOf(count)) writer.add(item);
    const list = writer.list();
    expect(list.length).toBe(count);
    for (const _ of ['once', 'again']) expect([...list]).toEqual(itemsOf(count));
  });

  it('has no more in memory than a piece of them, once there are many', () => {
    const scratch = new MemoryScratch();
    const writer = new ListWriter<Item>(scratch);
    for (const item of itemsOf(10_000)) writer.add(item);
    const list = writer.list();
    expect(scratch.appendCount).toBe(25);
    const inPiece = new Set<Item>();
    const [first] = list;
    for (const item of list) inPiece.add(item);
    // Parsed anew: nobody holds on to them.
    expect([...inPiece].includes(first ?? { index: -1, text: '' })).toBe(false);
  });

  it('is in the order of its places, in whatever order they are taken', () => {
    const order = fc.shuffledSubarray(itemsOf(2500), { minLength: 2500 });
    fc.assert(
      fc.property(order, (items) => {
        const writer = new ListWriter<Item>(new MemoryScratch());
        for (const item of items) writer.put(item.index, item);
        expect([...writer.list()]).toEqual(itemsOf(2500));
      }),
      { numRuns: 20 },
    );
  });
});
