import { constants } from 'node:os';
import { styleText } from 'node:util';

/** A program that a person runs, and may end. */
export interface Program {
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly cancelled: AbortSignal;
  readonly hasFailed: boolean;
  /** Tells what went wrong; the program goes on, and exits with 1 in the end. */
  fail(error: unknown): undefined;
}

/** Runs a program to its end; what it throws it fails with. A signal gives it the exit code that shells expect. */
export async function runProgram(work: (program: Program) => Promise<void>): Promise<void> {
  const cancellation = new AbortController();
  let exitCode = 0;
  // Not `once`: npm passes a Ctrl-C on to a process that the terminal has told of it already.
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
