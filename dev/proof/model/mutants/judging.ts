import type { Mutant } from './mutant.ts';

// How a reader decides about a set.

export const JUDGING: readonly Mutant[] = [
  {
    guard: 'a damaged set is not found',
    text: "if (disagreement !== undefined) return { reason: 'damaged', record, disagreement };",
    replacement: '',
  },
  {
    guard: 'sizes are compared',
    text: 'if (listed.size !== file.size)',
    replacement: 'if (listed.size < 0)',
    redundant: 'other sizes have other ETags',
  },
  {
    guard: 'ETags are compared',
    text: 'if (listed.etag !== file.etag)',
    replacement: "if (listed.etag === '')",
  },
  {
    guard: 'a missing file is damage',
    text: "if (listed === undefined) return { file, difference: 'missing' };",
    replacement: 'if (listed === undefined) return undefined;',
  },
  {
    guard: 'if a HEAD agrees and the listing did not, a second listing decides',
    text: 'confirmed[index] || again.get(path)?.etag !== listedEtag',
    replacement: 'confirmed[index] || (again.size < 0 && path === listedEtag)',
  },
  {
    guard: 'a listing that may have begun before the seal does not count',
    text: 'return judge(run, { location, record, pages: mayPrecedeRecord ? store.list(location.prefix) : pages });',
    replacement: 'return judge(run, { location, record, pages: mayPrecedeRecord ? pages : pages });',
  },
  {
    guard: 'a listing that may have begun before the seal does not count, also when it agrees',
    text: 'return judge(run, { location, record, pages: mayPrecedeRecord ? store.list(location.prefix) : pages });',
    replacement: [
      'const held = await Array.fromAsync(pages);',
      'const etags = new Map(held.flat().map(({ key, etag }) => [key.slice(location.prefix.length), etag]));',
      "const agrees = record.record.state === 'complete' && [...record.record.files].every(({ path, etag }) => etags.get(path) === etag);",
      'return judge(run, { location, record, pages: mayPrecedeRecord && !agrees ? store.list(location.prefix) : held });',
    ].join('\n  '),
  },
  {
    guard: 'the time since the listing was sent counts against the age of the record',
    text: 'record.ageMs <= elapsedMs + CLOCK_GRAIN_MS',
    replacement: 'record.ageMs + 0 * elapsedMs <= CLOCK_GRAIN_MS',
  },
  {
    guard: '2 seconds of slack, since clocks are read to whole seconds',
    text: 'const CLOCK_GRAIN_MS = 2000;',
    replacement: 'const CLOCK_GRAIN_MS = -1;',
  },
  {
    guard: 'an absent record is read again if there are objects',
    text: 'const record = await readRecord(store, location);',
    replacement: 'const record = await Promise.resolve<ReadRecord | undefined>(undefined);',
  },
  {
    guard: 'a set is listed again if its record has appeared',
    text: 'return judge(run, { location, record, pages: store.list(location.prefix) });',
    replacement:
      'return judge(run, { location, record, pages: [[...found.listing].map(([path, { size, etag }]) => ({ key: location.prefix + path, sizeBytes: size, etag }))] });',
  },
  {
    guard: 'a listing of several pages counts only if the record is still the same after it',
    text: 'if (head?.etag === lookup.record?.etag) return lookup;',
    replacement: 'if (head !== null) return lookup;',
    rare: '__tests__/modes/check.local.test.ts',
  },
  {
    guard: 'asset-record: a set of ours whose record was deleted is not a legacy set',
    text: 'if (head === undefined || isOurs(head, location))',
    replacement: 'if (head === undefined)',
  },
  {
    guard: 'commit-hash: a set that the Python tool copied from our cache is a legacy set',
    text: "return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);",
    replacement: "return isRecorded(head) && (location.kind === 'cache' || commitOf(head) !== '');",
  },
  {
    guard: 'legacy: ignore',
    text: "(status.reason === 'legacy' && legacy === 'trust')",
    replacement: "(status.reason === 'legacy' && legacy !== undefined)",
  },
  {
    guard: 'an archived record is an answer',
    text: 'if (isArchived(error)) return undefined;',
    replacement: '',
  },
  {
    guard: 'an archived record is taken over only by its own ETag',
    within: 'lookUpReadable',
    text: 'if (again !== undefined) return again;\n  const found',
    replacement: 'const found',
    rare: '__tests__/modes/check-archived.local.test.ts',
  },
  {
    guard: 'an archived set without a record is not found',
    text: "name === undefined ? { reason: 'legacy', ageMs: head.ageMs } : { reason: 'archived', name }",
    replacement: "name === '' ? { reason: 'archived', name } : { reason: 'legacy', ageMs: head.ageMs }",
  },
  {
    guard: 'an archived set is not found',
    text: "name === undefined ? { reason: 'complete', record } : { reason: 'archived', name }",
    replacement: "name === '' ? { reason: 'archived', name } : { reason: 'complete', record }",
  },
];
