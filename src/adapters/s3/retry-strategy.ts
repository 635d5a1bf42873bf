import { isServerError, isThrottlingError, isTransientError, StandardRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, RetryErrorType, SdkError, StandardRetryToken } from '@smithy/types';
import { UserError } from '../../errors.ts';
import { codeOf } from './error-code.ts';
import { isDefinite, isSdkError } from './retry.ts';

/** A host that can't be reached is not worth the patience that a busy one is. */
const CONNECT_ATTEMPTS = 4;

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** 409: another conditional write was under way at the same moment; it is over by the next attempt. */
const CONFLICTS: ReadonlySet<string> = new Set(['ConditionalRequestConflict', 'OperationAborted']);

/** What Cloudflare, which is in front of R2, answers from here on when the server behind it did not. */
const FIRST_GATEWAY_STATUS = 520;

/**
 * The SDK's `standard` mode, less patient with hosts that can't be reached, and trying again after a conflict. What is
 * told already, or answered for good, is not tried again, whatever caused it.
 */
export class PatientRetryStrategy extends StandardRetryStrategy {
  override async refreshRetryTokenForRetry(
    token: StandardRetryToken,
    info: RetryErrorInfo,
  ): Promise<StandardRetryToken> {
    const isFinal = info.error instanceof UserError || isDefinite(info.error);
    if (isFinal || (token.getRetryCount() + 1 >= CONNECT_ATTEMPTS && isUnreachable(info.error)))
      throw new Error('No retry token available');
    return super.refreshRetryTokenForRetry(token, isPassing(info.error) ? { ...info, errorType: 'TRANSIENT' } : info);
  }

  /**
   * Waits for the next attempt.
   *
   * @throws the error of the last one where another is of no use
   */
  nextAttempt(token: StandardRetryToken, error: SdkError): Promise<StandardRetryToken> {
    return this.refreshRetryTokenForRetry(token, { error, errorType: errorTypeOf(error) }).catch(() => {
      throw error;
    });
  }
}

/** What the SDK does not count among the passing faults, but S3 does. */
function isPassing(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  return CONFLICTS.has(error.name) || (error.$metadata?.httpStatusCode ?? 0) >= FIRST_GATEWAY_STATUS;
}

/** As the SDK's client has it. */
function errorTypeOf(error: SdkError): RetryErrorType {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}

/** Whether an error says that no connection to the host came about, or that it fell silent. */
export function isUnreachable(error: unknown): boolean {
  if (!Error.isError(error)) return false;
  // The SDK names errors of live connections so too; those still have their code.
  const code = codeOf(error);
  return code === '' ? error.name === 'TimeoutError' : UNREACHABLE.has(code);
}
