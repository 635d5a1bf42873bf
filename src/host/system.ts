import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type CancelledError, describeError } from '../errors.ts';
import { readMarker, writeMarker } from '../package-directory/package-directory.ts';
import type { Clock, JobFiles, Log, Random } from '../ports.ts';
import { printable, systemCode } from '../text.ts';
import type { JobContext } from './host.ts';

// `@actions/github` reads the event file when it is imported, and would fail with a stack trace if it is not JSON. So
// this module is imported first, and removes the variable if the file can't be used.

/** The problem with the file that GITHUB_EVENT_PATH names; undefined if there is none, or no such file. */
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
    const why = error instanceof SyntaxError ? 'is not JSON' : `can't be read (${code})`;
    return `GITHUB_EVENT_PATH is '${printable(path)}', which ${why}: leave the variable to the runner, or unset it`;
  }
}

/**
 * The job of GitHub Actions. https://docs.github.com/en/actions/reference/workflows-and-actions/variables
 *
 * @param read returns a variable's value; undefined if it is not set or empty
 */
export function actionsJob(read: (name: string) => string | undefined): JobContext {
  const server = read('GITHUB_SERVER_URL');
  const repository = read('GITHUB_REPOSITORY');
  const runId = read('GITHUB_RUN_ID');
  return {
    sha: read('GITHUB_SHA'),
    repository,
    runId,
    runNumber: read('GITHUB_RUN_NUMBER'),
    runAttempt: read('GITHUB_RUN_ATTEMPT'),
    workflow: read('GITHUB_WORKFLOW'),
    ref: read('GITHUB_REF'),
    url: server && repository && runId && `${server}/${repository}/actions/runs/${runId}`,
    untrustedEvent: read('GITHUB_EVENT_NAME') === 'pull_request_target' ? 'pull_request_target' : undefined,
  };
}

/** Used by the process itself: modules, pipes, threads. */
const OWN_DESCRIPTORS = 64;
/** A file, and the connections for its parts. */
const DESCRIPTORS_IN_A_LANE = 6;

/** Limits the number of requests at once to the open files and connections that the system allows this process. */
export function affordable(concurrency: number): number {
  const most = Math.max(Math.floor((mostDescriptors() - OWN_DESCRIPTORS) / DESCRIPTORS_IN_A_LANE), 1);
  return Math.min(concurrency, most);
}

/** Node raises the soft limit to the hard one. Only Linux tells the limit. */
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
  // `performance.now()` would load modules at its first use, which takes as long as a request.
  monotonicMs: () => Number(process.hrtime.bigint()) / NANOSECONDS_IN_MS,
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
        log.warning(`Nothing is handed over to later steps through RUNNER_TEMP: ${describeError(error).line}`);
      }
    },
  };
}

/** Time to release records and abort uploads; the runner sends SIGTERM 7.5 s after SIGINT, and kills 2.5 s later. */
const CLEANUP_MS = 3000;

/**
 * Cancels the run on SIGINT and SIGTERM.
 *
 * @param end ends the process if the run takes too long to stop, with the error that `cancel` returned
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
