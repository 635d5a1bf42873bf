import type { Mutant } from './mutant.ts';

// What a reader concludes.

const LOOK_UP = 'src/steps/look-up.ts';
const UNRECORDED = 'src/steps/look-up-unrecorded.ts';
const VERDICT = 'src/core/verdict.ts';

export const JUDGING: readonly Mutant[] = [
  {
    guard: 'a damaged set is not found',
    file: LOOK_UP,
    text: "if (disagreement === undefined) return { reason: 'complete', record: record.record };",
    replacement:
      "if (disagreement === undefined || record.ageMs >= 0) return { reason: 'complete', record: record.record };",
  },
  {
    guard: 'sizes are compared',
    file: VERDICT,
    text: 'else if (listed.size !== file.size)',
    replacement: 'else if (listed.size < 0)',
    redundant: 'other sizes have other ETags',
  },
  {
    guard: 'ETags are compared',
    file: VERDICT,
    text: 'else if (listed.etag !== file.etag)',
    replacement: "else if (listed.etag === '')",
  },
  {
    guard: 'a missing file is damage',
    file: VERDICT,
    text: "if (listed === undefined) found.push({ file, difference: 'missing' });\n    else if",
    replacement: 'if (listed === undefined) continue;\n    if',
  },
  {
    guard: 'where a HEAD agrees and the listing did not, a second listing decides',
    file: 'src/steps/confirm-disagreements.ts',
    text: 'confirmed[index] || again.get(path)?.etag !== listing.get(path)?.etag,',
    replacement: 'confirmed[index] || (again.size < 0 && path === listing.get(path)?.etag),',
  },
  {
    guard: 'a listing that may have begun before the seal does not count',
    file: LOOK_UP,
    text: 'const counted = mayPrecedeRecord ? await readListing(store, location, record.record) : listing;',
    replacement: 'const counted = mayPrecedeRecord ? listing : listing;',
  },
  {
    guard: 'a listing that may have begun before the seal does not count, also when it agrees',
    file: LOOK_UP,
    text: 'const counted = mayPrecedeRecord ? await readListing(store, location, record.record) : listing;',
    replacement:
      "const agrees = record.record.state === 'complete' && record.record.files.every(({ path, etag }) => listing.get(path)?.etag === etag);\n  const counted = mayPrecedeRecord && !agrees ? await readListing(store, location, record.record) : listing;",
  },
  {
    guard: 'the time since the listing was sent counts against the age of the record',
    file: LOOK_UP,
    text: 'record.ageMs <= elapsedMs + CLOCK_GRAIN_MS',
    replacement: 'record.ageMs + 0 * elapsedMs <= CLOCK_GRAIN_MS',
  },
  {
    guard: '2 seconds of slack, since clocks are read to whole seconds',
    file: LOOK_UP,
    text: 'const CLOCK_GRAIN_MS = 2000;',
    replacement: 'const CLOCK_GRAIN_MS = -1;',
  },
  {
    guard: 'an absent record is read again where there are objects',
    file: UNRECORDED,
    text: 'const record = await readRecord(store, location);',
    replacement: 'const record = await Promise.resolve<ReadRecord | undefined>(undefined);',
  },
  {
    guard: 'a set is listed again once its record has turned up',
    file: UNRECORDED,
    text: 'return judge({ location, record, listing: await readListing(store, location, record.record) });',
    replacement: 'return judge({ location, record, listing });',
  },
  {
    guard: 'a listing of several pages counts only where the record is still the same after it',
    file: 'src/steps/look-up-still.ts',
    text: 'if (head?.etag === finding.record?.etag) return finding;',
    replacement: 'if (head !== null) return finding;',
    rare: '__tests__/modes/check.local.test.ts',
  },
  {
    guard: 'asset-record: a set of ours whose record was deleted is no legacy set',
    file: UNRECORDED,
    text: 'const isLegacy = head !== undefined && !isOurs(head, location);',
    replacement: 'const isLegacy = head !== undefined && (true || !isOurs(head, location));',
  },
  {
    guard: 'commit-hash: what the Python tool copied from our cache is a legacy set',
    file: UNRECORDED,
    text: "return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);",
    replacement: "return isRecorded(head) && (location.kind === 'cache' || commitOf(head) !== '');",
  },
  {
    guard: 'legacy: ignore',
    file: LOOK_UP,
    text: "(verdict.reason === 'legacy' && legacy === 'trust')",
    replacement: "(verdict.reason === 'legacy' && legacy !== undefined)",
  },
];
