import { StoreError, type StoreFaultKind, UserError } from '../errors.ts';
import { codeOf, isError, isObject, printable, textIn } from '../text.ts';
import type { StoreSettings } from './settings.ts';
import { TOO_SLOW } from './transport.ts';

/** What was being done when a fault occurred. */
export interface Attempt {
  /** For messages: `read s3://bucket/key`. */
  readonly what: string;
  /** The IAM actions that it needs, and on which ARNs. */
  readonly permissions: string;
  /** Whether it was about the bucket itself, so that "no such key" can't be true. */
  readonly isOfBucket?: boolean;
}

/** Where requests go, for messages. */
export interface Destination {
  readonly bucket: string;
  readonly host: string;
  /** The scheme of endpoint-url; undefined if it is not set. */
  readonly scheme?: 'http' | 'https';
}

interface Classified {
  readonly kind: StoreFaultKind;
  readonly advice: string;
}

const CREDENTIAL_FAULTS = new Map(
  Object.entries({
    ExpiredToken: 'the session token has expired: get new credentials in a step before this one, or use role-to-assume',
    ExpiredTokenException: 'the session token has expired: get new credentials in a step before this one',
    InvalidToken: 'the session token is not valid: check aws-session-token',
    InvalidAccessKeyId: 'the access key is not known there: check aws-access-key-id and endpoint-url',
    // versitygw's code for the same.
    XAdminUserNotFound: 'the access key is not known there: check aws-access-key-id and endpoint-url',
    SignatureDoesNotMatch: 'the signature does not match: check aws-secret-access-key',
    RequestTimeTooSkewed: "the runner's clock is wrong: set its time",
    CredentialsProviderError:
      'there are no credentials: set aws-access-key-id and aws-secret-access-key, or role-to-assume',
  }),
);

const REGION_FAULTS: ReadonlySet<string> = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'IllegalLocationConstraintException',
  'TemporaryRedirect',
  'IncorrectEndpoint',
]);

/** Codes of OSS, COS, OBS and TOS. */
const PATH_STYLE_FORBIDDEN: ReadonlySet<string> = new Set([
  'SecondLevelDomainForbidden',
  'PathStyleDomainForbidden',
  'VirtualHostDomainRequired',
  'InvalidPathAccess',
]);

/** Node's codes for a value that can't be an HTTP header. */
const UNSENDABLE: ReadonlySet<string> = new Set(['ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN']);

/** The second is CopyObject's code for its source. */
const ARCHIVED: ReadonlySet<string> = new Set(['InvalidObjectState', 'ObjectNotInActiveTierError']);

const THROTTLING: ReadonlySet<string> = new Set(['SlowDown', 'ServiceUnavailable', 'RequestLimitExceeded']);

/**
 * Explains an error of the SDK, the system or the server to the user, classified by its name and status.
 *
 * @returns a StoreError; a UserError is returned as it is
 */
export function storeFault(error: unknown, attempt: Attempt, destination: Destination): Error {
  if (error instanceof UserError) return error;
  const fault = faultOf(error);
  const classified =
    unsendable(fault) ??
    credentialsFault(fault) ??
    bucketFault(fault, attempt, destination) ??
    connectionFault(fault, destination) ??
    replyFault(fault, attempt, destination);
  const { kind, advice } = classified;
  return new StoreError(kind, `Could not ${attempt.what}: ${advice}`, { cause: error, fault: advice });
}

function unsendable({ code, message }: Fault): Classified | undefined {
  if (!UNSENDABLE.has(code)) return undefined;
  const advice = `a value can't be sent as an HTTP header (${message}): metadata, content-type, cache-control and ETags must be printable ASCII, also in a record`;
  return { kind: 'rejected', advice };
}

function credentialsFault({ name, region, message }: Fault): Classified | undefined {
  // S3 uses the same code for a wrong region, and then names the right one.
  if (name === 'AuthorizationHeaderMalformed' && region === undefined)
    return { kind: 'credentials', advice: `the signature is malformed (${message}): check aws-access-key-id` };
  const advice = CREDENTIAL_FAULTS.get(name);
  return advice === undefined ? undefined : { kind: 'credentials', advice };
}

function bucketFault(
  { name, status, region }: Fault,
  { isOfBucket }: Attempt,
  { bucket, host }: Destination,
): Classified | undefined {
  if (name === 'NoSuchBucket')
    return {
      kind: 'no-such-bucket',
      advice: `the bucket '${bucket}' does not exist at ${host}: check bucket and endpoint-url`,
    };
  // R2's dashboard shows an endpoint that ends in the bucket's name.
  if (name === 'NoSuchKey' && isOfBucket)
    return {
      kind: 'no-such-bucket',
      advice: `${host} took the bucket '${bucket}' for an object (NoSuchKey): leave out the bucket's name in endpoint-url`,
    };
  if (PATH_STYLE_FORBIDDEN.has(name))
    return {
      kind: 'rejected',
      advice: `${host} wants the bucket in the host, not in the path (${name}): set force-path-style to 'false'`,
    };
  const isRedirected = region !== undefined && (status === 301 || status === 307);
  if (!REGION_FAULTS.has(name) && !isRedirected) return undefined;
  const advice =
    region === undefined
      ? `the bucket '${bucket}' is in another region: check aws-region`
      : `the bucket '${bucket}' is in the region ${printable(region)}: set aws-region to it`;
  return { kind: 'wrong-region', advice };
}

/** OpenSSL's only sign that an answer was not TLS: SSL_R_WRONG_VERSION_NUMBER. */
const PLAIN_REPLY = ':error:0A00010B:';

function connectionFault(
  { name, code, status, message }: Fault,
  { host, scheme }: Destination,
): Classified | undefined {
  if (name === TOO_SLOW)
    return {
      kind: 'unreachable',
      advice: `${host} is too slow (${message}): check the network and any proxy in between, or lower concurrency`,
    };
  if (status !== undefined || (code === '' && name !== 'TimeoutError')) return undefined;
  if (scheme === 'https' && code === 'EPROTO' && message.includes(PLAIN_REPLY))
    return { kind: 'unreachable', advice: `${host} answers in plain HTTP: write http://${host} in endpoint-url` };
  const advice = /CERT|ISSUER|SIGNATURE/.test(code)
    ? "check endpoint-url, or set NODE_EXTRA_CA_CERTS to the file of its CA's certificate"
    : 'check endpoint-url, the network and the proxy';
  return { kind: 'unreachable', advice: `${host} can't be reached (${message || code}): ${advice}` };
}

/** TLS servers answer a plain request with a redirect, or as a bad request. */
const TLS_STATUS: ReadonlySet<number | undefined> = new Set([301, 302, 307, 308, 400]);

function replyFault(fault: Fault, { permissions }: Attempt, { host, scheme }: Destination): Classified {
  const { name, status, message, isForeign } = fault;
  if (status === 429 || THROTTLING.has(name) || (status === 503 && name !== 'InternalError'))
    return {
      kind: 'throttled',
      advice: `${host} is overloaded (${name}, after every attempt): re-run later, or lower concurrency`,
    };
  if (isForeign) {
    const tls = scheme === 'http' && TLS_STATUS.has(status) ? ` (https://${host}, if it speaks TLS)` : '';
    return {
      kind: 'malformed-reply',
      advice: `${host} answered ${status ?? ''} with something that is not an S3 reply: check endpoint-url${tls} and any proxy in between`,
    };
  }
  if (ARCHIVED.has(name))
    return {
      kind: 'archived',
      advice: `the object is archived (${name}): build and upload the set again with 'overwrite: true', and let neither a lifecycle rule nor Intelligent-Tiering archive it`,
    };
  if (status === 403 || name === 'AccessDenied')
    return { kind: 'access-denied', advice: `access denied (${name}: ${message}): allow ${permissions}` };
  return { kind: 'rejected', advice: `${host} answered ${status ?? 'nothing'} (${name}: ${message})` };
}

/** The parts of an SDK error that classify it. */
interface Fault {
  readonly name: string;
  /** Node's code of a system error, or empty. */
  readonly code: string;
  /** Undefined if no reply came. */
  readonly status: number | undefined;
  readonly message: string;
  /** The right region, if the server names it. */
  readonly region: string | undefined;
  /** The reply is not an S3 reply. */
  readonly isForeign: boolean;
}

/** Reads the parts of an error, whether it comes from the SDK, the system or our own requests. */
export function faultOf(error: unknown): Fault {
  if (!isError(error)) return faultOf(new Error(String(error)));
  const metadata = '$metadata' in error && isObject(error.$metadata) ? error.$metadata : {};
  const response = '$response' in error && isObject(error.$response) ? error.$response : {};
  const headers = isObject(response.headers) ? response.headers : {};
  const region = headers['x-amz-bucket-region'] ?? ('Region' in error ? error.Region : undefined);
  const status = typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
  return {
    name: printable(error.name),
    code: codeOf(error),
    status,
    message: printable(error.message),
    region: textIn(region),
    isForeign: isForeign(error, status),
  };
}

/** For a reply that it can't parse, the SDK throws its XML parser's error with the reply attached. */
function isForeign(error: Error, status: number | undefined): boolean {
  const hasText = '$responseBodyText' in error && error.$responseBodyText !== undefined;
  return hasText || error.name === 'SyntaxError' || (status !== undefined && status < 300);
}

// The store's own answer, behind the StoreError that explains it to the user.

/** Codes with which other stores than AWS, such as B2, refuse a header that they don't know. */
const UNKNOWN_HEADER: ReadonlySet<string> = new Set(['InvalidArgument', 'InvalidRequest', 'NotImplemented']);

/**
 * Whether a store may have refused a request because of a header that it does not know. AWS only ever says
 * NotImplemented for that, so its other errors never make a request go out unprotected.
 *
 * @param name the store's error code
 */
export function isUnknownHeader(
  { endpointUrl }: Pick<StoreSettings, 'endpointUrl'>,
  name: string | undefined,
): boolean {
  return name === 'NotImplemented' || (endpointUrl !== undefined && UNKNOWN_HEADER.has(name ?? ''));
}

/** The store's error code, or undefined if it gave none. */
export function causeName(error: unknown): string | undefined {
  return error instanceof StoreError && isError(error.cause) ? error.cause.name : undefined;
}

/** The status of the reply, or undefined if none came. */
export function causeStatus(error: unknown): number | undefined {
  return error instanceof StoreError ? faultOf(error.cause).status : undefined;
}

/** Whether a condition of the request did not hold; some servers say so only by the status. */
export function isPreconditionFailure(error: unknown): boolean {
  const name = causeName(error);
  return name === 'PreconditionFailed' || name === 'Status412';
}
