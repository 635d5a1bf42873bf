import { S3Client } from '@aws-sdk/client-s3';
import { once } from '../../core/once.ts';
import type { Bucket, Operation } from './bucket.ts';
import type { Connection } from './connection.ts';
import { SdkRequestHandler } from './sdk-request-handler.ts';

const clients = new WeakMap<Connection, () => Promise<S3Client>>();

/**
 * Performs an operation with the SDK's client: what multipart uploads need besides their parts.
 *
 * @throws StoreError for every fault; the signal's reason when it was aborted
 */
export function perform<Output>(
  bucket: Bucket,
  operation: Operation,
  send: (client: S3Client) => Promise<Output>,
): Promise<Output> {
  return bucket.telling(operation, async () => {
    const { connection } = bucket;
    const client = await clientOf(connection);
    // What one of them has learnt about the server's clock, the other need not.
    client.config.systemClockOffset = connection.clockOffsetMs;
    const output = await send(client);
    connection.clockOffsetMs = client.config.systemClockOffset;
    return output;
  });
}

function clientOf(connection: Connection): Promise<S3Client> {
  const known = clients.get(connection);
  if (known !== undefined) return known();
  const client = once(() => createClient(connection));
  clients.set(connection, client);
  return client();
}

/** The SDK's client, on the same connection as everything else. */
async function createClient(connection: Connection): Promise<S3Client> {
  return new S3Client({
    endpoint: await connection.endpoint(),
    forcePathStyle: connection.pathStyle,
    region: await connection.region(),
    credentials: connection.credentials,
    signer: connection.signer,
    requestHandler: new SdkRequestHandler(connection.transport),
    retryStrategy: await connection.retries(),
    systemClockOffset: connection.clockOffsetMs,
    // The endpoint has them already; the client would refuse to combine it with the variables of the same meaning.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    // Nothing waits for the answer on a connection of our own, and http-proxy-agent sends the head of such a request twice.
    expectContinueHeader: false,
    // Every asset is sent with its SHA-256; nothing else needs a checksum of the SDK's choice.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
