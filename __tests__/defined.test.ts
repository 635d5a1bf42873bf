import { describe, expect, it } from '@jest/globals';
import { defined } from '../src/text.ts';

describe('defined', () => {
  it('leaves out what is undefined, and nothing else', () => {
    const fields = { none: undefined, zero: 0, no: false, empty: '', nil: null };
    expect(Object.entries(defined(fields))).toEqual([
      ['zero', 0],
      ['no', false],
      ['empty', ''],
      ['nil', null],
    ]);
  });

  it('makes a new object', () => {
    const fields = { a: 1 };
    expect(defined(fields)).not.toBe(fields);
  });

  it('takes a field called __proto__ for a field', () => {
    const fields: object = JSON.parse('{"__proto__": {"polluted": true}}');
    const copy = defined(fields);
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(copy).not.toHaveProperty('polluted');
  });
});
