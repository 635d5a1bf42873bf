import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { EMPTY_SHA256, type Scope } from './signature.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const LONGEST_PRESIGNED_SECONDS = 604_800;

/** The claims of a request about its signature: the key, the time and the method. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  readonly payloadHash: string;
  /** Only in a presigned URL. */
  readonly expiresSeconds: number | undefined;
}

/**
 * Reads the `Authorization` header or the parameters of a presigned URL.
 *
 * @returns undefined for an anonymous request
 * @throws {S3Error} if the claim is malformed
 */
export function readAuthorization(request: S3Request): Authorization | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return readHeader(header, request);
  return 'X-Amz-Algorithm' in request.query ? readQuery(request) : undefined;
}

/** @returns milliseconds since the epoch, or undefined if it isn't `YYYYMMDDTHHMMSSZ` */
export function parseTimestamp(timestamp: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}

function readHeader(header: string, { headers }: S3Request): Authorization {
  const fields = /^(\S+) Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(header);
  const [, algorithm, credential, signedHeaders, signature] = fields ?? [];
  if (algorithm !== ALGORITHM || !credential || !signedHeaders || !signature) {
    throw new S3Error('AuthorizationHeaderMalformed');
  }
  const claim = readCredential(credential);
  if (claim === undefined) throw new S3Error('AuthorizationHeaderMalformed');
  const payloadHash = headers['x-amz-content-sha256'];
  if (payloadHash === undefined && claim.scope.service === 's3') {
    const message = 'Missing required header for this request: x-amz-content-sha256';
    throw new S3Error('InvalidRequest', { message });
  }
  return {
    ...claim,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp: headers['x-amz-date'] ?? basicTimestamp(headers.date),
    sessionToken: headers['x-amz-security-token'],
    payloadHash: payloadHash ?? EMPTY_SHA256,
    expiresSeconds: undefined,
  };
}

function readQuery({ query, headers }: S3Request): Authorization {
  const claim = readCredential(query['X-Amz-Credential'] ?? '');
  const expiresSeconds = Number(query['X-Amz-Expires'] ?? Number.NaN);
  const signature = query['X-Amz-Signature'];
  const outOfRange = !(expiresSeconds >= 1 && expiresSeconds <= LONGEST_PRESIGNED_SECONDS);
  if (query['X-Amz-Algorithm'] !== ALGORITHM || claim === undefined || signature === undefined || outOfRange) {
    throw new S3Error('AuthorizationQueryParametersError');
  }
  return {
    ...claim,
    signedHeaders: (query['X-Amz-SignedHeaders'] ?? '').split(';'),
    signature,
    timestamp: query['X-Amz-Date'] ?? '',
    sessionToken: query['X-Amz-Security-Token'],
    payloadHash: query['X-Amz-Content-Sha256'] ?? headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
    expiresSeconds,
  };
}

function readCredential(credential: string): Pick<Authorization, 'accessKeyId' | 'scope'> | undefined {
  const match = /^(.+)\/(\d{8})\/([^/]*)\/(s3|sts)\/aws4_request$/.exec(credential);
  const [, accessKeyId, date, region, service] = match ?? [];
  if (accessKeyId === undefined || date === undefined || region === undefined || service === undefined)
    return undefined;
  return { accessKeyId, scope: { date, region, service } };
}

function basicTimestamp(httpDate = ''): string {
  const time = Date.parse(httpDate);
  return Number.isNaN(time) ? '' : new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}
