import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Fault, type FaultAction, peakConcurrency } from '../../dev/local-s3/local-s3.ts';
import { RecordClaim } from '../../src/asset-set/claim.ts';
import { artifactSet, cacheSet } from '../../src/asset-set/location.ts';
import { MOST_RECORD_BYTES } from '../../src/asset-set/record.ts';
import { CancelledError, RecordLostError } from '../../src/errors.ts';
import type { Clock, Ports } from '../../src/ports.ts';
import { OTHER_WRITER, Scenario, skippingClock } from '../support/scenario.ts';
import { assetFile } from './records.ts';

const COMMIT = 'c'.repeat(40);
const LOCATION = artifactSet('', COMMIT);
const KEY = LOCATION.recordKey;
const WRITER = { repository: 'owner/repository', runId: '5', runAttempt: '1' } as const;

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

async function begin(takeOver?: string, ports: Partial<Ports> = {}): Promise<RecordClaim> {
  const claim = await beginUntested(takeOver, ports);
  await claim.settled();
  return claim;
}

/** Whether the server checks conditions is still being found out. */
function beginUntested(takeOver?: string, ports: Partial<Ports> = {}): Promise<RecordClaim> {
  const draft = { commit: COMMIT, origin: { kind: 'upload' } } as const;
  return RecordClaim.begin(scenario.run({ ...ports, writer: WRITER }), { location: LOCATION, draft, takeOver });
}

async function etag(): Promise<string> {
  return (await scenario.bucket.get(KEY))?.etag ?? '';
}

/** Makes the first writes of a record fail in some way. */
function firstWrites(count: number, action: FaultAction): Fault {
  let left = count;
  return ({ operation }) => {
    if (operation !== 'PutObject' || left === 0) return undefined;
    left -= 1;
    return action;
  };
}

/** Refuses the second write of a record, with which a claim tests whether the server checks conditions. */
function failingTest(): Fault {
  let writes = 0;
  return ({ operation }) => {
    if (operation === 'PutObject') writes += 1;
    return writes === 2 ? { kind: 'error', status: 400, code: 'InvalidTag' } : undefined;
  };
}

const otherEtag = (): FaultAction => ({
  kind: 'rewrite',
  rewrite: (reply) => ({ ...reply, headers: { ...reply.headers, etag: `"${Math.random()}"` } }),
});

/** A clock whose renewals are run by hand. */
function handRun(): { clock: Clock; renew: () => void; isRenewing: () => boolean } {
  let work: (() => void) | undefined;
  const clock = skippingClock();
  const every: Clock['every'] = (_, given) => {
    work = given;
    return () => {
      work = undefined;
    };
  };
  return { clock: { ...clock, every }, renew: () => work?.(), isRenewing: () => work !== undefined };
}

/** Resolves when all background work has ended. */
async function eventually(isDone: () => unknown): Promise<void> {
  const { setTimeout } = await import('node:timers/promises');
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await isDone()) return;
    await setTimeout(10);
  }
  throw new Error('It did not come about');
}

describe('beginning a record', () => {
  it('stores the writer, the commit and the lease', async () => {
    const claim = await begin();
    expect(await scenario.record(KEY)).toEqual({
      state: 'uploading',
      commit: COMMIT,
      origin: { kind: 'upload' },
      writer: { ...WRITER, nonce: expect.any(String), sequence: 1 },
      leaseSeconds: 120,
      createdAt: expect.any(String),
    });
    claim.end();
  });

  it('does not happen in a cancelled step', async () => {
    const signal = AbortSignal.abort(new CancelledError('cancelled'));
    await expect(begin(undefined, { signal })).rejects.toThrow(CancelledError);
    expect(await scenario.record(KEY)).toBeUndefined();
  });

  it('leaves the record of another run untouched', async () => {
    await scenario.putRecord({}, KEY);
    await expect(begin()).rejects.toThrow(RecordLostError);
    await expect(begin()).rejects.toThrow('run 77 (attempt 1) of owner/repository');
    expect(await scenario.record(KEY)).toMatchObject({ writer: OTHER_WRITER });
  });

  it('takes over the record that it has read', async () => {
    await scenario.putRecord({}, KEY);
    const claim = await begin(await etag());
    expect(await scenario.record(KEY)).toMatchObject({ writer: WRITER });
    claim.end();
  });

  it('does not take over a record that was written since', async () => {
    await scenario.putRecord({}, KEY);
    const before = await etag();
    await scenario.putRecord({ leaseSeconds: 60 }, KEY);
    await expect(begin(before)).rejects.toThrow(RecordLostError);
    expect(await scenario.record(KEY)).toMatchObject({ writer: OTHER_WRITER, leaseSeconds: 60 });
  });

  it('starts afresh if the record to take over was deleted', async () => {
    const claim = await begin('"0123"');
    // The body differs from the deleted one: with the same ETag, others could take this record over.
    expect(await scenario.record(KEY)).toMatchObject({ writer: { ...WRITER, sequence: 2 } });
    claim.end();
  });

  it.each([undefined, 'take over'])('succeeds although its reply was lost (%s)', async (kind) => {
    if (kind !== undefined) await scenario.putRecord({}, KEY);
    const before = kind === undefined ? undefined : await etag();
    scenario.bucket.server.fault = firstWrites(1, { kind: 'reset', when: 'after' });
    const claim = await begin(before);
    await claim.renew();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', writer: WRITER });
    expect(scenario.warnings()).toEqual([]);
    claim.end();
  });

  it('is retried after a conflict', async () => {
    const fault = { kind: 'error', status: 409, code: 'ConditionalRequestConflict' } as const;
    scenario.bucket.server.fault = firstWrites(1, fault);
    const claim = await begin();
    claim.assertLease();
    claim.end();
  });

  it('succeeds for only one of many writers', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => begin()));
    const won = outcomes.filter(({ status }) => status === 'fulfilled');
    const lost = outcomes.filter(
      (outcome) => outcome.status === 'rejected' && outcome.reason instanceof RecordLostError,
    );
    expect([won.length, lost.length]).toEqual([1, 7]);
    for (const outcome of won) if (outcome.status === 'fulfilled') outcome.value.end();
  });

  it('warns if the server accepts a second writer', async () => {
    scenario.bucket.server.fault = () => ({ kind: 'ignore', headers: ['if-none-match'] });
    const claim = await begin();
    await claim.renew();
    expect(scenario.warnings()).toEqual([expect.stringContaining('ignores conditional writes (If-None-Match):')]);
    claim.end();
  });

  it('warns if the server accepts a write that expects another record', async () => {
    scenario.bucket.server.fault = () => ({ kind: 'ignore', headers: ['if-match'] });
    const claim = await begin();
    expect(scenario.warnings()).toEqual([expect.stringContaining('ignores conditional writes (If-Match):')]);
    scenario.bucket.server.fault = undefined;
    await claim.renew();
    await claim.seal([]);
    expect(await scenario.record(KEY)).toMatchObject({ state: 'complete', writer: WRITER });
  });

  it('warns only once if the server supports neither condition', async () => {
    scenario.bucket.server.fault = () => ({ kind: 'ignore', headers: ['if-match', 'if-none-match'] });
    const claim = await begin();
    expect(scenario.warnings()).toEqual([expect.stringContaining('(If-None-Match and If-Match)')]);
    await claim.seal([]);
    expect(await scenario.record(KEY)).toMatchObject({ state: 'complete', writer: WRITER });
  });

  it.each(['if-match', 'if-none-match'])('warns if the server answers 501 to %s', async (header) => {
    scenario.bucket.server.fault = ({ headers }) =>
      header in headers ? { kind: 'error', status: 501, code: 'NotImplemented' } : undefined;
    const claim = await begin();
    expect(scenario.warnings()).toEqual([expect.stringMatching(new RegExp(`\\(${header}\\)`, 'i'))]);
    await claim.renew();
    await claim.seal([]);
    expect(await scenario.record(KEY)).toMatchObject({ state: 'complete', writer: WRITER });
  });

  it('sends nothing that could be mistaken for another record', async () => {
    const claim = await begin();
    claim.end();
    expect(scenario.bucket.server.requests.map(({ status }) => status)).toEqual([200, 412, 412]);
    expect(await scenario.record(KEY)).toMatchObject({ writer: { ...WRITER, sequence: 1 } });
    expect(scenario.warnings()).toEqual([]);
  });

  it('fails before the seal if the test of conditions fails', async () => {
    scenario.bucket.server.fault = failingTest();
    const claim = await beginUntested();
    await expect(claim.seal([])).rejects.toThrow('InvalidTag');
    expect(() => claim.assertLease()).toThrow('InvalidTag');
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });
});

describe('the lease of a record', () => {
  it('is renewed in the background, with a growing sequence number', async () => {
    const { clock, renew, isRenewing } = handRun();
    const claim = await begin(undefined, { clock });
    const first = await scenario.record(KEY);
    renew();
    await eventually(async () => ((await scenario.record(KEY))?.writer.sequence ?? 0) > (first?.writer.sequence ?? 0));
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', leaseSeconds: 120 });
    expect(isRenewing()).toBe(true);
    claim.end();
    expect(isRenewing()).toBe(false);
  });

  it('is renewed every third of its duration', async () => {
    const intervals: number[] = [];
    const every: Clock['every'] = (intervalMs) => {
      intervals.push(intervalMs);
      return () => {};
    };
    await begin(undefined, { clock: { ...skippingClock(), every } });
    expect(intervals).toEqual([40_000]);
  });

  it('ends after its duration unless it was renewed', async () => {
    const { clock } = handRun();
    const claim = await begin(undefined, { clock });
    await clock.sleep(119_000);
    claim.assertLease();
    await claim.renew();
    await clock.sleep(119_000);
    claim.assertLease();
    await clock.sleep(2000);
    expect(() => claim.assertLease()).toThrow(RecordLostError);
    await expect(claim.seal([])).rejects.toThrow('could not be renewed for 120 s');
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading' });
  });

  it('counts from the sending of its renewal, not from the reply', async () => {
    const { clock } = handRun();
    let replyMs = 0;
    const store = scenario.hookedStore((real) => ({
      writeDocument: async (...write) => {
        const result = await real.writeDocument(...write);
        await clock.sleep(replyMs);
        return result;
      },
    }));
    const claim = await begin(undefined, { clock, store });
    replyMs = 70_000;
    await claim.renew();
    claim.assertLease();
    await clock.sleep(51_000);
    expect(() => claim.assertLease()).toThrow(RecordLostError);
  });

  it('survives a failed renewal, with a warning', async () => {
    const { clock, renew } = handRun();
    const claim = await begin(undefined, { clock, store: scenario.impatientStore() });
    scenario.bucket.server.fault = firstWrites(1, { kind: 'error', status: 500, code: 'InternalError' });
    renew();
    await eventually(() => scenario.warnings().length > 0);
    claim.assertLease();
    await claim.renew();
    claim.assertLease();
    expect(scenario.warnings()).toEqual([expect.stringContaining('is tried again')]);
    claim.end();
  });

  it('is lost if a renewal finds the record of another run', async () => {
    const { clock, renew } = handRun();
    const claim = await begin(undefined, { clock });
    await scenario.putRecord({}, KEY);
    renew();
    await eventually(() => {
      try {
        claim.assertLease();
        return false;
      } catch (error) {
        return error instanceof RecordLostError;
      }
    });
    await expect(claim.renew()).rejects.toThrow('run 77');
    await expect(claim.seal([])).rejects.toThrow('run 77');
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ writer: OTHER_WRITER, leaseSeconds: 120 });
  });

  it('is lost even if something else failed before, and the record of the other run stays', async () => {
    scenario.bucket.server.fault = failingTest();
    const claim = await beginUntested();
    await expect(claim.settled()).rejects.toThrow('InvalidTag');
    await scenario.putRecord({}, KEY);
    await expect(claim.renew()).rejects.toThrow('run 77');
    expect(claim.loss).toBeInstanceOf(RecordLostError);
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ writer: OTHER_WRITER, leaseSeconds: 120 });
  });

  it('is released when the step is cancelled', async () => {
    const cancellation = new AbortController();
    const claim = await begin(undefined, { signal: cancellation.signal });
    cancellation.abort(new CancelledError('cancelled'));
    expect(() => claim.assertLease()).toThrow(CancelledError);
    await expect(claim.seal([])).rejects.toThrow(CancelledError);
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('begins again if its record is deleted', async () => {
    const claim = await begin();
    await scenario.bucket.delete(KEY);
    await claim.renew();
    claim.assertLease();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', writer: WRITER });
    claim.end();
  });

  it('accepts the ETag of its own earlier write if it expected another one', async () => {
    const claim = await begin();
    scenario.bucket.server.fault = firstWrites(1, otherEtag());
    await claim.renew();
    await claim.renew();
    claim.assertLease();
    await claim.seal([]);
    expect(await scenario.record(KEY)).toMatchObject({ state: 'complete', writer: WRITER });
  });

  it('fails if every reply of the server has another ETag', async () => {
    const claim = await begin();
    scenario.bucket.server.fault = ({ key }) => (key === KEY ? otherEtag() : undefined);
    await claim.renew();
    await expect(claim.renew()).rejects.toThrow("is the server's ETag the same in every reply?");
    claim.end();
  });
});

describe('the writes of a record', () => {
  it('never overlap', async () => {
    const claim = await begin();
    scenario.forgetWire();
    scenario.bucket.server.fault = () => ({ kind: 'delay', ms: 20 });
    await Promise.all([claim.renew(), claim.renew(), claim.renew(), claim.seal([])]);
    expect(peakConcurrency(scenario.bucket.server.requests)).toBe(1);
    expect(await scenario.record(KEY)).toMatchObject({ state: 'complete' });
  });

  it('end with the seal', async () => {
    const { clock, renew } = handRun();
    const claim = await begin(undefined, { clock });
    const file = { path: 'a.txt', size: 1, etag: '"1"' };
    const sealed = await claim.seal([file, { ...file, path: 'A.txt', size: 2 }]);
    const stored = await scenario.bucket.get(KEY);
    renew();
    await claim.renew();
    await claim.release();
    expect(await scenario.bucket.get(KEY)).toEqual(stored);
    expect(sealed).toMatchObject({ state: 'complete', totalSize: 3 });
    expect(await scenario.record(KEY)).toMatchObject({ files: [{ path: 'A.txt' }, { path: 'a.txt' }], totalSize: 3 });
  });

  it('end with the seal even if nobody knows whether it arrived', async () => {
    const claim = await begin(undefined, { store: scenario.impatientStore() });
    scenario.bucket.server.fault = firstWrites(1, { kind: 'reset', when: 'after' });
    await expect(claim.seal([])).rejects.toThrow('Could not write');
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'complete' });
  });

  it('do not end with a seal too large to be read: the record is released', async () => {
    const claim = await begin();
    const files = [{ ...assetFile('a.txt'), contentType: 'x'.repeat(MOST_RECORD_BYTES) }];
    await expect(claim.seal(files)).rejects.toThrow(
      'The record of 1 file would have 67.1 MB, and 67.1 MB is the most that can be read',
    );
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('go on after a seal that the listing contradicts', async () => {
    const claim = await begin();
    await claim.seal([]);
    await claim.reopen();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', leaseSeconds: 120 });
    await claim.release();
    expect(await scenario.record(KEY)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('never fail when they release it', async () => {
    const claim = await begin(undefined, { store: scenario.impatientStore() });
    scenario.bucket.server.fault = firstWrites(1, { kind: 'error', status: 403, code: 'AccessDenied' });
    await claim.release();
    expect(scenario.warnings()).toEqual([]);
  });

  it('cause no warning about conditions for a set in the cache', async () => {
    scenario.bucket.server.fault = () => ({ kind: 'ignore', headers: ['if-none-match', 'if-match'] });
    const draft = { commit: COMMIT, origin: { kind: 'upload' } } as const;
    const location = cacheSet('', 'a'.repeat(64));
    const claim = await RecordClaim.begin(scenario.run(), { location, draft, takeOver: undefined });
    await claim.settled();
    expect(scenario.warnings()).toEqual([]);
    claim.end();
  });
});
