import { constants } from 'node:os';
import { styleText } from 'node:util';

/** A program that a user runs and may interrupt. */
export interface Program {
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly cancelled: AbortSignal;
  readonly hasFailed: boolean;
  /** Reports a failure; the program goes on, and exits with 1 in the end. */
  fail(error: unknown): undefined;
}

/** Runs a program to its end. An exception is reported as a failure; a signal gives the exit code that shells expect. */
export async function runProgram(work: (program: Program) => Promise<void>): Promise<void> {
  const cancellation = new AbortController();
  let exitCode = 0;
  // Not `once`: npm forwards a Ctrl-C to a process that has already received it from the terminal.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      exitCode = 128 + constants.signals[name];
      cancellation.abort(new Error('cancelled'));
    });
  const program: Program = {
    cancelled: cancellation.signal,
    get hasFailed() {
      return exitCode !== 0;
    },
    fail: (error) => {
      exitCode ||= 1;
      console.error(styleText('red', Error.isError(error) ? error.message : String(error), { stream: process.stderr }));
    },
  };
  await work(program).catch(program.fail);
  process.exitCode = exitCode;
}
