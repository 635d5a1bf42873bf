import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type LocalS3, type LocalS3Options, startLocalS3 } from '../../../dev/local-s3/local-s3.ts';

export const BUCKET = 'bucket';

export interface Started extends AsyncDisposable {
  readonly server: LocalS3;
  readonly client: S3Client;
}

/** A server with one bucket and a client that tries once, so that every request in the log is one that a test sent. */
export async function start(options: LocalS3Options = {}, config: S3ClientConfig = {}): Promise<Started> {
  const server = await startLocalS3({ buckets: [BUCKET], ...options });
  const client = clientOf(server, config);
  const dispose = async () => {
    client.destroy();
    await server.close();
  };
  return { server, client, [Symbol.asyncDispose]: dispose };
}

export function clientOf(server: LocalS3, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'testsecret1' },
    forcePathStyle: true,
    maxAttempts: 1,
    ...config,
  });
}

/** Waits for what another party is about to do; the test's own time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
