import { describe, expect, it } from '@jest/globals';
import { parseCopyRange, parseRange } from '../../../dev/local-s3/byte-range.ts';

describe('parseRange', () => {
  it.each([
    ['bytes=0-9', { start: 0, end: 10 }],
    ['bytes=95-', { start: 95, end: 100 }],
    ['bytes=-5', { start: 95, end: 100 }],
    ['bytes=-500', { start: 0, end: 100 }],
    ['bytes=90-1000', { start: 90, end: 100 }],
  ])('%s of 100 bytes', (header, range) => {
    expect(parseRange(header, 100)).toEqual(range);
  });

  it.each([undefined, 'bytes=-', 'bytes=5-2', 'bytes=0-1,3-4', 'items=0-1'])('ignores %s', (header) => {
    expect(parseRange(header, 100)).toBeUndefined();
  });

  it.each([
    ['bytes=100-', 100],
    ['bytes=-0', 100],
    ['bytes=0-', 0],
  ])('refuses %s of %d bytes', (header, size) => {
    expect(() => parseRange(header, size)).toThrow('The requested range is not satisfiable');
  });
});

describe('parseCopyRange', () => {
  it('accepts only a range within the source', () => {
    expect(parseCopyRange('bytes=0-99', 100)).toEqual({ start: 0, end: 100 });
    for (const header of ['bytes=0-100', 'bytes=5-', 'bytes=9-3', '0-9']) {
      expect(() => parseCopyRange(header, 100)).toThrow('Range specified is not valid');
    }
  });
});
