import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { HttpRequest } from '@smithy/core/protocols';
import {
  ALGORITHM_IDENTIFIER,
  AMZ_DATE_HEADER,
  AUTH_HEADER,
  createScope,
  getCanonicalHeaders,
  getCanonicalQuery,
  prepareRequest,
  SHA256_HEADER,
  TOKEN_HEADER,
} from '@smithy/signature-v4';
import type {
  AwsCredentialIdentity,
  RequestSigner,
  RequestSigningArguments,
  HttpRequest as SignedRequest,
} from '@smithy/types';
import { withRetries } from '../async.ts';
import type { OnBytes } from '../ports.ts';
import { defined, isText } from '../text.ts';
import type { Connection } from './connection.ts';
import { addressOf } from './endpoint.ts';
import { judge, sendWith } from './refusal.ts';
import type { Reply } from './reply.ts';
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
  /** Base64; undefined where the headers have another checksum, so that the signature need not cover the body. */
  readonly sha256: string | undefined;
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
  /** Of the body, in whichever direction there is one; those of a failed attempt are taken back. */
  readonly onBytes?: OnBytes | undefined;
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
  return withRetries(connection.retries, request.signal, () => {
    if (!hasChecksums(request)) return sendOnce(connection, request, read);
    return sendWith(connection, 'checksum headers', (isChecked) =>
      isChecked ? sendChecked(connection, request, read) : sendOnce(connection, withoutChecksums(request), read),
    );
  });
}

async function sendChecked<Value>(
  connection: Connection,
  request: S3Request,
  read: (reply: Reply) => Value,
): Promise<Value> {
  const { body } = request;
  if (body === undefined || body.sha256 !== undefined) return sendOnce(connection, request, read);
  return sendWith(connection, 'unsigned bodies', (isUnsigned) =>
    sendOnce(connection, isUnsigned ? request : { ...request, body: hashed(body) }, read),
  );
}

function hashed({ bytes, sha256 = hash('sha256', bytes, 'base64') }: RequestBody): RequestBody {
  return { bytes, sha256 };
}

async function sendOnce<Value>(
  connection: Connection,
  request: S3Request,
  read: (reply: Reply) => Value,
): Promise<Value> {
  const { signal, silenceMs, into, mostReplyBytes: mostBytes = MOST_REPLY_BYTES } = request;
  const counted = countedBytes(request.onBytes);
  const { clockOffsetMs: usedOffsetMs } = connection;
  const signed = await sign(connection, { request, clockOffsetMs: usedOffsetMs });
  const options = { signal, silenceMs, into, mostBytes, usedOffsetMs, onBytes: counted?.add };
  try {
    return read(await exchangeSigned(connection, signed, options));
  } catch (error) {
    counted?.takeBack();
    throw error;
  }
}

/** The bytes of one attempt. A server may refuse a body while it is still on its way: such bytes do not count any more. */
function countedBytes(onBytes: OnBytes | undefined) {
  if (onBytes === undefined) return undefined;
  let count: number | undefined = 0;
  return {
    add: (bytes: number): void => {
      if (count === undefined) return;
      count += bytes;
      onBytes(bytes);
    },
    takeBack: (): void => {
      onBytes(-(count ?? 0));
      count = undefined;
    },
  };
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
    headers: { host, ...headers, ...defined(named), 'x-amz-content-sha256': contentHashOf(body) },
    body: body?.bytes,
  });
  const signer = await connection.signer();
  return signer.sign(unsigned, { signingDate: new Date(Date.now() + clockOffsetMs) });
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function contentHashOf(body: RequestBody | undefined): string {
  if (body === undefined) return NOTHING_HASHED;
  return body.sha256 === undefined ? 'UNSIGNED-PAYLOAD' : Buffer.from(body.sha256, 'base64').toString('hex');
}

const PREFIX = 'x-amz-checksum-';

function hasChecksums({ headers = {} }: S3Request): boolean {
  return Object.keys(headers).some((name) => name.startsWith(PREFIX));
}

/** Its body is signed then, whatever it was checked by. */
function withoutChecksums({ headers = {}, body, ...request }: S3Request): S3Request {
  const others = Object.entries(headers).filter(([name]) => !name.startsWith(PREFIX));
  return { ...request, headers: Object.fromEntries(others), ...defined({ body: body && hashed(body) }) };
}

const SERVICE = 's3';

/**
 * Signs requests in their headers, by https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. The
 * parts are the SDK's; its own signer puts them together as well, but brings along what signs addresses and streams of
 * events, a tenth of all that a check loads.
 */
export class HeaderSigner implements RequestSigner {
  readonly #region: string;
  readonly #credentials: () => Promise<AwsCredentialIdentity>;
  #last: DerivedKey | undefined;

  constructor(region: string, credentials: () => Promise<AwsCredentialIdentity>) {
    this.#region = region;
    this.#credentials = credentials;
  }

  /** @returns a copy with the headers that the signature adds */
  async sign(
    request: SignedRequest,
    { signingDate = new Date() }: RequestSigningArguments = {},
  ): Promise<SignedRequest> {
    const credentials = await this.#credentials();
    const signed = prepareRequest(request);
    const time = new Date(signingDate).toISOString().replace(/\.\d+|\W/g, '');
    const day = time.slice(0, 8);
    const scope = createScope(day, this.#region, SERVICE);
    signed.headers[AMZ_DATE_HEADER] = time;
    if (credentials.sessionToken) signed.headers[TOKEN_HEADER] = credentials.sessionToken;
    const contentHash = signed.headers[SHA256_HEADER] ?? hashOf(signed.body);
    signed.headers[SHA256_HEADER] = contentHash;
    const headers = getCanonicalHeaders(signed);
    const names = Object.keys(headers).sort();
    const canonical = [
      signed.method,
      // S3 takes the path as it was sent.
      signed.path,
      getCanonicalQuery(signed),
      ...names.map((name) => `${name}:${headers[name]}`),
      '',
      names.join(';'),
      contentHash,
    ].join('\n');
    const text = [ALGORITHM_IDENTIFIER, time, scope, hash('sha256', canonical)].join('\n');
    const signature = createHmac('sha256', this.#keyOf(credentials, day)).update(text).digest('hex');
    signed.headers[AUTH_HEADER] =
      `${ALGORITHM_IDENTIFIER} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    return signed;
  }

  /** Derived once for the day and the credentials. */
  #keyOf(credentials: AwsCredentialIdentity, day: string): KeyObject {
    if (this.#last?.credentials !== credentials || this.#last.day !== day)
      this.#last = { credentials, day, key: derivedKey(credentials, [day, this.#region, SERVICE, 'aws4_request']) };
    return this.#last.key;
  }
}

interface DerivedKey {
  readonly credentials: AwsCredentialIdentity;
  readonly day: string;
  readonly key: KeyObject;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#derive-signing-key */
function derivedKey({ secretAccessKey }: AwsCredentialIdentity, scope: readonly string[]): KeyObject {
  const secret = createSecretKey(`AWS4${secretAccessKey}`, 'utf8');
  return scope.reduce((key, part) => createSecretKey(createHmac('sha256', key).update(part).digest()), secret);
}

/** Of what the SDK's client sends: texts and nothing. Other requests say it already. */
function hashOf(body: unknown): string {
  if (isText(body) || body instanceof Uint8Array) return hash('sha256', body);
  if (body === undefined || body === null) return NOTHING_HASHED;
  throw new TypeError('Only bodies in memory are signed');
}
