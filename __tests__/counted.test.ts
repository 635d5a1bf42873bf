import { describe, expect, it } from '@jest/globals';
import { counted, readableAge, readableDuration, readableSize } from '../src/text.ts';

describe('counted', () => {
  it.each([
    [0, '0 files'],
    [1, '1 file'],
    [2, '2 files'],
  ])('says how many: %i', (count, text) => {
    expect(counted(count, 'file')).toBe(text);
  });
});

describe('readableSize', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [1500, '1.5 KB'],
    [999_949, '999.9 KB'],
    [999_950, '1.0 MB'],
    [1_500_000, '1.5 MB'],
    [2_000_000_000, '2.0 GB'],
    [5_000_000_000_000, '5.0 TB'],
    [5_000_000_000_000_000, '5000.0 TB'],
  ])('shows %i bytes as %s', (sizeBytes, text) => {
    expect(readableSize(sizeBytes)).toBe(text);
  });
});

describe('readableAge', () => {
  it.each([
    [-5, 'just now'],
    [999, 'just now'],
    [1000, '1 s ago'],
    [200_000_000, '2 days ago'],
  ])('says how long ago: %i ms', (ageMs, text) => {
    expect(readableAge(ageMs)).toBe(text);
  });
});

describe('readableDuration', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [47.3, '47 ms'],
    [640, '0.6 s'],
    [5000, '5 s'],
    [59_900, '59 s'],
    [60_000, '1 min'],
    [372_000, '6 min 12 s'],
    [12_000_000, '3 h 20 min'],
    [86_400_000, '1 day'],
    [200_000_000, '2 days'],
  ])('says how long: %i ms', (durationMs, text) => {
    expect(readableDuration(durationMs)).toBe(text);
  });
});
