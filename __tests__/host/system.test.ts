import { describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '../../src/host/system.ts';

describe('the clock', () => {
  it('only grows, and knows the time of day', async () => {
    const before = systemClock.monotonicMs();
    await systemClock.sleep(5);
    expect(systemClock.monotonicMs() - before).toBeGreaterThan(3);
    expect(Math.abs(systemClock.wallTime().getTime() - Date.now())).toBeLessThan(1000);
  });

  it('sleeps no longer than the signal allows, and throws its reason', async () => {
    const reason = new Error('cancelled');
    const cancellation = new AbortController();
    const startedMs = systemClock.monotonicMs();
    setTimeout(() => cancellation.abort(reason), 10);
    await expect(systemClock.sleep(60_000, cancellation.signal)).rejects.toBe(reason);
    await expect(systemClock.sleep(60_000, cancellation.signal)).rejects.toBe(reason);
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(5000);
  });

  it('sleeps to the end if the signal is not aborted', async () => {
    await expect(systemClock.sleep(1, new AbortController().signal)).resolves.toBeUndefined();
  });

  it('calls the work at intervals until it is stopped', async () => {
    let count = 0;
    const stop = systemClock.every(2, () => {
      count += 1;
    });
    while (count < 3) await systemClock.sleep(2);
    stop();
    const atStop = count;
    await systemClock.sleep(10);
    expect(count).toBe(atStop);
  });
});

it('no nonce repeats', () => {
  const nonces = Array.from({ length: 1000 }, () => systemRandom.nonce());
  expect(new Set(nonces).size).toBe(1000);
});
