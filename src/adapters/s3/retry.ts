import type { SdkError } from '@smithy/types';
import { isSdkError } from './error-code.ts';

export interface Failed<Value> {
  readonly error: SdkError;
  readonly signal: AbortSignal | undefined;
  readonly attempt: () => Promise<Value>;
}

/** Decides how often, and after what, something is tried again. */
export interface Retries {
  /** Waits and tries again, until it works or patience ends. @throws the last attempt's own error */
  retry<Value>(failed: Failed<Value>): Promise<Value>;
}

/** Definite answers, also where they came together with a date that sets the clock right. */
const DEFINITE: ReadonlySet<number> = new Set([404, 412]);

/**
 * Tries until it works, the fault is not a passing one, or patience ends.
 *
 * @param strategy decides on that; it is asked for only once an attempt has failed
 * @param signal ends a wait between attempts, too
 * @throws the last attempt's own error; the signal's reason when it was aborted
 */
export async function withRetries<Value>(
  strategy: () => Promise<Retries>,
  signal: AbortSignal | undefined,
  attempt: () => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted();
  try {
    return await attempt();
  } catch (error) {
    signal?.throwIfAborted();
    if (!isSdkError(error) || isDefinite(error)) throw error;
    return (await strategy()).retry({ error, signal, attempt });
  }
}

/** The server received other bytes than were sent. */
export const CORRUPTED: ReadonlySet<string> = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody']);

/** Whether an error is an answer that another attempt would bring again. */
export function isDefinite(error: unknown): boolean {
  return isSdkError(error) && DEFINITE.has(error.$metadata?.httpStatusCode ?? 0) && !CORRUPTED.has(error.name);
}
