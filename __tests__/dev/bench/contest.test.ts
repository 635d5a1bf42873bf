import { describe, expect, it } from '@jest/globals';
import { type Contender, holdContest } from '../../../dev/bench/contest.ts';

const { signal: cancelled } = new AbortController();
const TIMED = { commands: [], env: {}, cwd: '.', output: 'there-is-no-such-file' };

/** Each run takes a millisecond more than the one before. */
function meterWith(exitCode = 0) {
  let wallMs = 0;
  return { run: async () => ({ wallMs: ++wallMs, cpuMs: 0, peakBytes: 0, exitCode }) };
}

/** A contender that records the calls it gets. */
function contender(name: string, told: string[], verify = async (): Promise<void> => {}): Contender {
  return {
    name,
    prepare: async () => {
      told.push(name);
      return { timed: TIMED, verify, clear: async () => void told.push(`${name} cleared`) };
    },
  };
}

describe('a contest', () => {
  it('runs all of them in turn, and starts each round with a different one', async () => {
    const told: string[] = [];
    const contenders = ['a', 'b', 'c'].map((name) => contender(name, told));
    const results = await holdContest(contenders, { runs: 2, meter: meterWith(), cancelled });
    expect(told.filter((line) => !line.endsWith('cleared')).join('')).toBe('abcbca');
    expect([...results].map(([name, { wallMs, runs }]) => [name, wallMs, runs])).toEqual([
      ['a', 3.5, 2],
      ['b', 3, 2],
      ['c', 4, 2],
    ]);
  });

  it('runs a slow contender less often', async () => {
    const told: string[] = [];
    const slow = { ...contender('slow', told), mostRuns: 1 };
    const results = await holdContest([slow, contender('a', told)], { runs: 3, meter: meterWith(), cancelled });
    expect([...results].map(([name, { runs }]) => [name, runs])).toEqual([
      ['slow', 1],
      ['a', 3],
    ]);
  });

  it('runs a slow contender three times if that is enough', async () => {
    const told: string[] = [];
    const meter = { run: async () => ({ wallMs: 5001, cpuMs: 0, peakBytes: 0, exitCode: 0 }) };
    const slow = { ...contender('slow', told), fewIfLong: true };
    const results = await holdContest([slow, contender('a', told)], { runs: 5, meter, cancelled });
    expect([...results].map(([name, { runs }]) => [name, runs])).toEqual([
      ['slow', 3],
      ['a', 5],
    ]);
    const quick = await holdContest([slow], { runs: 5, meter: meterWith(), cancelled });
    expect(quick.get('slow')?.runs).toBe(5);
  });

  it.each([
    ['fails', meterWith(3), async () => {}, 'a: exit code 3'],
    ['does not do its work', meterWith(), () => Promise.reject(new Error('nothing there')), 'a: nothing there'],
  ])('does not count a run that %s, and cleans up after it', async (_, meter, verify, message) => {
    const told: string[] = [];
    const held = holdContest([contender('a', told, verify)], { runs: 1, meter, cancelled });
    await expect(held).rejects.toThrow(message);
    expect(told).toEqual(['a', 'a cleared']);
  });

  it('starts no run after it is cancelled', async () => {
    const told: string[] = [];
    const held = holdContest([contender('a', told)], { runs: 1, meter: meterWith(), cancelled: AbortSignal.abort() });
    await expect(held).rejects.toThrow('aborted');
    expect(told).toEqual([]);
  });
});
