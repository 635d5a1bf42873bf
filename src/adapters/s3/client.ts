import { S3Client } from '@aws-sdk/client-s3';
import { HttpRequest, HttpResponse } from '@smithy/core/protocols';
import type { BuildHandler } from '@smithy/types';
import { once } from '../../core/once.ts';
import type { Bucket, Operation } from './bucket.ts';
import type { Connection } from './connection.ts';
import { isPathStyle, serverUrl } from './endpoint.ts';
import { withRetries } from './retry.ts';
import { SdkRequestHandler } from './sdk-request-handler.ts';
import { exchangeSigned } from './signed-request.ts';

const clients = new WeakMap<Connection, () => Promise<S3Client>>();

/**
 * Performs an operation with the SDK's client: what multipart uploads need besides their parts. Its requests go out as all
 * others do.
 *
 * @param send where it throws since the output lacks something, the request is sent again
 * @throws StoreError for every fault; the signal's reason when it was aborted
 */
export function perform<Output>(
  bucket: Bucket,
  operation: Operation,
  send: (client: S3Client) => Promise<Output>,
): Promise<Output> {
  const { connection } = bucket;
  return bucket.telling(operation, async () => {
    const client = await clientOf(connection);
    return withRetries(connection.retries, operation.signal, () => {
      client.config.systemClockOffset = connection.clockOffsetMs;
      return send(client);
    });
  });
}

function clientOf(connection: Connection): Promise<S3Client> {
  const client = clients.get(connection) ?? once(() => createClient(connection));
  clients.set(connection, client);
  return client();
}

/** The place of the SDK's own retries. */
const RETRIES = { name: 'retryMiddleware', step: 'finalizeRequest', priority: 'high' } as const;

async function createClient(connection: Connection): Promise<S3Client> {
  const { settings, region, credentials, signer } = connection;
  const client = new S3Client({
    endpoint: serverUrl(settings, await region()),
    forcePathStyle: isPathStyle(settings),
    region: await region(),
    credentials,
    signer,
    requestHandler: new JudgingHandler(connection),
    // The endpoint has them already; the client would refuse to combine it with the variables of the same meaning.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    // Nothing waits for the answer on a connection of our own, and http-proxy-agent sends the head of such a request twice.
    expectContinueHeader: false,
    // Every part is sent with its SHA-256; nothing else needs a checksum of the SDK's choice.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  // The caller tries again.
  client.middlewareStack.add((next) => next, { ...RETRIES, override: true });
  client.middlewareStack.add(withoutId, { step: 'build' });
  return client;
}

/** Leaves out the query `x-id`, which nothing needs and Qumulo refuses. */
function withoutId<Input extends object, Output extends object>(
  next: BuildHandler<Input, Output>,
): BuildHandler<Input, Output> {
  return (handling) => {
    if (HttpRequest.isInstance(handling.request)) delete handling.request.query['x-id'];
    return next(handling);
  };
}

/** Reads replies within the bounds that all replies have, and tells refusals as all are told. */
class JudgingHandler extends SdkRequestHandler {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super(connection.transport);
    this.#connection = connection;
  }

  override async handle(...[request, options = {}]: Parameters<SdkRequestHandler['handle']>) {
    const { abortSignal, requestTimeout: silenceMs } = options;
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
    const { status, headers, body } = await exchangeSigned(this.#connection, request, { signal, silenceMs });
    return { response: new HttpResponse({ statusCode: status, headers, body }) };
  }
}
