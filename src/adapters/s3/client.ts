import type { S3Client } from '@aws-sdk/client-s3';
import type { Connection } from './connection.ts';

export type Sdk = typeof import('./sdk.ts');

/** The SDK's client for everything but the lean path's requests, on the same connection. */
export async function createClient(connection: Connection, sdk: Sdk): Promise<S3Client> {
  return new sdk.S3Client({
    endpoint: await connection.endpoint(),
    forcePathStyle: connection.pathStyle,
    region: await connection.region(),
    credentials: connection.credentials,
    requestHandler: connection.handler,
    retryStrategy: connection.retries,
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
