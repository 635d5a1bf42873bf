import { isSdkError } from './error-code.ts';
import type { PatientRetryStrategy } from './retry-strategy.ts';

/** Definite answers: the SDK's client would ask again whenever its clock was set by their date, as it is by each reply's. */
const DEFINITE: ReadonlySet<number> = new Set([404, 412]);

/**
 * Tries until it works, the fault is not a passing one, or patience ends.
 *
 * @param strategy decides on that; it is asked for only once an attempt has failed
 * @param signal ends a wait between attempts, too
 * @throws the last attempt's own error; the signal's reason when it was aborted
 */
export async function withRetries<Value>(
  strategy: () => Promise<PatientRetryStrategy>,
  signal: AbortSignal | undefined,
  attempt: () => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted();
  try {
    return await attempt();
  } catch (error) {
    signal?.throwIfAborted();
    if (!isSdkError(error) || isDefinite(error)) throw error;
    const { retry } = await import('./retry-loop.ts');
    return retry(await strategy(), { error, signal, attempt });
  }
}

/** Whether an error is an answer that another attempt would bring again. */
export function isDefinite(error: unknown): boolean {
  return isSdkError(error) && DEFINITE.has(error.$metadata?.httpStatusCode ?? 0);
}
