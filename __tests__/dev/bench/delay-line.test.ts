import { setTimeout } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { DelayLine } from '../../../dev/bench/delay-line.ts';

it('delivers in order, nothing early, and counts the bytes in transit', async () => {
  const line = new DelayLine({ delayMs: 20, notBeforeMs: 0 });
  const delivered: { readonly name: string; readonly afterMs: number }[] = [];
  const add = (name: string): void => {
    const addedMs = performance.now();
    line.add(100, () => delivered.push({ name, afterMs: performance.now() - addedMs }));
  };
  add('a');
  add('b');
  await setTimeout(10);
  add('c');
  expect([line.sizeBytes, delivered.length]).toEqual([300, 0]);
  while (line.sizeBytes > 0) await setTimeout(5);
  expect(delivered.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  for (const { afterMs } of delivered) expect(afterMs).toBeGreaterThanOrEqual(20);
});

it('holds everything back until a connection would be there', async () => {
  const notBeforeMs = performance.now() + 40;
  const line = new DelayLine({ delayMs: 1, notBeforeMs });
  const deliveredMs = await new Promise<number>((done) => line.add(1, () => done(performance.now())));
  expect(deliveredMs).toBeGreaterThanOrEqual(notBeforeMs);
});

it('delivers at once without a delay', () => {
  const line = new DelayLine({ delayMs: 0, notBeforeMs: 0 });
  const delivered: string[] = [];
  line.add(1, () => delivered.push('a'));
  expect(delivered).toEqual(['a']);
});
