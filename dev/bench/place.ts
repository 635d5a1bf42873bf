import { machineEnvironment } from '../run-action.ts';
import type { Site } from '../servers/site.ts';

/** What a program that is timed is told: the bucket, and the endpoint that it sends its requests to. */
export interface Place extends Site {
  readonly bucket: string;
  /** An empty directory to run in, and for a home without anybody's configuration. */
  readonly home: string;
}

export const REGION = 'us-east-1';

/** The environment of a program that asks AWS's variables, s5cmd's, rclone's, boto3's and Node's among them. */
export function cloudEnvironment({ endpoint, credentials, home, certificate }: Place): Record<string, string> {
  return {
    ...machineEnvironment(),
    HOME: home,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: endpoint,
    S3_ENDPOINT_URL: endpoint,
    ...(certificate === undefined ? {} : trusting(certificate)),
  };
}

function trusting(certificate: string): Record<string, string> {
  return { AWS_CA_BUNDLE: certificate, RCLONE_CA_CERT: certificate, NODE_EXTRA_CA_CERTS: certificate };
}
