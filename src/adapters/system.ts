import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Concurrency, MOST_LANES } from '../core/concurrency.ts';
import type { Clock, Random } from '../ports.ts';

/** Of this process itself: modules, pipes, threads. */
const OWN_DESCRIPTORS = 64;
/** A file, and the connections that its parts take. */
const DESCRIPTORS_IN_A_LANE = 6;

/** @returns as many requests at once as the system lets this process open files and connections for */
export function affordable(concurrency: Concurrency): Concurrency {
  const most = Math.max(Math.floor((mostDescriptors() - OWN_DESCRIPTORS) / DESCRIPTORS_IN_A_LANE), 1);
  if (concurrency === 'adaptive') return most < MOST_LANES ? most : concurrency;
  return Math.min(concurrency, most);
}

/** Node has raised the soft limit to the hard one. Other systems than Linux don't say. */
function mostDescriptors(): number {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

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
