import { setTimeout } from 'node:timers/promises';
import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { RetryErrorInfo, RetryErrorType, RetryStrategyV2, RetryToken, SdkError } from '@smithy/types';
import { type Failed, type Retries, unlessAborted } from '../async.ts';
import { StoreError, UserError } from '../errors.ts';
import { codeOf, isError } from '../text.ts';
import { isSdkError, OversizedReplyError, PROXY_UNAVAILABLE } from './reply.ts';

/** Definite answers, also where they came together with a date that sets the clock right. */
const DEFINITE: ReadonlySet<number> = new Set([404, 412]);

/** The server received other bytes than were sent. */
const CORRUPTED: ReadonlySet<string> = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody']);

/** Whether an error is an answer that another attempt would bring again. */
function isDefinite(error: unknown): boolean {
  return isSdkError(error) && DEFINITE.has(error.$metadata?.httpStatusCode ?? 0) && !CORRUPTED.has(error.name);
}

/** What hardly ever passes is not worth the patience that a busy server is: a host that can't be reached, a page in place of a reply. */
const FEW_ATTEMPTS = 4;

const FIRST_DELAY_MS = 100;
/** A busy server wants more than a moment. */
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

/** 409: another conditional write was under way at the same moment; it is over by the next attempt. */
const CONFLICTS: ReadonlySet<string> = new Set(['ConditionalRequestConflict', 'OperationAborted']);

/** What balancers say on a connection that was idle for long, and a request that was just sent takes for its answer. */
const IDLE_STATUS = 408;

/** What Cloudflare, which is in front of R2, answers from here on when the server behind it did not. */
const FIRST_GATEWAY_STATUS = 520;

/**
 * When a request is tried again: as the SDK's `standard` mode has it, less patient with hosts that can't be reached, and
 * after a conflict too. And without the budget that all requests of a process share there: it protects a server from
 * clients that ask for ever, but a set is lost with the first of its thousands of files that is given up.
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
   * Waits for the next attempt.
   *
   * @throws Error where another is of no use
   */
  async refreshRetryTokenForRetry(token: RetryToken, { error, errorType }: RetryErrorInfo): Promise<RetryToken> {
    const retries = token.getRetryCount();
    const isRare = isUnreachable(error) || isGarbled(error);
    const mostAttempts = isRare ? Math.min(FEW_ATTEMPTS, this.#maxAttempts) : this.#maxAttempts;
    // What is told already, or answered for good, is not tried again, whatever caused it.
    const isFinal = (error instanceof UserError && !isRare) || isDefinite(error) || retries + 1 >= mostAttempts;
    if (isFinal || !(PASSING.has(errorType) || isPassing(error))) throw new Error('No retry token available');
    this.#onRetry();
    const firstMs = errorType === 'THROTTLING' ? FIRST_BUSY_DELAY_MS : FIRST_DELAY_MS;
    await setTimeout(Math.random() * Math.min(firstMs * 2 ** retries, MOST_DELAY_MS));
    return tokenOf(retries + 1);
  }

  /** Of the SDK's contract: there is no budget to give back to. */
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

  /** @throws the error of the last attempt where another is of no use */
  #nextAttempt(token: RetryToken, error: SdkError): Promise<RetryToken> {
    return this.refreshRetryTokenForRetry(token, { error, errorType: errorTypeOf(error) }).catch(() => {
      throw error;
    });
  }
}

/** The waiting is done by then. */
function tokenOf(retries: number): RetryToken {
  return { getRetryCount: () => retries, getRetryDelay: () => 0 };
}

const PASSING: ReadonlySet<RetryErrorType> = new Set(['THROTTLING', 'TRANSIENT']);

/** What the SDK does not count among the passing faults, but S3, STS and what lies in between do. */
function isPassing(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  if (isGarbled(error) || codeOf(error) === PROXY_UNAVAILABLE) return true;
  const status = error.$metadata?.httpStatusCode ?? 0;
  // STS has the same code for tokens that are wrong for good.
  const isKeyAway = error.name === 'InvalidIdentityTokenException' && /verification key/i.test(error.message);
  return isKeyAway || CONFLICTS.has(error.name) || status === IDLE_STATUS || status >= FIRST_GATEWAY_STATUS;
}

/** Whether bytes were lost or changed on their way, in either direction. */
function isGarbled(error: unknown): boolean {
  // One with a cause was tried again where it came from, on the way to credentials.
  if (error instanceof StoreError) return error.kind === 'malformed-reply' && error.cause === undefined;
  if (!isSdkError(error)) return false;
  const status = error.$metadata?.httpStatusCode ?? 0;
  const isUnreadable = status >= 200 && status < 300 && !(error instanceof OversizedReplyError);
  return isUnreadable || CORRUPTED.has(error.name);
}

/** As the SDK's client has it. */
function errorTypeOf(error: SdkError): RetryErrorType {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}

/** Whether an error says that no connection to the host came about, or that it fell silent. */
export function isUnreachable(error: unknown): boolean {
  if (!isError(error)) return false;
  // The SDK names errors of live connections so too; those still have their code.
  const code = codeOf(error);
  return code === '' ? error.name === 'TimeoutError' : UNREACHABLE.has(code);
}
