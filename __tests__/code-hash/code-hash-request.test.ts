import { describe, expect, it } from '@jest/globals';
import { isCodeHash } from '../../src/asset-set/location.ts';

describe('isCodeHash', () => {
  it.each([32, 40, 64, 128])('takes %i lowercase hex digits', (length) => {
    expect(isCodeHash('0123456789abcdef'.repeat(8).slice(0, length))).toBe(true);
  });

  it.each([
    ['31 digits', 'a'.repeat(31)],
    ['129 digits', 'a'.repeat(129)],
    ['uppercase', 'A'.repeat(64)],
    ['what is not hex', 'g'.repeat(64)],
    ['a path', `../${'a'.repeat(64)}`],
    ['a line end after it', `${'a'.repeat(64)}\n`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(isCodeHash(text)).toBe(false);
  });
});
