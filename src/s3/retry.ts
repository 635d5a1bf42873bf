import { setTimeout } from 'node:timers/promises';
import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { RetryErrorInfo, RetryErrorType, RetryStrategyV2, RetryToken, SdkError } from '@smithy/types';
import { type Failed, type Retries, unlessAborted } from '../async.ts';
import { StoreError, UserError } from '../errors.ts';
import { codeOf, isError } from '../text.ts';
import { isSdkError, OversizedReplyError, PROXY_UNAVAILABLE } from './reply.ts';

/** Final answers, even if their Date header corrected the clock. */
const DEFINITE: ReadonlySet<number> = new Set([404, 412]);

/** The server received different bytes than were sent. */
const CORRUPTED: ReadonlySet<string> = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody']);

/** Whether a retry would bring the same answer. */
function isDefinite(error: unknown): boolean {
  return isSdkError(error) && DEFINITE.has(error.$metadata?.httpStatusCode ?? 0) && !CORRUPTED.has(error.name);
}

/** For faults that hardly ever pass: a host that can't be reached, or a page instead of a reply. */
const FEW_ATTEMPTS = 4;

const FIRST_DELAY_MS = 100;
/** Busy servers need longer to recover. */
const FIRST_BUSY_DELAY_MS = 500;
const MOST_DELAY_MS = 5000;

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** 409: another conditional write was in progress; it will be over by the next attempt. */
const CONFLICTS: ReadonlySet<string> = new Set(['ConditionalRequestConflict', 'OperationAborted']);

/** Load balancers send this on an idle connection, where it looks like the answer to a request that was just sent. */
const IDLE_STATUS = 408;

/** From here on, Cloudflare, which is in front of R2, says that the server behind it failed. */
const FIRST_GATEWAY_STATUS = 520;

/**
 * Retries like the SDK's `standard` mode, with three differences: it stops sooner for hosts that can't be reached, it
 * retries conflicts, and its requests share no retry budget. Such a budget protects servers from endless retries, but a
 * set of thousands of files fails as a whole if one of them fails.
 */
export class PatientRetryStrategy implements RetryStrategyV2, Retries {
  readonly #maxAttempts: number;
  readonly #onRetry: () => void;

  constructor(maxAttempts: number, onRetry: () => void = () => {}) {
    this.#maxAttempts = maxAttempts;
    this.#onRetry = onRetry;
  }

  async acquireInitialRetryToken(_scope: string): Promise<RetryToken> {
    return tokenOf(0);
  }

  /**
   * Waits until the next attempt.
   *
   * @throws Error if there must be none
   */
  async refreshRetryTokenForRetry(token: RetryToken, { error, errorType }: RetryErrorInfo): Promise<RetryToken> {
    const retries = token.getRetryCount();
    const isRare = isUnreachable(error) || isGarbled(error);
    const mostAttempts = isRare ? Math.min(FEW_ATTEMPTS, this.#maxAttempts) : this.#maxAttempts;
    // An error that is already explained to the user, or a definite answer, is final, whatever caused it.
    const isFinal = (error instanceof UserError && !isRare) || isDefinite(error) || retries + 1 >= mostAttempts;
    if (isFinal || !(TRANSIENT.has(errorType) || isTransient(error))) throw new Error('No retry token available');
    this.#onRetry();
    const firstMs = errorType === 'THROTTLING' ? FIRST_BUSY_DELAY_MS : FIRST_DELAY_MS;
    await setTimeout(Math.random() * Math.min(firstMs * 2 ** retries, MOST_DELAY_MS));
    return tokenOf(retries + 1);
  }

  /** Part of the SDK's interface: there is no retry budget to refill. */
  recordSuccess(): void {}

  async retry<Value>({ error: first, signal, attempt }: Failed<Value>): Promise<Value> {
    let token = tokenOf(0);
    for (let error = first; ; ) {
      if (!isSdkError(error)) throw error;
      token = await unlessAborted(this.#nextAttempt(token, error), signal);
      try {
        return await attempt();
      } catch (reason) {
        signal?.throwIfAborted();
        error = reason;
      }
    }
  }

  /** @throws the error of the last attempt if there must be no other */
  #nextAttempt(token: RetryToken, error: SdkError): Promise<RetryToken> {
    return this.refreshRetryTokenForRetry(token, { error, errorType: errorTypeOf(error) }).catch(() => {
      throw error;
    });
  }
}

/** Without a delay, since the strategy itself has waited already. */
function tokenOf(retries: number): RetryToken {
  return { getRetryCount: () => retries, getRetryDelay: () => 0 };
}

const TRANSIENT: ReadonlySet<RetryErrorType> = new Set(['THROTTLING', 'TRANSIENT']);

/** Transient faults of S3, STS and proxies that the SDK does not count as such. */
function isTransient(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  if (isGarbled(error) || codeOf(error) === PROXY_UNAVAILABLE) return true;
  const status = error.$metadata?.httpStatusCode ?? 0;
  // STS uses the same code for tokens that will never be valid.
  const isKeyAway = error.name === 'InvalidIdentityTokenException' && /verification key/i.test(error.message);
  return isKeyAway || CONFLICTS.has(error.name) || status === IDLE_STATUS || status >= FIRST_GATEWAY_STATUS;
}

/** Whether bytes were lost or changed in transit, in either direction. */
function isGarbled(error: unknown): boolean {
  // One with a cause comes from fetching credentials, and has been retried there.
  if (error instanceof StoreError) return error.kind === 'malformed-reply' && error.cause === undefined;
  if (!isSdkError(error)) return false;
  const status = error.$metadata?.httpStatusCode ?? 0;
  const isUnreadable = status >= 200 && status < 300 && !(error instanceof OversizedReplyError);
  return isUnreadable || CORRUPTED.has(error.name);
}

/** Classifies errors like the SDK's client. */
function errorTypeOf(error: SdkError): RetryErrorType {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}

/** Whether the host could not be connected to, or stopped answering. */
export function isUnreachable(error: unknown): boolean {
  if (!isError(error)) return false;
  // The SDK gives errors of live connections this name too, but those have a code.
  const code = codeOf(error);
  return code === '' ? error.name === 'TimeoutError' : UNREACHABLE.has(code);
}
