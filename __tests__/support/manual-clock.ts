import type { Clock } from '../../src/ports.ts';

interface Timer {
  readonly intervalMs: number;
  readonly work: () => void;
  dueMs: number;
}

/** A clock on which time passes only when a test lets it. */
export class ManualClock implements Pick<Clock, 'monotonicMs' | 'every'> {
  readonly #timers = new Set<Timer>();
  #nowMs = 1000;

  get timerCount(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  every(intervalMs: number, work: () => void): () => void {
    const timer = { intervalMs, work, dueMs: this.#nowMs + intervalMs };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass, and fires each timer when it is due. */
  pass(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const [next] = [...this.#timers].toSorted((left, right) => left.dueMs - right.dueMs);
      if (next === undefined || next.dueMs > endMs) break;
      this.#nowMs = next.dueMs;
      next.dueMs += next.intervalMs;
      next.work();
    }
    this.#nowMs = endMs;
  }
}
