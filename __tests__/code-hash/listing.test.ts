import { describe, expect, it } from '@jest/globals';
import { pathOf } from '../../src/code-hash/index-listing.ts';

describe('pathOf', () => {
  it('is everything after the first tab', () =>
    expect(pathOf('100644 ce013625030ba8dba906f756967f9e9ca394464a 0\ta\tb')).toBe('a\tb'));
});
