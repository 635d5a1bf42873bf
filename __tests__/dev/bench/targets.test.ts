import { describe, expect, it } from '@jest/globals';
import {
  additionFaster,
  peakMemory,
  timeAFileStays,
  timeOver,
  timeRatio,
  timesFaster,
} from '../../../dev/bench/targets.ts';

const PAIR = { of: 'own', than: 'peer' };

/** @param costs wall time in ms and peak in MB, by name */
function results(costs: Record<string, readonly [wallMs: number, peakMb: number]>) {
  const summaries = Object.entries(costs).map(([name, [wallMs, peakMb]]) => {
    return [name, { runs: 1, wallMs, cpuMs: 0, peakBytes: peakMb * 1e6 }] as const;
  });
  return new Map(summaries);
}

describe('a target', () => {
  const measured = results({ own: [120, 60], peer: [100, 10] });

  it.each([
    [timeOver(PAIR, 20), '20.0 ms', true],
    [timeOver(PAIR, 19), '20.0 ms', false],
    [timeRatio(PAIR, 1.2), '1.20 ×', true],
    [timeRatio(PAIR, 1.1), '1.20 ×', false],
    [timesFaster({ of: 'peer', than: 'own' }, 1.2), '1.2 ×', true],
    [timesFaster(PAIR, 1), '0.8 ×', false],
    [peakMemory('own', 60), '60 MB', true],
    [peakMemory('own', 59), '60 MB', false],
  ])('%#: $says is judged', (target, value, isReached) => {
    expect(target.judge(measured)).toEqual({ value, isReached });
  });

  it('is not judged without the peer that it compares with', () => {
    expect(timeRatio(PAIR, 1).judge(results({ own: [1, 1] }))).toBeUndefined();
  });

  it('is for both links, unless it is said', () => {
    expect(timeRatio(PAIR, 1).links).toEqual(['loopback', 'latency']);
    expect(timeRatio(PAIR, 1, ['latency']).links).toEqual(['latency']);
  });
});

describe('what something adds to two programs', () => {
  const compared = {
    says: 'hashing',
    of: { with: 'own miss', without: 'own hit' },
    than: { with: 'peer miss', without: 'peer hit' },
  };
  const measured = results({ 'own miss': [150, 1], 'own hit': [50, 1], 'peer miss': [1300, 1], 'peer hit': [500, 1] });

  it.each([
    [8, true],
    [8.1, false],
  ])('is compared without the rest: %d times faster', (least, isReached) => {
    expect(additionFaster(compared, least).judge(measured)).toEqual({ value: '8.0 ×', isReached });
  });
});

describe('growth', () => {
  const growth = { says: '`upload`', small: { name: 'few', files: 10 }, large: { name: 'many', files: 1000 } };

  it.each([
    ['as long a file', 1000, '1.000 → 1.000 ms', true],
    ['as long, within noise', 1099, '1.000 → 1.099 ms', true],
    ['longer', 1200, '1.000 → 1.200 ms', false],
  ])('takes %s', (_, wallMs, value, isReached) => {
    expect(timeAFileStays(growth).judge(results({ few: [10, 1], many: [wallMs, 1] }))).toEqual({ value, isReached });
  });
});
