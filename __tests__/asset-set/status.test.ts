import { describe, expect, it } from '@jest/globals';
import type { Writer } from '../../src/asset-set/record.ts';
import { disagreements, type Listing, leaseIsLive } from '../../src/asset-set/status.ts';
import { assetFile, completeRecord, uploadingRecord } from './records.ts';

const STRANGER = { repository: 'owner/repository', runId: '8', runAttempt: '1' };

describe('leaseIsLive', () => {
  it.each([
    { leaseSeconds: 120, ageMs: 0, isLive: true },
    { leaseSeconds: 120, ageMs: 125_000, isLive: true },
    { leaseSeconds: 120, ageMs: 125_001, isLive: false },
    { leaseSeconds: 120, ageMs: -3_600_000, isLive: true },
    { leaseSeconds: 0, ageMs: 0, isLive: false },
    { leaseSeconds: 0, ageMs: -3_600_000, isLive: false },
    { leaseSeconds: 1, ageMs: 6000, isLive: true },
    { leaseSeconds: 1, ageMs: 6001, isLive: false },
  ])('allows the lease plus five seconds: %j', ({ leaseSeconds, ageMs, isLive }) => {
    expect(leaseIsLive({ record: uploadingRecord({ leaseSeconds }), ageMs }, STRANGER)).toBe(isLive);
  });

  it.each([
    { who: 'an earlier attempt of the same run', reader: { runAttempt: '3' }, isLive: false },
    { who: 'a much earlier attempt, compared as a number, not as text', reader: { runAttempt: '10' }, isLive: false },
    { who: 'another job of the same attempt', reader: { runAttempt: '2' }, isLive: true },
    { who: 'a later attempt', reader: { runAttempt: '1' }, isLive: true },
    { who: 'a run whose reader does not know its own attempt', reader: {}, isLive: true },
  ])('is $isLive for the lease of $who', ({ reader, isLive }) => {
    const sameRun = { repository: 'owner/repository', runId: '7', ...reader };
    expect(leaseIsLive({ record: uploadingRecord(), ageMs: 0 }, sameRun)).toBe(isLive);
  });

  it.each([
    ['another run', { repository: 'owner/repository', runId: '8', runAttempt: '9' }],
    ['a run of the same number in another repository', { repository: 'o/other', runId: '7', runAttempt: '9' }],
    ['a reader outside Actions', {}],
  ])('does not mistake %s for a later attempt', (_, reader) => {
    expect(leaseIsLive({ record: uploadingRecord(), ageMs: 0 }, reader)).toBe(true);
  });

  it.each([
    ['nothing about its run', {}],
    ['only its attempt', { runAttempt: '1' }],
    ['no attempt', { repository: 'owner/repository', runId: '7' }],
    ['an attempt that is not a number', { repository: 'owner/repository', runId: '7', runAttempt: 'one' }],
  ])('respects the lease of a writer that states %s', (_, writer: Partial<Writer>) => {
    const record = uploadingRecord({ writer: { nonce: 'n1', sequence: 1, ...writer } });
    const reader = { repository: 'owner/repository', runId: '7', runAttempt: '9' };
    expect(leaseIsLive({ record, ageMs: 0 }, reader)).toBe(true);
    expect(leaseIsLive({ record, ageMs: 0 }, { runAttempt: '9' })).toBe(true);
  });
});

describe('disagreements', () => {
  const record = completeRecord([assetFile('a', { size: 1, etag: '"a"' }), assetFile('b', { size: 2, etag: '"b"' })]);

  it.each<[string, Listing, object[]]>([
    ['a listing that matches the record', listing({ a: [1, '"a"'], b: [2, '"b"'] }), []],
    ['an extra object', listing({ a: [1, '"a"'], b: [2, '"b"'], c: [3, '"c"'] }), []],
    ['a missing asset', listing({ a: [1, '"a"'] }), [{ path: 'b', difference: 'missing' }]],
    ['another size', listing({ a: [9, '"a"'], b: [2, '"b"'] }), [{ path: 'a', difference: 'size' }]],
    ['another ETag', listing({ a: [1, '"a"'], b: [2, '"x"'] }), [{ path: 'b', difference: 'etag' }]],
    [
      'another size, rather than another ETag',
      listing({ a: [9, '"x"'], b: [2, '"b"'] }),
      [{ path: 'a', difference: 'size' }],
    ],
    ['all assets missing', listing({}), ['a', 'b'].map((path) => ({ path, difference: 'missing' }))],
  ])('reports the differences of a listing: %s', (_, listed, expected) => {
    const found = disagreements(record, listed);
    expect(found.map(({ file, difference }) => ({ path: file.path, difference }))).toEqual(expected);
  });

  it('finds none in a set without files', () => {
    expect(disagreements(completeRecord([]), listing({}))).toEqual([]);
  });

  it('handles names that every JavaScript object has', () => {
    const odd = completeRecord([assetFile('__proto__'), assetFile('constructor')]);
    expect(disagreements(odd, listing({})).map(({ difference }) => difference)).toEqual(['missing', 'missing']);
  });
});

function listing(assets: Readonly<Record<string, readonly [size: number, etag: string]>>): Listing {
  return new Map(Object.entries(assets).map(([path, [size, etag]]) => [path, { size, etag }]));
}
