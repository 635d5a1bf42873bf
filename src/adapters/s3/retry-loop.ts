import type { SdkError } from '@smithy/types';
import { unlessAborted } from '../../core/unless-aborted.ts';
import { isSdkError } from './error-code.ts';
import type { PatientRetryStrategy } from './retry-strategy.ts';

export interface Failed<Value> {
  readonly error: SdkError;
  readonly signal: AbortSignal | undefined;
  readonly attempt: () => Promise<Value>;
}

/** Waits and tries again, until it works or the strategy has had enough. @throws the last attempt's own error */
export async function retry<Value>(strategy: PatientRetryStrategy, failed: Failed<Value>): Promise<Value> {
  const { signal, attempt } = failed;
  let token = await strategy.acquireInitialRetryToken('s3');
  for (let { error } = failed; ; ) {
    token = await unlessAborted(strategy.nextAttempt(token, error), signal);
    try {
      return await attempt();
    } catch (reason) {
      signal?.throwIfAborted();
      if (!isSdkError(reason)) throw reason;
      error = reason;
    }
  }
}
