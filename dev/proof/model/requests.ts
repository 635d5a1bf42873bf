// The requests between processes and the store. Each is sent, takes effect, and has its reply delivered at separate
// moments, which the schedule picks.

/** Describes a request to the schedule and in the report of a violation. */
export interface Wanted {
  readonly sender: number;
  readonly verb: string;
  readonly key: string;
  readonly isWrite: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Request extends Wanted {
  readonly number: number;
  state: 'sent' | 'answered';
  /** Lets the request take effect; once more if its reply was lost. */
  readonly apply: () => void;
  /** Lets the request take effect once more, without a reply. */
  readonly applyUnheard: () => void;
  readonly deliver: () => void;
  readonly fail: (error: unknown) => void;
  /** Called when the signal is aborted. */
  readonly cutShort: () => void;
}

/** A request that its sender no longer waits for, but that may still take effect. */
export type AbandonedRequest = Pick<Request, 'sender' | 'verb' | 'key' | 'number' | 'applyUnheard'>;

type Answer<Reply> = { readonly value: Reply } | { readonly error: unknown };

export class Requests {
  readonly open: Request[] = [];
  readonly abandoned: AbandonedRequest[] = [];
  /** The number of requests abandoned so far. */
  lateCount = 0;
  #count = 0;

  /**
   * Sends a request.
   *
   * @param perform its effect, on the store as it is at that moment; what it returns or throws is the reply
   */
  ask<Reply>(wanted: Wanted, perform: () => Reply): Promise<Reply> {
    const { signal } = wanted;
    signal?.throwIfAborted();
    this.#count += 1;
    const number = this.#count;
    return new Promise((resolve, reject) => {
      let answer: Answer<Reply> | undefined;
      const request: Request = {
        ...wanted,
        number,
        state: 'sent',
        apply: () => {
          answer = attempt(perform);
          request.state = 'answered';
        },
        applyUnheard: () => attempt(perform),
        deliver: () => {
          this.#close(request);
          if (answer === undefined) return;
          if ('value' in answer) resolve(answer.value);
          else reject(answer.error);
        },
        cutShort: () => {
          this.#leave(request);
          request.fail(signal?.reason);
        },
        fail: (error) => {
          this.#close(request);
          reject(error);
        },
      };
      this.open.push(request);
      signal?.addEventListener('abort', request.cutShort);
    });
  }

  /** Loses the reply after the effect; the sender's adapter repeats the request. */
  lose(request: Request): void {
    request.state = 'sent';
  }

  /** The sender's adapter abandons a request and repeats it, while the first one is still in transit. */
  duplicate(request: Request): void {
    this.#leave(request);
  }

  /** The sender is gone, but its requests may still take effect. */
  abandon(sender: number): void {
    for (const request of this.open.filter((one) => one.sender === sender)) {
      this.#leave(request);
      this.#close(request);
    }
  }

  #leave(request: Request): void {
    if (request.state !== 'sent' || !request.isWrite) return;
    this.abandoned.push(request);
    this.lateCount += 1;
  }

  #close(request: Request): void {
    // Node never frees a signal that combines others and has a listener.
    request.signal?.removeEventListener('abort', request.cutShort);
    const position = this.open.indexOf(request);
    if (position >= 0) this.open.splice(position, 1);
  }
}

function attempt<Reply>(perform: () => Reply): Answer<Reply> {
  try {
    return { value: perform() };
  } catch (error) {
    return { error };
  }
}
