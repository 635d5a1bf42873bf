// The way between processes and the store: a request is sent, takes effect, and its reply arrives, each at a moment of
// its own that the schedule picks.

/** What a request is, for the schedule and the story of a violation. */
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
  /** Takes effect; again, after its reply was lost. */
  readonly apply: () => void;
  /** Takes effect once more, with a reply that nobody hears. */
  readonly applyUnheard: () => void;
  readonly deliver: () => void;
  readonly fail: (error: unknown) => void;
  /** The signal was aborted. */
  readonly cutShort: () => void;
}

/** A request that nobody waits for any more, and that may still take effect. */
export type Stray = Pick<Request, 'sender' | 'verb' | 'key' | 'number' | 'applyUnheard'>;

type Answer<Reply> = { readonly value: Reply } | { readonly error: unknown };

export class Requests {
  readonly open: Request[] = [];
  readonly strays: Stray[] = [];
  /** How many strays there have been. */
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

  /** The reply is lost after the effect, and the sender's adapter sends the same again. */
  lose(request: Request): void {
    request.state = 'sent';
  }

  /** The sender's adapter gives a request up and sends the same again, while the first is still on its way. */
  duplicate(request: Request): void {
    this.#leave(request);
  }

  /** The sender is gone: what it sent may still take effect. */
  abandon(sender: number): void {
    for (const request of this.open.filter((one) => one.sender === sender)) {
      this.#leave(request);
      this.#close(request);
    }
  }

  #leave(request: Request): void {
    if (request.state !== 'sent' || !request.isWrite) return;
    this.strays.push(request);
    this.lateCount += 1;
  }

  #close(request: Request): void {
    // Node keeps a signal for ever that was made of others and has a listener.
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
