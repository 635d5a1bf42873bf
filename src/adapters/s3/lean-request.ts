import { HttpRequest } from '@smithy/core/protocols';
import { Hash } from '@smithy/core/serde';
import { SignatureV4 } from '@smithy/signature-v4';
import { defined } from '../../core/defined.ts';
import type { Connection } from './connection.ts';
import { addressOf } from './endpoint.ts';
import { exchange } from './exchange.ts';
import { type Reply, ReplyError } from './reply.ts';
import { withRetries } from './retry.ts';

// The lean path: requests of the first moment, signed and sent without the SDK's client, whose loading costs more than
// all the rest of a check. Signer, connections and retries are the SDK's own parts.

export interface LeanRequest {
  readonly method: 'GET';
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * @returns the reply, its body read whole
 * @throws ReplyError for a refusal; the system's error where no reply came, after every retry
 */
export function sendLean(connection: Connection, request: LeanRequest): Promise<Reply> {
  return withRetries(connection.retries, async () => {
    const { handler, clockOffsetMs } = connection;
    const { signal } = request;
    signal?.throwIfAborted();
    const reply = await exchange(handler, await sign(connection, { request, clockOffsetMs }), signal);
    if (reply.status < 300) return reply;
    const refusal = new ReplyError(reply);
    if (refusal.name === 'RequestTimeTooSkewed') correctClock(connection, { refusal, usedOffsetMs: clockOffsetMs });
    throw refusal;
  });
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

async function sign(
  { settings, credentials, region }: Connection,
  { request, clockOffsetMs }: { request: LeanRequest; clockOffsetMs: number },
): Promise<HttpRequest> {
  const inRegion = await region();
  const { port, host, ...address } = addressOf(settings, inRegion, request.key);
  const owner = { 'x-amz-expected-bucket-owner': settings.expectedBucketOwner };
  const unsigned = new HttpRequest({
    method: request.method,
    ...address,
    ...defined({ port }),
    query: { ...request.query },
    headers: { host, ...request.headers, ...defined(owner) },
  });
  const signer = new SignatureV4({
    service: 's3',
    region: inRegion,
    credentials,
    sha256: Hash.bind(null, 'sha256'),
    // S3 takes the path as it was sent, and signs the digest of the body along.
    uriEscapePath: false,
    applyChecksum: true,
  });
  return HttpRequest.clone(await signer.sign(unsigned, { signingDate: new Date(Date.now() + clockOffsetMs) }));
}
