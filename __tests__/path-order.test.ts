import { describe, expect, it } from '@jest/globals';
import { comparePaths } from '../src/text.ts';

const UNITS = [
  '',
  'a',
  'b',
  '/',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
];
const PATHS = UNITS.flatMap((first) => UNITS.map((second) => first + second));

// The order of Python's list.sort.
const SORTED = [
  '',
  'A',
  'a',
  'a-b',
  'a/b',
  'aa',
  'a\udc80',
  'a\uff5e',
  'a😀',
  'a😀b',
  'a😁',
  'b',
  'é',
  '\ud7ff',
  '\udc80',
  '\udcff',
  '\ue000',
  '\ufffd',
  '\u{10000}',
  '😀',
];

describe('the order of paths', () => {
  it('is that of their UTF-8 bytes, also beyond the Basic Multilingual Plane', () => {
    for (const left of PATHS)
      for (const right of PATHS) {
        const byBytes = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect([left, right, Math.sign(comparePaths(left, right))]).toEqual([left, right, byBytes]);
      }
  });

  it("is Python's, even for bytes that are not UTF-8", () => {
    expect(SORTED.toReversed().toSorted(comparePaths)).toEqual(SORTED);
  });
});
