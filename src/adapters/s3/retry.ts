import { isServerError, isThrottlingError, isTransientError, StandardRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, RetryErrorType, SdkError, StandardRetryToken } from '@smithy/types';
import { UserError } from '../../errors.ts';

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

/** Definite answers: the SDK's client would ask again whenever its clock was set by their date, as it is by each reply's. */
const DEFINITE: ReadonlySet<number> = new Set([404, 412]);

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
}

function isDefinite(error: unknown): boolean {
  return isSdkError(error) && DEFINITE.has(error.$metadata?.httpStatusCode ?? 0);
}

/** What the SDK does not count among the passing faults, but S3 does. */
function isPassing(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  return CONFLICTS.has(error.name) || (error.$metadata?.httpStatusCode ?? 0) >= FIRST_GATEWAY_STATUS;
}

/**
 * Tries until it works, the fault is not a passing one, or patience ends.
 *
 * @throws the last attempt's own error
 */
export async function withRetries<Value>(retries: PatientRetryStrategy, attempt: () => Promise<Value>): Promise<Value> {
  let token = await retries.acquireInitialRetryToken('s3');
  for (;;) {
    try {
      const value = await attempt();
      retries.recordSuccess(token);
      return value;
    } catch (error) {
      if (!isSdkError(error)) throw error;
      const info = { error, errorType: errorTypeOf(error) };
      // The strategy says with an exception that another attempt is of no use; the request's own error is to be told.
      token = await retries.refreshRetryTokenForRetry(token, info).catch(() => {
        throw error;
      });
    }
  }
}

/** What the SDK's parts classify: any error, with the fields of a reply where there was one. */
function isSdkError(error: unknown): error is SdkError {
  return Error.isError(error);
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

/** Node's code of a system error (`ECONNRESET`), or an empty text. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
