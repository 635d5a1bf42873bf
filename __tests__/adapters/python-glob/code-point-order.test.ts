import { expect, it } from '@jest/globals';
import { sortByCodePoints } from '../../../src/adapters/python-glob/code-point-order.ts';

// As Python's list.sort has it.
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

it('sorts by code points', () => expect(sortByCodePoints(SORTED.toReversed())).toEqual(SORTED));

it('leaves what it was given as it is', () => {
  const given = ['b', 'a'];
  sortByCodePoints(given);
  expect(given).toEqual(['b', 'a']);
});
