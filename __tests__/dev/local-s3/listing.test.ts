import { describe, expect, it } from '@jest/globals';
import { type ListingRequest, listKeys } from '../../../dev/local-s3/listing.ts';
import { compareUtf8 } from '../../../dev/local-s3/utf8-order.ts';

const KEYS = ['a', 'a/', 'a/1', 'a/2', 'a/b/3', 'ab', 'b//c', 'b/c', 'c', '\uff5e', '\u{1f600}'].toSorted(compareUtf8);

function list(request: Partial<ListingRequest>): { names: string[]; next: string | undefined } {
  const page = listKeys(KEYS, { prefix: '', delimiter: undefined, after: undefined, maxKeys: 1000, ...request });
  const names = page.entries.map((entry) => ('key' in entry ? entry.key : `[${entry.commonPrefix}]`));
  return { names, next: page.next };
}

/** Every entry, page by page, as a client would ask for them. */
function listAll(request: Partial<ListingRequest>): string[] {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = list({ ...request, after });
    names.push(...page.names);
    after = page.next;
  } while (after !== undefined);
  return names;
}

describe('listKeys', () => {
  it('gives all keys in byte order', () => {
    expect(list({})).toEqual({ names: KEYS, next: undefined });
  });

  it('takes a prefix literally, not as a folder', () => {
    expect(list({ prefix: 'a' }).names).toEqual(['a', 'a/', 'a/1', 'a/2', 'a/b/3', 'ab']);
    expect(list({ prefix: 'a/' }).names).toEqual(['a/', 'a/1', 'a/2', 'a/b/3']);
    expect(list({ prefix: 'nothing' })).toEqual({ names: [], next: undefined });
  });

  it('rolls up keys with the delimiter after the prefix', () => {
    expect(list({ delimiter: '/' }).names).toEqual(['a', '[a/]', 'ab', '[b/]', 'c', '\uff5e', '\u{1f600}']);
    expect(list({ delimiter: '/', prefix: 'a/' }).names).toEqual(['a/', 'a/1', 'a/2', '[a/b/]']);
    expect(list({ delimiter: '/', prefix: 'b/' }).names).toEqual(['[b//]', 'b/c']);
  });

  it.each([1, 2, 3, 5])('gives the same in pages of %d', (maxKeys) => {
    expect(listAll({ maxKeys })).toEqual(KEYS);
    expect(listAll({ maxKeys, delimiter: '/' })).toEqual(list({ delimiter: '/' }).names);
    expect(listAll({ maxKeys, delimiter: '/', prefix: 'a/' })).toEqual(list({ delimiter: '/', prefix: 'a/' }).names);
  });

  it('starts after a key, whether it exists or not', () => {
    expect(list({ after: 'a/2', prefix: 'a' }).names).toEqual(['a/b/3', 'ab']);
    expect(list({ after: 'a/15', prefix: 'a' }).names).toEqual(['a/2', 'a/b/3', 'ab']);
    expect(list({ after: 'zz', prefix: 'a' }).names).toEqual([]);
  });

  it('is not truncated when the last page is full, or when max-keys is 0', () => {
    expect(list({ maxKeys: KEYS.length }).next).toBeUndefined();
    expect(list({ maxKeys: 0 })).toEqual({ names: [], next: undefined });
  });
});
