import { describe, expect, it } from '@jest/globals';
import { defined } from '../src/text.ts';

describe('defined', () => {
  it('removes only undefined fields', () => {
    const fields = { none: undefined, zero: 0, no: false, empty: '', nil: null };
    expect(Object.entries(defined(fields))).toEqual([
      ['zero', 0],
      ['no', false],
      ['empty', ''],
      ['nil', null],
    ]);
  });

  it('returns a new object', () => {
    const fields = { a: 1 };
    expect(defined(fields)).not.toBe(fields);
  });

  it('treats a field called __proto__ like any other', () => {
    const fields: object = JSON.parse('{"__proto__": {"polluted": true}}');
    const copy = defined(fields);
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(copy).not.toHaveProperty('polluted');
  });
});
