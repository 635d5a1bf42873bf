import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Cost } from './statistics.ts';

const PROGRAM = join(import.meta.dirname, 'measure.py');

/** The programs to time by their paths, one after another until one fails. */
export interface Timed {
  readonly commands: readonly (readonly string[])[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The file for their output. */
  readonly output: string;
}

export interface MeteredRun extends Cost {
  readonly exitCode: number;
}

/** Runs programs, and reports the cost that the system counted for each: Node can't do that for an ended child. */
export class ProcessMeter implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #kill = (): void => this.#killGroup();

  /**
   * @param python the path of a Python 3.9 or later
   * @param cancelled ends it, and the program that it is running
   */
  constructor(python: string, cancelled: AbortSignal) {
    this.#child = spawn(python, ['-S', '-E', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the meter has no standard output');
    this.#lines = createInterface(stdout);
    process.once('exit', this.#kill);
    cancelled.addEventListener('abort', this.#kill, { once: true });
  }

  /** @throws Error if the meter has ended, as it does for a missing program */
  async run(timed: Timed): Promise<MeteredRun> {
    const ending = new AbortController();
    const answered = once(this.#lines, 'line', { signal: ending.signal });
    const closed = once(this.#lines, 'close', { signal: ending.signal });
    try {
      this.#child.stdin?.write(`${JSON.stringify(timed)}\n`);
      const [line] = await Promise.race([answered, closed]);
      if (line === undefined) throw new Error(`the meter ended while it ran '${timed.commands[0]?.join(' ')}'`);
      return parseRun(String(line));
    } finally {
      ending.abort();
      await Promise.allSettled([answered, closed]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener('exit', this.#kill);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#killGroup();
    await ended;
  }

  /** Kills the meter and the program that it is running. */
  #killGroup(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }
}

function parseRun(line: string): MeteredRun {
  const answer: Partial<Record<string, unknown>> = JSON.parse(line);
  return {
    wallMs: numberIn(answer, 'wallMs'),
    cpuMs: numberIn(answer, 'cpuMs'),
    peakBytes: numberIn(answer, 'peakBytes'),
    exitCode: numberIn(answer, 'exitCode'),
  };
}

function numberIn(answer: Partial<Record<string, unknown>>, name: string): number {
  const value = answer[name];
  if (typeof value !== 'number') throw new Error(`the meter gives ${name} as '${value}'`);
  return value;
}
