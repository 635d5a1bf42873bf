import { readFileSync } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';

/** The address of an S3 server, and credentials for it. */
export interface Site {
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** Path of the certificate to trust, if the endpoint uses TLS. */
  readonly certificate?: string | undefined;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const REQUEST_TIMEOUT_MS = 30_000;

/** @returns a client without retries, so that every fault shows */
export function connect({ endpoint, credentials, certificate }: Site): S3Client {
  return new S3Client({
    endpoint,
    credentials: { ...credentials },
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      ...(certificate === undefined ? {} : { httpsAgent: { ca: readFileSync(certificate) } }),
    },
  });
}
