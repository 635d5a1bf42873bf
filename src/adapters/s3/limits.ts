const GIB = 1024 ** 3;

/** Bounds that S3 and networks set, not the user; tests have smaller ones. */
export interface Limits {
  /** Until a connection is there. */
  readonly connectTimeoutMs: number;
  /** Without a byte on a connection that a request is waiting on. */
  readonly silenceTimeoutMs: number;
  /** CopyObject takes no larger source. */
  readonly copiedAtOnceBytes: number;
  /** Copies move no bytes here, so large parts cost nothing but a longer retry. */
  readonly copiedPartBytes: number;
}

/** A server that makes one object of others, and says nothing meanwhile, moves at least as many. */
const SLOWEST_BYTES_A_MS = 10_000;

/** @returns how long a server may be silent that has to move bytes before it can answer */
export function silenceFor({ silenceTimeoutMs }: Pick<Limits, 'silenceTimeoutMs'>, sizeBytes: number): number {
  return Math.ceil(silenceTimeoutMs + sizeBytes / SLOWEST_BYTES_A_MS);
}

/** On a link that is slower, one exchange would hold a step for longer than a build takes. */
const SLOWEST_LINK_BYTES_A_MS = 65.536;

/** @returns how long an exchange of so many bytes, in both directions, may take from its begin to its end */
export function exchangeMs(silenceMs: number, sizeBytes: number): number {
  return Math.ceil(silenceMs + sizeBytes / SLOWEST_LINK_BYTES_A_MS);
}

export const LIMITS: Limits = {
  connectTimeoutMs: 5000,
  silenceTimeoutMs: 60_000,
  copiedAtOnceBytes: 5 * GIB,
  copiedPartBytes: GIB / 4,
};
