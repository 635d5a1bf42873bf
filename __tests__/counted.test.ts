import { describe, expect, it } from '@jest/globals';
import { counted, readableSize } from '../src/text.ts';

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
