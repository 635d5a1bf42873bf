import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Concurrency, MOST_LANES } from '../async.ts';
import { type CancelledError, describeError } from '../errors.ts';
import { readMarker, writeMarker } from '../package-directory/package-directory.ts';
import type { Clock, JobFiles, Log, Random } from '../ports.ts';
import { printable, systemCode } from '../text.ts';

// `@actions/github` reads the event's file when it is imported: one that is no JSON would end the run in a stack trace.
// So this module is imported before it, and takes the variable away where the file can't be used.

/** What is wrong with the file that GITHUB_EVENT_PATH names; undefined where nothing is, or there is no such file. */
export const eventFault: string | undefined = inspect(process.env.GITHUB_EVENT_PATH ?? '');

function inspect(path: string): string | undefined {
  if (path === '') return undefined;
  try {
    JSON.parse(readFileSync(path, 'utf8'));
    return undefined;
  } catch (error) {
    delete process.env.GITHUB_EVENT_PATH;
    const code = systemCode(error);
    if (code === 'ENOENT') return undefined;
    const why = error instanceof SyntaxError ? 'is no JSON' : `can't be read (${code})`;
    return `GITHUB_EVENT_PATH is '${printable(path)}', which ${why}: leave the variable to the runner, or unset it`;
  }
}

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

/**
 * Files that last as long as the job.
 *
 * @param directory `RUNNER_TEMP`, which the runner empties before and after each job
 */
export function jobFiles(directory: string, log: Log): JobFiles {
  return {
    read: (name) => readMarker(directory, name),
    write: async (name, text) => {
      try {
        await writeMarker(directory, name, text);
      } catch (error) {
        log.warning(`Nothing is handed over to later steps by RUNNER_TEMP: ${describeError(error).line}`);
      }
    },
  };
}

/** To release records and abort uploads; the runner sends SIGTERM 7.5 s after SIGINT, and kills 2.5 s later. */
const CLEANUP_MS = 3000;

/**
 * Cancels the run on SIGINT and SIGTERM.
 *
 * @param end ends the process with the error of a run that takes too long to stop
 */
export function cancelOnSignal(
  cancel: (signalName: string) => CancelledError,
  end: (error: CancelledError) => void,
): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      const error = cancel(name);
      setTimeout(() => end(error), CLEANUP_MS).unref();
    });
}
