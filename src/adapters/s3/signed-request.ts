import { HttpRequest } from '@smithy/core/protocols';
import { TOKEN_HEADER } from '@smithy/signature-v4';
import type { HttpRequest as SignedRequest } from '@smithy/types';
import { defined } from '../../core/defined.ts';
import { hasChecksums, sendChecked, withoutChecksums } from './checksum-headers.ts';
import type { Connection } from './connection.ts';
import { addressOf } from './endpoint.ts';
import type { Reply } from './reply.ts';
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
  const { judge } = await import('./judge-reply.ts');
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
