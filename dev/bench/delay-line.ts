interface Delayed {
  readonly dueMs: number;
  readonly sizeBytes: number;
  readonly deliver: () => void;
}

/** Delivers items in order, each a fixed time after it was added, with a single timer. */
export class DelayLine {
  readonly #delayMs: number;
  readonly #notBeforeMs: number;
  readonly #queue: Delayed[] = [];
  #isWaiting = false;
  /** Size of the items in transit. */
  sizeBytes = 0;

  /** @param options notBeforeMs: earliest time of the first delivery, by performance.now() */
  constructor({ delayMs, notBeforeMs }: { readonly delayMs: number; readonly notBeforeMs: number }) {
    this.#delayMs = delayMs;
    this.#notBeforeMs = notBeforeMs;
  }

  add(sizeBytes: number, deliver: () => void): void {
    const dueMs = Math.max(performance.now() + this.#delayMs, this.#notBeforeMs);
    this.#queue.push({ dueMs, sizeBytes, deliver });
    this.sizeBytes += sizeBytes;
    if (!this.#isWaiting) this.#wait(dueMs);
  }

  /** Timers count whole milliseconds, so fractions are rounded up to deliver nothing early. */
  #wait(dueMs: number): void {
    const leftMs = dueMs - performance.now();
    this.#isWaiting = leftMs > 0;
    if (this.#isWaiting) setTimeout(() => this.#deliver(), Math.ceil(leftMs));
    else this.#deliver();
  }

  #deliver(): void {
    this.#isWaiting = false;
    const nowMs = performance.now();
    const first = this.#queue.findIndex(({ dueMs }) => dueMs > nowMs);
    for (const { sizeBytes, deliver } of this.#queue.splice(0, first === -1 ? this.#queue.length : first)) {
      this.sizeBytes -= sizeBytes;
      deliver();
    }
    const [next] = this.#queue;
    if (next !== undefined && !this.#isWaiting) this.#wait(next.dueMs);
  }
}
