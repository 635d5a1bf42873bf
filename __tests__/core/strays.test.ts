import { describe, expect, it } from '@jest/globals';
import type { Listing } from '../../src/core/listing.ts';
import { strays } from '../../src/core/strays.ts';
import { assetFile, completeRecord } from './records.ts';

describe('strays', () => {
  it('are the paths that the record does not name', () => {
    const listed = listing({ a: [1, '"a"'], b: [1, '"b"'], c: [1, '"c"'] });
    expect(strays(completeRecord([assetFile('b')]), listed)).toEqual(['a', 'c']);
  });

  it('are none where the record names all, listed or not', () => {
    expect(strays(completeRecord([assetFile('a'), assetFile('b')]), listing({ a: [1, '"a"'] }))).toEqual([]);
  });
});

function listing(assets: Readonly<Record<string, readonly [size: number, etag: string]>>): Listing {
  return new Map(Object.entries(assets).map(([path, [size, etag]]) => [path, { size, etag }]));
}
