import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { artifactSet } from '../../src/asset-set/location.ts';
import { lookUpSettled } from '../../src/asset-set/lookup.ts';
import { OTHER_WRITER, type RecordFixture, Scenario, skippingClock } from '../support/scenario.ts';

const HOUR_MS = 3_600_000;

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** Writes a record whose `Last-Modified` is an hour ahead of the `Date` of every reply. */
async function putFutureRecord(record?: RecordFixture): Promise<void> {
  const key = `records/artifacts/${scenario.head}.json`;
  await scenario.putRecord(record, key);
  const { body = '' } = (await scenario.bucket.get(key)) ?? {};
  const lastModified = new Date(Date.now() + HOUR_MS);
  scenario.bucket.server.put(scenario.bucket.name, key, body, { lastModified });
}

describe('a record from the future', () => {
  it('lapses after a reader has seen it unchanged for its lease plus 5 s', async () => {
    await putFutureRecord();
    const { reason, waitedMs } = await settle(600_000);
    expect(reason).toBe('incomplete');
    expect(waitedMs).toBeGreaterThanOrEqual(125_000);
    expect(waitedMs).toBeLessThan(140_000);
  });

  it('does not lapse while its writer renews it', async () => {
    await putFutureRecord();
    let sequence = 1;
    const renew = () => {
      sequence += 1;
      return putFutureRecord({ writer: { ...OTHER_WRITER, sequence } });
    };
    expect(await settle(300_000, renew)).toMatchObject({ reason: 'in-progress' });
  });

  it('is live to a reader that looks only once', async () => {
    await putFutureRecord();
    expect(await settle(0)).toMatchObject({ reason: 'in-progress' });
  });

  it('lapses at once if its writer releases it', async () => {
    await putFutureRecord({ leaseSeconds: 0 });
    expect(await settle(0)).toMatchObject({ reason: 'incomplete' });
  });
});

async function settle(waitMs: number, onPause: () => unknown = () => {}) {
  let waitedMs = 0;
  const clock = skippingClock(async (durationMs) => {
    waitedMs += durationMs;
    await onPause();
  });
  const { status } = await lookUpSettled(scenario.run({ clock, writer: {} }), artifactSet('', scenario.head), waitMs);
  return { reason: status.reason, waitedMs };
}
