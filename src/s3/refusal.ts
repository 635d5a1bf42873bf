import { isError } from '../text.ts';
import type { Connection, Refusable } from './connection.ts';
import { isUnknownHeader } from './faults.ts';
import { type Reply, ReplyError } from './reply.ts';

// Refusals that a retry can avoid: unsupported parts of a request, a wrong clock, and expired credentials.

/** Whether an error may be a refusal of this part of a request. */
const REFUSABLE: Readonly<Record<Refusable, (connection: Connection, error: Error) => boolean>> = {
  /**
   * Without them the signature still protects the bytes, since it then covers the SHA-256 of every body. But HEAD
   * returns no SHA-256, so the store can't confirm that an object was sent already.
   */
  'checksum headers': isUnknownChecksum,
  /** A bucket policy may deny them: https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html */
  'unsigned bodies': (_, { name }) => UNSIGNED_REFUSED.has(name),
};

const UNSIGNED_REFUSED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'InvalidRequest',
  'NotImplemented',
  'SignatureDoesNotMatch',
  'XAmzContentSHA256Mismatch',
]);

/**
 * Sends a request with a part that some stores refuse. If the store does, this request is sent again without it, and
 * all later ones of the run are sent without it right away.
 *
 * @param send sends the request, with or without that part
 * @throws the error of `send`; the first refusal, if leaving the part out does not help
 */
export async function sendWith<Value>(
  connection: Connection,
  refusable: Refusable,
  send: (isWith: boolean) => Promise<Value>,
): Promise<Value> {
  if (connection.refusals.has(refusable)) return send(false);
  const isRefusal = (error: unknown): error is Error => isError(error) && REFUSABLE[refusable](connection, error);
  try {
    return await send(true);
  } catch (refusal) {
    if (!isRefusal(refusal)) throw refusal;
    const value = await send(false).catch((error: unknown) => {
      // The same refusal again: it had another cause.
      throw isRefusal(error) ? refusal : error;
    });
    if (!connection.refusals.has(refusable))
      connection.log.debug(`The store refuses ${refusable} (${refusal.name}): requests go without them from now on`);
    connection.refusals.add(refusable);
    return value;
  }
}

/** HEAD replies have no body, so the status is all there is. */
const UNEXPLAINED: ReadonlySet<string> = new Set(['Status400', 'Status501']);

function isUnknownChecksum({ settings }: Connection, { name }: Error): boolean {
  return isUnknownHeader(settings, name) || (settings.endpointUrl !== undefined && UNEXPLAINED.has(name));
}

const SKEWED = 'RequestTimeTooSkewed';
/** S3 allows 15 minutes. */
const MOST_SKEW_MS = 10 * 60_000;
/** Error codes for expired temporary credentials. */
const EXPIRED: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);

interface CheckedReply {
  /** A refusal by its status, or a reply to a write whose body may contain an error. */
  readonly reply: Reply;
  /** The clock offset that the request was signed with. */
  readonly usedOffsetMs: number;
  /** The session token that the request was signed with. */
  readonly usedToken: string | undefined;
}

/**
 * Tells a refusal from a success. After a refusal because of the clock or of expired credentials, it corrects them for
 * the next attempt.
 *
 * @returns the reply if it is a success
 * @throws ReplyError for a refusal
 */
export async function checkReply(
  connection: Connection,
  { reply, usedOffsetMs, usedToken }: CheckedReply,
): Promise<Reply> {
  const refusal = refusalIn(reply);
  if (refusal === undefined) return reply;
  if (refusal.name === SKEWED || isSkewed(refusal, usedOffsetMs)) correctClock(connection, { refusal, usedOffsetMs });
  // The SDK's mark for an error that is worth a retry.
  if (EXPIRED.has(refusal.name) && (await renewCredentials(connection, usedToken)))
    refusal.$metadata.clockSkewCorrected = true;
  throw refusal;
}

function refusalIn(reply: Reply): ReplyError | undefined {
  if (reply.status >= 300) return new ReplyError(reply);
  const refusal = new ReplyError({ ...reply, status: 500 });
  if (refusal.$responseBodyText !== undefined) return undefined;
  return refusal.name === 'PreconditionFailed' ? new ReplyError({ ...reply, status: 412 }) : refusal;
}

/** A refused HEAD has no body, so a 403 from a server whose clock differs a lot counts as skewed. */
function isSkewed({ name, $response }: ReplyError, usedOffsetMs: number): boolean {
  const serverTimeMs = Date.parse($response.headers.date ?? '');
  return name === 'Status403' && Math.abs(serverTimeMs - Date.now() - usedOffsetMs) > MOST_SKEW_MS;
}

/** Switches to the server's clock, unless another request has done so in the meantime. */
function correctClock(
  connection: Connection,
  { refusal, usedOffsetMs }: { refusal: ReplyError; usedOffsetMs: number },
): void {
  const serverTimeMs = Date.parse(refusal.$response.headers.date ?? '');
  if (connection.clockOffsetMs === usedOffsetMs && !Number.isNaN(serverTimeMs))
    connection.clockOffsetMs = serverTimeMs - Date.now();
  // The SDK's mark for an error that is worth a retry.
  refusal.$metadata.clockSkewCorrected = connection.clockOffsetMs !== usedOffsetMs;
}

/**
 * Fetches new credentials in place of the expired ones, unless another request has done so in the meantime.
 *
 * @returns whether there are new ones; keys in the environment, for example, never change
 */
async function renewCredentials({ credentials }: Connection, usedToken: string | undefined): Promise<boolean> {
  if ((await credentials()).sessionToken !== usedToken) return true;
  return (await credentials({ forceRefresh: true })).sessionToken !== usedToken;
}
