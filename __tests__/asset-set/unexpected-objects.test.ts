import { describe, expect, it } from '@jest/globals';
import { type Listing, unexpectedIn } from '../../src/asset-set/status.ts';
import { assetFile, completeRecord } from './records.ts';

describe('unexpected objects', () => {
  it('are the objects that the record does not name', () => {
    const listed = listing({ a: [1, '"a"'], b: [1, '"b"'], c: [1, '"c"'] });
    expect(unexpectedIn(completeRecord([assetFile('b')]), listed)).toEqual(new Set(['a', 'c']));
  });

  it('are none if the record names all objects, even if some are not listed', () => {
    const record = completeRecord([assetFile('a'), assetFile('b')]);
    expect(unexpectedIn(record, listing({ a: [1, '"a"'] }))).toEqual(new Set());
  });
});

function listing(assets: Readonly<Record<string, readonly [size: number, etag: string]>>): Listing {
  return new Map(Object.entries(assets).map(([path, [size, etag]]) => [path, { size, etag }]));
}
