import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Clock, Random } from '../ports.ts';

/** This machine's clock. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallTime: () => new Date(),
  sleep: async (durationMs, signal) => {
    try {
      await setTimeout(durationMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  every: (intervalMs, work) => {
    const timer = setInterval(work, intervalMs).unref();
    return () => clearInterval(timer);
  },
};

/** This machine's source of randomness. */
export const systemRandom: Random = { nonce: () => randomUUID() };
