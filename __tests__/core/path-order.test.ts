import { describe, expect, it } from '@jest/globals';
import { comparePaths } from '../../src/core/path-order.ts';

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

describe('the order of paths', () => {
  it('is that of their UTF-8 bytes, beyond the basic plane too', () => {
    for (const left of PATHS)
      for (const right of PATHS) {
        const byBytes = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect([left, right, Math.sign(comparePaths(left, right))]).toEqual([left, right, byBytes]);
      }
  });
});
