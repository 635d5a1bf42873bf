import { describe, expect, it } from '@jest/globals';
import { cpuRatio, peakMemory, timeAFileStays, timeRatio, timesFaster } from '../../../dev/bench/targets.ts';

const PAIR = { of: 'own', than: 'peer' };

/** @param costs wall time in ms, peak in MB and CPU time in ms, by name */
function results(costs: Record<string, readonly [wallMs: number, peakMb: number, cpuMs?: number]>) {
  const summaries = Object.entries(costs).map(([name, [wallMs, peakMb, cpuMs = 0]]) => {
    return [name, { runs: 1, wallMs, cpuMs, peakBytes: peakMb * 1e6 }] as const;
  });
  return new Map(summaries);
}

describe('a target', () => {
  const measured = results({ own: [120, 60, 8], peer: [100, 10, 4] });

  it.each([
    [cpuRatio(PAIR, 2), '2.00 ×', true],
    [cpuRatio(PAIR, 1.9), '2.00 ×', false],
    [timeRatio(PAIR, 1.2), '1.20 ×', true],
    [timeRatio(PAIR, 1.1), '1.20 ×', false],
    [timesFaster({ of: 'peer', than: 'own' }, 1.2), '1.2 ×', true],
    [timesFaster(PAIR, 1), '0.8 ×', false],
    [peakMemory('own', 60), '60 MB', true],
    [peakMemory('own', 59), '60 MB', false],
  ])('%#: $says is judged', (target, value, isReached) => {
    expect(target.judge(measured)).toEqual({ value, isReached });
  });

  it('is not judged if its peer is missing', () => {
    expect(timeRatio(PAIR, 1).judge(results({ own: [1, 1] }))).toBeUndefined();
  });

  it('applies to all links unless it names some', () => {
    expect(timeRatio(PAIR, 1).links).toEqual(['loopback', '25ms', '2gbit']);
    expect(timeRatio(PAIR, 1, ['25ms']).links).toEqual(['25ms']);
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
