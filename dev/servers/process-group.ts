import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

/** A server gets this long to flush its data and exit; then it is killed. */
const PATIENCE_MS = 10_000;

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdio: StdioOptions;
}

/**
 * A program and its child processes, in a process group of its own: a Ctrl-C in the terminal does not reach them, and
 * disposing ends them together.
 */
export class ProcessGroup implements AsyncDisposable {
  /** The exit code, or the name of the signal that ended it. Rejects if the program could not be started. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #leader: ChildProcess;

  /** @param env added to this process's own environment */
  constructor(program: string, args: readonly string[], { env, ...options }: ProcessOptions) {
    this.#leader = spawn(program, args, { ...options, env: { ...process.env, ...env }, detached: true });
    const ended = Promise.withResolvers<number | NodeJS.Signals>();
    this.#leader.on('error', ended.reject).on('exit', (code, signal) => ended.resolve(signal ?? code ?? 0));
    // Callers that wait for the end see a failure; but no caller has to wait.
    ended.promise.catch(() => undefined);
    this.ended = ended.promise;
    this.#endWithThisProcess();
  }

  /** Leaves nothing behind if this process ends without disposing of the group. */
  #endWithThisProcess(): void {
    const { pid } = this.#leader;
    if (pid === undefined) return;
    const kill = (): boolean => process.kill(-pid, 'SIGKILL');
    process.once('exit', kill);
    this.#leader.once('exit', () => process.removeListener('exit', kill));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode, signalCode } = this.#leader;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    process.kill(-pid, 'SIGTERM');
    const hasEnded = this.ended.then(() => true);
    if (await Promise.race([hasEnded, setTimeout(PATIENCE_MS, false, { ref: false })])) return;
    process.kill(-pid, 'SIGKILL');
    await hasEnded;
  }
}

/**
 * Runs a program to its end.
 *
 * @param cancelled ends it early
 * @returns its exit code, or the name of the signal that ended it
 */
export async function runToEnd(
  program: string,
  args: readonly string[],
  { cancelled, ...options }: ProcessOptions & { readonly cancelled: AbortSignal },
): Promise<number | NodeJS.Signals> {
  cancelled.throwIfAborted();
  await using group = new ProcessGroup(program, args, options);
  const abortion = Promise.withResolvers<never>();
  const abort = (): void => abortion.reject(cancelled.reason);
  cancelled.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([group.ended, abortion.promise]);
  } finally {
    cancelled.removeEventListener('abort', abort);
  }
}
