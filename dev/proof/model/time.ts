import type { Clock } from '../../../src/ports.ts';

/** Not a whole second, since the store's times are whole seconds. */
const START_MS = 1_800_000_000_437;

/** The owner of timers, which fire only while it runs. */
export interface Runner {
  readonly isRunning: boolean;
}

interface Timer {
  readonly owner: Runner;
  readonly intervalMs: number | undefined;
  readonly ring: () => void;
  dueMs: number;
}

/** The model's time, which passes only when the schedule says so. */
export class VirtualTime {
  nowMs = START_MS;
  readonly #timers = new Set<Timer>();

  /** A process's own clock. Its time of day stands still, since times in a record must not matter. */
  clockOf(owner: Runner): Clock {
    return {
      monotonicMs: () => this.nowMs - START_MS,
      wallTime: () => new Date(START_MS),
      sleep: (durationMs, signal) =>
        new Promise((resolve, reject) => {
          const timer = this.#add({ owner, intervalMs: undefined, ring: resolve, dueMs: this.nowMs + durationMs });
          signal?.addEventListener('abort', () => {
            if (this.#timers.delete(timer)) reject(signal.reason);
          });
        }),
      every: (intervalMs, ring) => {
        const timer = this.#add({ owner, intervalMs, ring, dueMs: this.nowMs + intervalMs });
        return () => this.#timers.delete(timer);
      },
    };
  }

  #add(timer: Timer): Timer {
    this.#timers.add(timer);
    return timer;
  }

  /** The time at which the next timer of a running process is due. */
  get nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.owner.isRunning && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    return first;
  }

  /** Lets time pass, and fires the timers that become due. @param settle waits until a timer's work has settled */
  async advanceTo(targetMs: number, settle: () => Promise<void>): Promise<void> {
    for (let timer = this.#next(); timer !== undefined && timer.dueMs <= targetMs; timer = this.#next()) {
      this.nowMs = Math.max(this.nowMs, timer.dueMs);
      if (timer.intervalMs === undefined) this.#timers.delete(timer);
      else timer.dueMs = this.nowMs + timer.intervalMs;
      timer.ring();
      await settle();
    }
    this.nowMs = Math.max(this.nowMs, targetMs);
  }

  forget(owner: Runner): void {
    for (const timer of this.#timers) if (timer.owner === owner) this.#timers.delete(timer);
  }

  hasTimers(owner: Runner): boolean {
    return [...this.#timers].some((timer) => timer.owner === owner);
  }
}
