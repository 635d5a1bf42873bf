import { describe, expect, it } from '@jest/globals';
import { compareUtf8, partitionPoint } from '../../../dev/local-s3/utf8-order.ts';

describe('compareUtf8', () => {
  it('orders like the bytes, also above U+FFFF', () => {
    const keys = ['a', 'Z', 'é', '\u{1f600}', '\uff5e', '-', 'd/b', 'd-', 'd0', 'd', '', '\ud7ff', '\u{10ffff}'];
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(keys.toSorted(compareUtf8)).toEqual(byBytes);
  });
});

describe('partitionPoint', () => {
  it('finds the first item that does not satisfy the predicate', () => {
    const items = [1, 2, 3, 5, 8];
    expect(partitionPoint(items, (item) => item < 4)).toBe(3);
    expect(partitionPoint(items, () => true)).toBe(5);
    expect(partitionPoint(items, () => false, 2)).toBe(2);
  });
});
