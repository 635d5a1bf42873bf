import { describe, expect, it } from '@jest/globals';
import { waitForAll } from '../src/async.ts';

describe('waitForAll', () => {
  it('returns all results in order', async () => {
    expect(await waitForAll([later(2, () => 'a'), 'b', later(1, () => 3)])).toEqual(['a', 'b', 3]);
  });

  it('rejects with the first failure in order, but only after all have ended', async () => {
    let hasEnded = false;
    const work = [
      later(3, () => {
        hasEnded = true;
        throw new Error('first in order');
      }),
      later(1, () => {
        throw new Error('first in time');
      }),
    ];
    await expect(waitForAll(work)).rejects.toThrow('first in order');
    expect(hasEnded).toBe(true);
  });
});

/** Resolves after some turns of the event loop. */
async function later<Value>(turns: number, come: () => Value): Promise<Value> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resume) => setImmediate(resume));
  return come();
}
