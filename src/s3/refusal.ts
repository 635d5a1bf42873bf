import { isError } from '../text.ts';
import type { Connection, Refusable } from './connection.ts';
import { isUnknownHeader } from './faults.ts';
import { type Reply, ReplyError } from './reply.ts';

// What another attempt can mend about a refusal: what the store does not take, the clock, and credentials.

/** What some stores refuse, and what tells that it is the cause. */
const REFUSABLE: Readonly<Record<Refusable, (connection: Connection, error: Error) => boolean>> = {
  /**
   * Without them, bytes are checked by the signature, which covers the SHA-256 of every body then; but a HEAD tells no
   * SHA-256, so that nothing counts as sent by the store's word.
   */
  'checksum headers': isUnknownChecksum,
  /** A bucket's policy may deny them: https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html */
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
 * Sends a request with something that some stores refuse. One that does is sent it again without, and all others of the
 * run only without.
 *
 * @param send sends it with that, or without
 * @throws what `send` throws; the first refusal, where leaving it out does not help
 */
export async function sendWith<Value>(
  connection: Connection,
  refusable: Refusable,
  send: (isWith: boolean) => Promise<Value>,
): Promise<Value> {
  if (connection.refusals.has(refusable)) return send(false);
  try {
    return await send(true);
  } catch (error) {
    if (!isRefusal(connection, refusable, error)) throw error;
    return sendWithout(connection, { refusable, error, send });
  }
}

function isRefusal(connection: Connection, refusable: Refusable, error: unknown): error is Error {
  return isError(error) && REFUSABLE[refusable](connection, error);
}

/** The reply to a HEAD has no body to say why. */
const UNEXPLAINED: ReadonlySet<string> = new Set(['Status400', 'Status501']);

function isUnknownChecksum({ settings }: Connection, { name }: Error): boolean {
  return isUnknownHeader(settings, name) || (settings.endpointUrl !== undefined && UNEXPLAINED.has(name));
}

interface Refused<Value> {
  readonly refusable: Refusable;
  readonly error: Error;
  readonly send: (isWith: boolean) => Promise<Value>;
}

async function sendWithout<Value>(connection: Connection, { refusable, error, send }: Refused<Value>): Promise<Value> {
  let value: Value;
  try {
    value = await send(false);
  } catch (reason) {
    // It was something else.
    throw isRefusal(connection, refusable, reason) ? error : reason;
  }
  if (!connection.refusals.has(refusable))
    connection.log.debug(`The store refuses ${refusable} (${error.name}): requests go without them from now on`);
  connection.refusals.add(refusable);
  return value;
}

const SKEWED = 'RequestTimeTooSkewed';
/** S3 takes a quarter of an hour. */
const MOST_SKEW_MS = 10 * 60_000;
/** Of temporary credentials that the server no longer takes. */
const EXPIRED: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);

interface Judging {
  /** With the status of a refusal, or of a PUT with a body that may be one. */
  readonly reply: Reply;
  /** That of the clock the request was signed by. */
  readonly usedOffsetMs: number;
  /** That of the credentials the request was signed with. */
  readonly usedToken: string | undefined;
}

/**
 * Tells a refusal from a success, and mends what another attempt depends on: the clock, and credentials that have
 * expired before their time.
 *
 * @returns the reply where it is none
 * @throws ReplyError
 */
export async function judge(connection: Connection, { reply, usedOffsetMs, usedToken }: Judging): Promise<Reply> {
  const refusal = refusalIn(reply);
  if (refusal === undefined) return reply;
  if (refusal.name === SKEWED || isSkewed(refusal, usedOffsetMs)) correctClock(connection, { refusal, usedOffsetMs });
  // The SDK's mark of an error that another attempt mends.
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

/** The refusal of a HEAD has no body to say why. */
function isSkewed({ name, $response }: ReplyError, usedOffsetMs: number): boolean {
  const serverTimeMs = Date.parse($response.headers.date ?? '');
  return name === 'Status403' && Math.abs(serverTimeMs - Date.now() - usedOffsetMs) > MOST_SKEW_MS;
}

/** Goes by the server's clock from now on, unless another request has seen to it while this one was under way. */
function correctClock(
  connection: Connection,
  { refusal, usedOffsetMs }: { refusal: ReplyError; usedOffsetMs: number },
): void {
  const serverTimeMs = Date.parse(refusal.$response.headers.date ?? '');
  if (connection.clockOffsetMs === usedOffsetMs && !Number.isNaN(serverTimeMs))
    connection.clockOffsetMs = serverTimeMs - Date.now();
  // The SDK's mark of an error that another attempt mends.
  refusal.$metadata.clockSkewCorrected = connection.clockOffsetMs !== usedOffsetMs;
}

/**
 * Fetches others than those that the server no longer takes, unless another request has done so meanwhile.
 *
 * @returns whether there are any: keys of the environment, for one, stay the same
 */
async function renewCredentials({ credentials }: Connection, usedToken: string | undefined): Promise<boolean> {
  if ((await credentials()).sessionToken !== usedToken) return true;
  return (await credentials({ forceRefresh: true })).sessionToken !== usedToken;
}
