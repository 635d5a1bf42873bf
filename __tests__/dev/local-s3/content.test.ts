import { describe, expect, it } from '@jest/globals';
import { Content } from '../../../dev/local-s3/content.ts';

const content = new Content(['abc', '', 'de', 'fgh'].map((text) => Buffer.from(text)));

describe('Content', () => {
  it('joins its chunks', () => {
    expect(content.sizeBytes).toBe(8);
    expect(content.text()).toBe('abcdefgh');
  });

  it.each([
    [0, 8, 'abcdefgh'],
    [2, 4, 'cd'],
    [3, 5, 'de'],
    [7, 100, 'h'],
    [5, 5, ''],
  ])('slices from %d to %d', (start, end, text) => {
    expect(content.slice(start, end).text()).toBe(text);
  });

  it('puts contents one after the other', () => {
    expect(Content.concat([content.slice(6, 8), Content.from('!')]).text()).toBe('gh!');
  });

  it('keeps its own copy of the bytes', () => {
    const bytes = Buffer.from('abc');
    const copy = Content.from(bytes);
    bytes.fill(0);
    expect(copy.text()).toBe('abc');
  });
});
