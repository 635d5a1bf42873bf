import { isError } from '../text.ts';
import type { Connection } from './connection.ts';
import { isUnknownHeader } from './faults.ts';
import { type Reply, ReplyError } from './reply.ts';

// What another attempt can mend about a refusal: checksum headers that the store does not know, the clock, and credentials.

/**
 * Sends a request with its checksum headers. A store that refuses them is sent it again without, and all others of the run
 * only without. Bytes are checked all the same, since the signature covers the SHA-256 of every body; but a HEAD tells no
 * SHA-256 then, so that nothing counts as sent by the store's word.
 *
 * @param send sends it with them, or without
 * @throws what `send` throws; the first refusal, where leaving them out does not help
 */
export async function sendChecked<Value>(
  connection: Connection,
  send: (isChecked: boolean) => Promise<Value>,
): Promise<Value> {
  if (connection.refusesChecksums) return send(false);
  try {
    return await send(true);
  } catch (error) {
    if (!isRefusal(connection, error)) throw error;
    return sendUnchecked(connection, { error, send });
  }
}

/** The reply to a HEAD has no body to say why. */
const UNEXPLAINED: ReadonlySet<string> = new Set(['Status400', 'Status501']);

function isRefusal({ settings }: Connection, error: unknown): error is Error {
  if (!isError(error)) return false;
  return isUnknownHeader(settings, error.name) || (settings.endpointUrl !== undefined && UNEXPLAINED.has(error.name));
}

async function sendUnchecked<Value>(
  connection: Connection,
  { error, send }: { error: Error; send: (isChecked: boolean) => Promise<Value> },
): Promise<Value> {
  let value: Value;
  try {
    value = await send(false);
  } catch (reason) {
    // It was something else.
    throw isRefusal(connection, reason) ? error : reason;
  }
  if (!connection.refusesChecksums)
    connection.log.debug(`The store refuses checksum headers (${error.name}): requests go without them from now on`);
  connection.refusesChecksums = true;
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
