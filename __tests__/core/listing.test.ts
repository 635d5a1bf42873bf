import { describe, expect, it } from '@jest/globals';
import { inWordsOf } from '../../src/core/listing.ts';
import { assetFile } from './records.ts';

const FILES = ['a', 'b', 'c/d', 'e'].map((path) => assetFile(path));

describe('a listing in the words of a record', () => {
  it('has the very files of the record, where it is in their order', () => {
    const inWords = inWordsOf(FILES);
    for (const file of FILES) expect(inWords({ ...file })).toBe(file);
  });

  it.each([
    ['of another size', { size: 4 }],
    ['of another ETag', { etag: '"other"' }],
    ['of another name', { path: 'bb' }],
  ])('has its own where one is %s, and goes on', (_, difference) => {
    const inWords = inWordsOf(FILES);
    const listed = { ...assetFile('b'), ...difference };
    expect(inWords(listed)).toBe(listed);
    expect(inWords({ ...assetFile('c/d') })).toBe(FILES[2]);
  });

  it('is what was listed in any order', () => {
    const inWords = inWordsOf(FILES);
    const listed = FILES.toReversed().map((file) => ({ ...file }));
    expect(listed.map((file) => inWords(file))).toEqual(listed);
  });
});
