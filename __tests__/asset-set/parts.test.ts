import { describe, expect, it } from '@jest/globals';
import { partSizeOf, split } from '../../src/asset-set/attributes.ts';

describe('split', () => {
  it.each<[size: number, part: number, sizes: number[]]>([
    [12, 5, [5, 5, 2]],
    [10, 5, [5, 5]],
    [1, 5, [1]],
    [5, 5, [5]],
  ])('%d bytes by %d', (sizeBytes, partSizeBytes, sizes) => {
    const parts = split(sizeBytes, partSizeBytes);
    expect(parts.map((part) => part.sizeBytes)).toEqual(sizes);
    expect(parts.map((part) => part.number)).toEqual(sizes.map((_, index) => index + 1));
    expect(parts.map((part) => part.position)).toEqual(sizes.map((_, index) => index * partSizeBytes));
  });

  it('makes larger parts if there would be more than 10,000', () => {
    const sizeBytes = 48 * 1024 ** 4 + 1;
    const parts = split(sizeBytes, partSizeOf(sizeBytes, 5 * 1024 ** 2));
    expect(parts.length).toBeLessThanOrEqual(10_000);
    const last = parts.at(-1);
    expect((last?.position ?? 0) + (last?.sizeBytes ?? 0)).toBe(sizeBytes);
  });
});
