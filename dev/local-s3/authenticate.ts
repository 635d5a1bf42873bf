import { timingSafeEqual } from 'node:crypto';
import { type Authorization, parseTimestamp, readAuthorization } from './authorization.ts';
import type { SignedChunk } from './chunked.ts';
import type { CredentialStore, Credentials } from './credentials.ts';
import type { RequestBody } from './request-body.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import {
  canonicalRequest,
  EMPTY_SHA256,
  formatScope,
  hmacHex,
  sha256Hex,
  signingKey,
  stringToSign,
} from './signature.ts';

const MAX_SKEW_MS = 15 * 60_000;

/** The sender of a request whose signature is valid. */
export interface Identity {
  readonly accessKeyId: string;
  readonly arn: string;
  /** The region that the request was signed for. */
  readonly region: string;
}

export interface Verifier {
  readonly credentials: CredentialStore;
  /** The server's clock in milliseconds. */
  readonly nowMs: number;
  readonly service: 's3' | 'sts';
  /** The regions that a request may be signed for; errors name the last one. Any region if undefined. */
  readonly regions: readonly string[] | undefined;
}

/**
 * Verifies the signature of a request: its key, time and scope, and the signed headers and body.
 *
 * @throws {S3Error} as S3 does; AccessDenied for an anonymous request
 */
export function authenticate(request: S3Request, body: RequestBody, verifier: Verifier): Identity {
  const authorization = readAuthorization(request);
  if (authorization === undefined) throw new S3Error('AccessDenied');
  checkScope(authorization, verifier);
  const { accessKeyId } = authorization;
  const known = verifier.credentials.find(accessKeyId);
  if (known === undefined) throw new S3Error('InvalidAccessKeyId', { details: { AWSAccessKeyId: accessKeyId } });
  checkSessionToken(known, authorization, verifier.nowMs);
  checkTime(authorization, verifier.nowMs);
  checkSignedHeaders(request, authorization);
  // STS has no header for the payload's hash, which is simply that of the body.
  const payloadHash = verifier.service === 'sts' ? body.sha256 : authorization.payloadHash;
  checkSignature(request, { ...authorization, payloadHash }, known.secretAccessKey, body);
  return { accessKeyId, arn: known.arn, region: authorization.scope.region };
}

function checkScope({ scope, timestamp, expiresSeconds }: Authorization, { regions, service }: Verifier): void {
  const code = expiresSeconds === undefined ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError';
  if (regions !== undefined && !regions.includes(scope.region)) {
    const region = regions.at(-1) ?? '';
    const message = `The authorization header is malformed; the region '${scope.region}' is wrong; expecting '${region}'`;
    throw new S3Error(code, { message, details: { Region: region } });
  }
  if (scope.service !== service) {
    throw new S3Error(code, { message: `The service '${scope.service}' is wrong; expecting '${service}'` });
  }
  if (!timestamp.startsWith(scope.date)) {
    throw new S3Error(code, { message: `Invalid credential date ${scope.date}, it is not that of ${timestamp}` });
  }
}

function checkSessionToken({ sessionToken, expiresAt }: Credentials, claim: Authorization, nowMs: number): void {
  if (sessionToken !== claim.sessionToken) throw new S3Error('InvalidToken');
  if (expiresAt !== undefined && nowMs >= expiresAt) throw new S3Error('ExpiredToken');
}

function checkTime({ timestamp, expiresSeconds }: Authorization, nowMs: number): void {
  const signedAt = parseTimestamp(timestamp);
  if (signedAt === undefined) {
    throw new S3Error('AccessDenied', { message: 'AWS authentication requires a valid Date or x-amz-date header' });
  }
  const presigned = expiresSeconds !== undefined;
  if (presigned && nowMs > signedAt + expiresSeconds * 1000) {
    throw new S3Error('AccessDenied', { message: 'Request has expired' });
  }
  const skewed = presigned ? signedAt > nowMs + MAX_SKEW_MS : Math.abs(nowMs - signedAt) > MAX_SKEW_MS;
  if (!skewed) return;
  const details = {
    RequestTime: timestamp,
    ServerTime: new Date(nowMs).toISOString(),
    MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
  };
  throw new S3Error('RequestTimeTooSkewed', { details });
}

function checkSignedHeaders({ headers }: S3Request, { signedHeaders }: Authorization): void {
  const unsigned = Object.keys(headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  const message = 'There were headers present in the request which were not signed';
  throw new S3Error('AccessDenied', { message, details: { HeadersNotSigned: unsigned.join(', ') } });
}

function checkSignature(request: S3Request, claim: Authorization, secret: string, body: RequestBody): void {
  const canonical = canonicalRequest({ ...request, ...claim });
  const toSign = stringToSign(claim.timestamp, claim.scope, canonical);
  const key = signingKey(secret, claim.scope);
  if (!sameText(hmacHex(key, toSign), claim.signature)) {
    const details = { AWSAccessKeyId: claim.accessKeyId, StringToSign: toSign, CanonicalRequest: canonical };
    throw new S3Error('SignatureDoesNotMatch', { details });
  }
  if (claim.payloadHash.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')) checkChunks(claim, key, body);
}

/** Each chunk's signature covers that of the chunk before it; the first one covers the request's. */
function checkChunks(claim: Authorization, key: Buffer, body: RequestBody): void {
  const prefix = (kind: string) => `AWS4-HMAC-SHA256-${kind}\n${claim.timestamp}\n${formatScope(claim.scope)}`;
  let previous = claim.signature;
  const check = (signature: string | undefined, kind: string, hashes: readonly string[]): void => {
    const expected = hmacHex(key, [prefix(kind), previous, ...hashes].join('\n'));
    if (signature === undefined || !sameText(expected, signature)) throw new S3Error('SignatureDoesNotMatch');
    previous = expected;
  };
  const last: SignedChunk | undefined = body.signedChunks.at(-1);
  if (last?.sha256 !== EMPTY_SHA256) throw new S3Error('SignatureDoesNotMatch');
  for (const { signature, sha256 } of body.signedChunks) check(signature, 'PAYLOAD', [EMPTY_SHA256, sha256]);
  if (!claim.payloadHash.endsWith('-TRAILER')) return;
  const { 'x-amz-trailer-signature': trailerSignature, ...trailers } = body.trailers;
  const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}\n`);
  check(trailerSignature, 'TRAILER', [sha256Hex(lines.join(''))]);
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
