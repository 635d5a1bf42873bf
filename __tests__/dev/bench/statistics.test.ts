import { describe, expect, it } from '@jest/globals';
import { median, summarize } from '../../../dev/bench/statistics.ts';

describe('the median', () => {
  it.each([
    [[7], 7],
    [[3, 1, 2], 2],
    [[10, 1, 2, 3], 2.5],
    [[10, 9, 100], 10],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('of nothing is NaN', () => {
    expect(median([])).toBeNaN();
  });

  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

it('summarizes runs as the medians of their times and the highest peak', () => {
  const costs = [
    { wallMs: 30, cpuMs: 1, peakBytes: 5 },
    { wallMs: 10, cpuMs: 9, peakBytes: 50 },
    { wallMs: 20, cpuMs: 2, peakBytes: 7 },
  ];
  expect(summarize(costs)).toEqual({ runs: 3, wallMs: 20, cpuMs: 2, peakBytes: 50 });
});
