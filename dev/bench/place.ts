import { machineEnvironment } from '../run-action.ts';
import type { Site } from '../servers/site.ts';

/** The settings of a timed program: the bucket, and the endpoint for its requests. */
export interface Place extends Site {
  readonly bucket: string;
  /** An empty directory to run in, and to be a home without any configuration. */
  readonly home: string;
}

export const REGION = 'us-east-1';

/** The environment of a program that reads AWS's variables, or those of s5cmd, rclone, boto3 or Node. */
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
