import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ListedAsset } from '../../src/core/listing.ts';
import { PagedComparison, UnorderedError } from '../../src/core/paged-comparison.ts';
import { comparePaths } from '../../src/core/path-order.ts';
import type { AssetFile } from '../../src/core/record.ts';
import { straysIn } from '../../src/core/strays.ts';
import { disagreements } from '../../src/core/verdict.ts';
import { assetFile, completeRecord } from './records.ts';

type Listed = readonly [path: string, asset: ListedAsset];

function compared(files: readonly AssetFile[], listed: readonly Listed[]): PagedComparison {
  const comparison = new PagedComparison(completeRecord(files));
  for (const [path, asset] of listed) comparison.add(path, asset);
  comparison.end();
  return comparison;
}

const path = fc.constantFrom('a', 'a-b', 'a/b', 'a0', 'b', 'ä', '\u{ffff}', '\u{1f600}', 'z');
const asset = fc.record({ size: fc.integer({ min: 1, max: 2 }), etag: fc.constantFrom('"1"', '"2"') });
const inOrder = <Item>(items: readonly (readonly [string, Item])[]) =>
  items.toSorted(([left], [right]) => comparePaths(left, right));

describe('a listing held against a record page by page', () => {
  it('disagrees where one that is in memory would, and about strays', () => {
    // A record may name a path twice, a listing does not.
    const files = fc.array(fc.tuple(path, asset)).map(inOrder);
    const listed = fc.uniqueArray(fc.tuple(path, asset), { selector: ([name]) => name }).map(inOrder);
    fc.assert(
      fc.property(files, listed, (recorded, found) => {
        const assets = recorded.map(([name, { size, etag }]) => assetFile(name, { size, etag }));
        const record = completeRecord(assets);
        const all = disagreements(record, new Map(found));
        const beyondDoubt = all.findIndex(({ difference }) => difference !== 'etag');
        const comparison = compared(assets, found);
        expect(comparison.disagreements).toEqual(beyondDoubt < 0 ? all : all.slice(0, beyondDoubt + 1));
        expect(comparison.strays).toEqual(straysIn(record, new Map(found)));
      }),
      { numRuns: 2000 },
    );
  });

  it('is none where the record is in another order', () => {
    const listed: Listed[] = [['a', { size: 3, etag: '"e1"' }]];
    expect(() => compared([assetFile('b'), assetFile('a')], listed)).toThrow(UnorderedError);
  });

  it.each([
    ['in another order', ['b', 'a']],
    ['twice', ['a', 'a']],
    ['in the order of UTF-16 units, not of bytes', ['\u{1f600}', '\u{ffff}']],
  ])('is none where a path is listed %s', (_, paths) => {
    const files = paths.map((name) => assetFile(name)).toSorted((left, right) => comparePaths(left.path, right.path));
    const listed = paths.map((name): Listed => [name, { size: 3, etag: '"e1"' }]);
    expect(() => compared(files, listed)).toThrow(UnorderedError);
  });
});
