import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { artifactSet } from '../../src/asset-set/location.ts';
import type { Lookup } from '../../src/asset-set/lookup.ts';
import { lookUpSettled } from '../../src/asset-set/lookup.ts';
import type { Clock } from '../../src/ports.ts';
import { OTHER_WRITER, Scenario, skippingClock } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

function settle(waitMs: number, clock: Clock, signal?: AbortSignal): Promise<Lookup> {
  const run = scenario.run({ clock, writer: {}, ...(signal === undefined ? {} : { signal }) });
  return lookUpSettled(run, artifactSet('', scenario.head), waitMs);
}

function pausesOf(onPause: (count: number) => unknown = () => {}) {
  const pauses: number[] = [];
  const clock = skippingClock((durationMs) => onPause(pauses.push(Math.round(durationMs / 100) * 100)));
  return { pauses, clock };
}

describe('waiting for another run', () => {
  it('does not happen if nothing is being written', async () => {
    const { pauses, clock } = pausesOf();
    expect((await settle(60_000, clock)).status.reason).toBe('absent');
    expect(pauses).toEqual([]);
  });

  it('does not happen if no time is allowed', async () => {
    await scenario.putRecord();
    const { pauses, clock } = pausesOf();
    expect((await settle(0, clock)).status.reason).toBe('in-progress');
    expect(pauses).toEqual([]);
  });

  it('looks again after growing pauses until the time is up', async () => {
    await scenario.putRecord();
    const { pauses, clock } = pausesOf();
    expect((await settle(40_000, clock)).status.reason).toBe('in-progress');
    expect(pauses.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    const totalMs = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(totalMs).toBeGreaterThan(39_000);
    expect(totalMs).toBeLessThanOrEqual(40_000);
  });

  it('ends as soon as the set settles', async () => {
    await scenario.putRecord();
    const { pauses, clock } = pausesOf((count) =>
      count === 2 ? scenario.bucket.delete(`records/artifacts/${scenario.head}.json`) : undefined,
    );
    expect((await settle(60_000, clock)).status.reason).toBe('absent');
    expect(pauses).toEqual([500, 1000]);
  });

  it('is logged once for each run', async () => {
    await scenario.putRecord();
    const { clock } = pausesOf((count) =>
      count === 3 ? scenario.putRecord({ writer: { ...OTHER_WRITER, nonce: 'next', runId: '78' } }) : undefined,
    );
    await settle(30_000, clock);
    expect(scenario.log).toEqual([
      expect.stringMatching(/^Waiting up to 30 s for run 77 /),
      expect.stringMatching(/^Waiting up to \d+ s for run 78 /),
    ]);
  });

  it('lasts up to 15 s for a copy out of the cache, however little time is allowed', async () => {
    await scenario.putRecord({ origin: { kind: 'cache' } });
    const { pauses, clock } = pausesOf();
    await settle(1000, clock);
    const totalMs = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(totalMs).toBeGreaterThan(14_000);
    expect(totalMs).toBeLessThanOrEqual(15_000);
  });

  it('ends if the step is cancelled', async () => {
    await scenario.putRecord();
    const cancellation = new AbortController();
    const { clock } = pausesOf(() => cancellation.abort(new Error('cancelled')));
    await expect(settle(60_000, clock, cancellation.signal)).rejects.toThrow('cancelled');
  });
});
