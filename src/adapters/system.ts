import { randomUUID } from 'node:crypto';
import type { Clock, Random } from '../ports.ts';

const NANOSECONDS_IN_MS = 1e6;

/** This machine's clock. */
export const systemClock: Clock = {
  // What `performance` needs is loaded at its first use, and takes as long as a request.
  monotonicMs: () => Number(process.hrtime.bigint()) / NANOSECONDS_IN_MS,
  idleMs: () => performance.eventLoopUtilization().idle,
  wallTime: () => new Date(),
  sleep: async (durationMs, signal) => {
    const { setTimeout } = await import('node:timers/promises');
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
