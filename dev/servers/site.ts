import { readFileSync } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';

/** Where an S3 server is, and who may use it. */
export interface Site {
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** The path of the one to trust, over TLS. */
  readonly certificate?: string | undefined;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const REQUEST_TIMEOUT_MS = 30_000;

/** @returns a client that shows every fault at the first attempt */
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
