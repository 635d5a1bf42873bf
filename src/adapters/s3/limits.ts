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

export const LIMITS: Limits = {
  connectTimeoutMs: 5000,
  silenceTimeoutMs: 60_000,
  copiedAtOnceBytes: 5 * GIB,
  copiedPartBytes: GIB / 4,
};
