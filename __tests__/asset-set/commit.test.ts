import { describe, expect, it } from '@jest/globals';
import { isCommit } from '../../src/asset-set/location.ts';

describe('isCommit', () => {
  it.each([40, 64])('takes %i lowercase hex digits', (length) => {
    expect(isCommit('0123456789abcdef'.repeat(4).slice(0, length))).toBe(true);
  });

  it.each([
    ['a short id', 'abc1234'],
    ['a digit too few', 'a'.repeat(39)],
    ['a digit too many', 'a'.repeat(41)],
    ['a length between the two', 'a'.repeat(63)],
    ['uppercase', 'A'.repeat(40)],
    ['a letter that is not hex', 'g'.repeat(40)],
    ['a line end after it', `${'a'.repeat(40)}\n`],
    ['a branch', 'main'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(isCommit(text)).toBe(false);
  });
});
