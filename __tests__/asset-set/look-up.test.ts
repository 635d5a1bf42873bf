import { describe, expect, it } from '@jest/globals';
import { type Lookup, wasSealed } from '../../src/asset-set/lookup.ts';
import { completeRecord, uploadingRecord } from './records.ts';

describe('wasSealed', () => {
  const etag = '"r1"';
  const absent = { reason: 'absent' } as const;
  const incomplete = { reason: 'incomplete', detail: '' } as const;

  it.each<[string, Lookup['record'], Lookup['status'], boolean]>([
    ['nothing', undefined, absent, false],
    ["another tool's set", undefined, { reason: 'legacy' }, false],
    ['a set whose record was deleted', undefined, incomplete, true],
    ['a first upload', { etag, record: uploadingRecord() }, incomplete, false],
    [
      'an upload to a set that had been complete',
      { etag, record: uploadingRecord({ sealedBefore: true }) },
      incomplete,
      true,
    ],
    ['a complete set', { etag, record: completeRecord([]) }, absent, true],
    ['an unreadable record', { etag }, incomplete, true],
  ])('knows whether the set may have been complete: %s', (_, record, status, expected) => {
    expect(wasSealed({ record, status })).toBe(expected);
  });
});
