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
import { checkReply, sendWith } from './refusal.ts';
import type { Reply } from './reply.ts';
import type { ExchangeOptions } from './transport.ts';

// Nearly all requests are signed and sent here, without the SDK's client: its middleware takes longer than the rest of
// a request, and loading it takes longer than the rest of a check. Signing and the classification of faults use the
// SDK's own parts.

/** The hash of an empty body. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const NOTHING_HASHED = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface RequestBody {
  readonly bytes: Uint8Array;
  /** Base64; undefined if a header has another checksum, so that the signature need not cover the body. */
  readonly sha256: string | undefined;
}

/** A request to sign and send. After a failed attempt, `onBytes` takes its bytes back with a negative number. */
export interface S3Request extends ExchangeOptions {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
}

/**
 * Signs and sends a request, and retries it.
 *
 * @param read extracts the result from the complete reply; if it throws, the request is sent again
 * @throws the last attempt's error: that of `read`, ReplyError for a refusal, the system's error if no reply came; the
 *   signal's reason once it is aborted
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
  const { signal, silenceMs, into, mostBytes } = request;
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

/** Counts the bytes of one attempt. A server may refuse a body while it is being sent: later bytes are not counted. */
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

interface SignedExchange extends ExchangeOptions {
  /** The clock offset that the request was signed with. */
  readonly usedOffsetMs?: number;
}

/**
 * Sends a signed request once.
 *
 * @throws ReplyError for a refusal; TypeError for a header that can't be sent; the system's error if no reply came
 */
export async function exchangeSigned(
  connection: Connection,
  signed: SignedRequest,
  { usedOffsetMs = connection.clockOffsetMs, ...options }: SignedExchange,
): Promise<Reply> {
  refuseUnsendable(signed.headers);
  const reply = await connection.transport.exchange(signed, options);
  // A copy or a Complete can fail after its status 200 was sent; the body then contains an error. Searching for it
  // first saves parsing nearly every body.
  const isWrite = signed.method === 'PUT' || signed.method === 'POST';
  if (reply.status < 300 && !(isWrite && reply.body.includes('<Error'))) return reply;
  return checkReply(connection, { reply, usedOffsetMs, usedToken: signed.headers[TOKEN_HEADER] });
}

/** Node would send tabs and Latin-1, but servers sign those differently and would report a wrong secret key. */
const UNSENDABLE = /[^\x20-\x7e]/;

/** @throws TypeError with the code that Node has for the characters it refuses itself */
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
  const { host, ...address } = addressOf(settings, await connection.region(), key);
  const length = body && String(body.bytes.length);
  const named = {
    'content-length': length,
    'x-amz-expected-bucket-owner': settings.expectedBucketOwner,
    'x-amz-request-payer': settings.requesterPays ? 'requester' : undefined,
  };
  const unsigned = new HttpRequest({
    method,
    ...address,
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

/** The signature then covers the body. */
function withoutChecksums({ headers = {}, body, ...request }: S3Request): S3Request {
  const others = Object.entries(headers).filter(([name]) => !name.startsWith(PREFIX));
  return { ...request, headers: Object.fromEntries(others), ...defined({ body: body && hashed(body) }) };
}

const SERVICE = 's3';

/**
 * Signs requests in their headers: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. It is
 * built from the SDK's own parts. The SDK's signer also bundles presigned URLs and event streams, a tenth of all the
 * code that a check loads.
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
      // S3 does not normalise the path.
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

  /** Cached for the day and the credentials. */
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

/** For requests of the SDK's client; all others have the header already. */
function hashOf(body: unknown): string {
  if (isText(body) || body instanceof Uint8Array) return hash('sha256', body);
  if (body === undefined || body === null) return NOTHING_HASHED;
  throw new TypeError('Only bodies in memory are signed');
}
