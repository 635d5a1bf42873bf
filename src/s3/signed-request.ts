import { HttpRequest } from '@smithy/core/protocols';
import { TOKEN_HEADER } from '@smithy/signature-v4';
import type { HttpRequest as SignedRequest } from '@smithy/types';
import { defined } from '../text.ts';
import type { Connection } from './connection.ts';
import { addressOf } from './endpoint.ts';
import { isUnknownHeader } from './faults.ts';
import { type Reply, ReplyError } from './reply.ts';
import { withRetries } from './retry.ts';
import type { ExchangeOptions } from './transport.ts';

// How nearly every request goes out: signed and sent without the SDK's client, whose middleware costs more than all the rest of a
// request, and whose loading more than all the rest of a check. What signs is of the SDK's own parts, as is what tells
// passing faults from others.

/** A refusal, a listing of a thousand objects, an empty reply: whatever is not asked for by its size. */
const MOST_REPLY_BYTES = 16 * 1024 ** 2;

/** Of the empty body. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const NOTHING_HASHED = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface RequestBody {
  readonly bytes: Uint8Array;
  /** Base64. */
  readonly sha256: string;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly mostReplyBytes?: number;
  /** Where the body of a reply that just fits goes. */
  readonly into?: Uint8Array;
  /** How long the server may be silent, where it has more to do than to answer. */
  readonly silenceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param read takes what was asked for out of the reply, its body read whole; where it throws since that is not in it, the
 *   request is sent again
 * @throws what `read` throws; ReplyError for a refusal; the system's error where no reply came, after every retry; the signal's reason when
 *   it was aborted
 */
export function sendSigned<Value>(
  connection: Connection,
  request: S3Request,
  read: (reply: Reply) => Value,
): Promise<Value> {
  const { signal, headers = {} } = request;
  return withRetries(connection.retries, signal, () => {
    if (!hasChecksums(headers)) return sendOnce(connection, request, read);
    return sendChecked(connection, (isChecked) =>
      sendOnce(connection, isChecked ? request : { ...request, headers: withoutChecksums(headers) }, read),
    );
  });
}

async function sendOnce<Value>(
  connection: Connection,
  request: S3Request,
  read: (reply: Reply) => Value,
): Promise<Value> {
  const { signal, silenceMs, into, mostReplyBytes: mostBytes = MOST_REPLY_BYTES } = request;
  const { clockOffsetMs: usedOffsetMs } = connection;
  const signed = await sign(connection, { request, clockOffsetMs: usedOffsetMs });
  return read(await exchangeSigned(connection, signed, { signal, silenceMs, into, mostBytes, usedOffsetMs }));
}

interface SignedExchange extends Omit<ExchangeOptions, 'mostBytes'> {
  readonly mostBytes?: number;
  /** That of the clock the request was signed by. */
  readonly usedOffsetMs?: number;
}

/**
 * Sends a signed request, once.
 *
 * @throws ReplyError for a refusal; TypeError for a header that can't be sent; the system's error where no reply came
 */
export async function exchangeSigned(
  connection: Connection,
  signed: SignedRequest,
  { usedOffsetMs = connection.clockOffsetMs, mostBytes = MOST_REPLY_BYTES, ...options }: SignedExchange,
): Promise<Reply> {
  refuseUnsendable(signed.headers);
  const reply = await connection.transport.exchange(signed, { ...options, mostBytes });
  // A copy or a Complete that fails while it is made is told in a reply that began with a success. It is looked for before it is
  // parsed: nearly every copy brings a body without one.
  const isWrite = signed.method === 'PUT' || signed.method === 'POST';
  if (reply.status < 300 && !(isWrite && reply.body.includes('<Error'))) return reply;

  return judge(connection, { reply, usedOffsetMs, usedToken: signed.headers[TOKEN_HEADER] });
}

/** Node would send a tab and Latin-1, which servers sign otherwise: they would call the secret wrong. */
const UNSENDABLE = /[^\x20-\x7e]/;

/** @throws TypeError with Node's own code for what it refuses itself */
function refuseUnsendable(headers: Readonly<Record<string, string>>): void {
  for (const name in headers)
    if (UNSENDABLE.test(headers[name] ?? ''))
      throw Object.assign(new TypeError(`Invalid character in header content ["${name}"]`), {
        code: 'ERR_INVALID_CHAR',
      });
}

async function sign(
  connection: Connection,
  { request, clockOffsetMs }: { request: S3Request; clockOffsetMs: number },
): Promise<SignedRequest> {
  const { settings } = connection;
  const { method, key, query = {}, headers = {}, body } = request;
  const { port, host, ...address } = addressOf(settings, await connection.region(), key);
  const contentHash = body === undefined ? NOTHING_HASHED : Buffer.from(body.sha256, 'base64').toString('hex');
  const length = body && String(body.bytes.length);
  const named = {
    'content-length': length,
    'x-amz-expected-bucket-owner': settings.expectedBucketOwner,
    'x-amz-request-payer': settings.requesterPays ? 'requester' : undefined,
  };
  const unsigned = new HttpRequest({
    method,
    ...address,
    ...defined({ port }),
    query: { ...query },
    headers: { host, ...headers, ...defined(named), 'x-amz-content-sha256': contentHash },
    body: body?.bytes,
  });
  const signer = await connection.signer();
  return signer.sign(unsigned, { signingDate: new Date(Date.now() + clockOffsetMs) });
}

const PREFIX = 'x-amz-checksum-';

function hasChecksums(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.startsWith(PREFIX));
}

function withoutChecksums(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(PREFIX)));
}

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
  if (!Error.isError(error)) return false;
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
async function judge(connection: Connection, { reply, usedOffsetMs, usedToken }: Judging): Promise<Reply> {
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
