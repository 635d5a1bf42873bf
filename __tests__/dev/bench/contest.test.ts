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
function contender(name: string, calls: string[], verify = async (): Promise<void> => {}): Contender {
  return {
    name,
    prepare: async () => {
      calls.push(name);
      return { timed: TIMED, verify, clear: async () => void calls.push(`${name} cleared`) };
    },
  };
}

describe('a contest', () => {
  it('runs all of them in turn, and starts each round with a different one', async () => {
    const calls: string[] = [];
    const contenders = ['a', 'b', 'c'].map((name) => contender(name, calls));
    const results = await holdContest(contenders, { runs: 2, meter: meterWith(), cancelled });
    expect(calls.filter((line) => !line.endsWith('cleared')).join('')).toBe('abcbca');
    expect([...results].map(([name, { wallMs, runs }]) => [name, wallMs, runs])).toEqual([
      ['a', 3.5, 2],
      ['b', 3, 2],
      ['c', 4, 2],
    ]);
  });

  it('runs a slow contender less often', async () => {
    const calls: string[] = [];
    const slow = { ...contender('slow', calls), mostRuns: 1 };
    const results = await holdContest([slow, contender('a', calls)], { runs: 3, meter: meterWith(), cancelled });
    expect([...results].map(([name, { runs }]) => [name, runs])).toEqual([
      ['slow', 1],
      ['a', 3],
    ]);
  });

  it('runs a slow contender three times if that is enough', async () => {
    const calls: string[] = [];
    const meter = { run: async () => ({ wallMs: 5001, cpuMs: 0, peakBytes: 0, exitCode: 0 }) };
    const slow = { ...contender('slow', calls), fewIfLong: true };
    const results = await holdContest([slow, contender('a', calls)], { runs: 5, meter, cancelled });
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
    const calls: string[] = [];
    const held = holdContest([contender('a', calls, verify)], { runs: 1, meter, cancelled });
    await expect(held).rejects.toThrow(message);
    expect(calls).toEqual(['a', 'a cleared']);
  });

  it('starts no run after it is cancelled', async () => {
    const calls: string[] = [];
    const held = holdContest([contender('a', calls)], { runs: 1, meter: meterWith(), cancelled: AbortSignal.abort() });
    await expect(held).rejects.toThrow('aborted');
    expect(calls).toEqual([]);
  });
});
