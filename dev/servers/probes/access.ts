import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { connect } from '../site.ts';
import { type Bench, endOf, type Probe } from './probe.ts';

const OTHER_ACCOUNT = '999999999999';

/** Credentials, owners and missing things. */
export const ACCESS: readonly Probe[] = [
  {
    behaviour: 'A request for a bucket of another account is refused (`expected-bucket-owner`)',
    consequence: 'the input `expected-bucket-owner` protects against nothing',
    expected: '403 AccessDenied',
    observe: ({ client, bucket }) => {
      const object = { Bucket: bucket, Key: 'access/owner', Body: 'x', ExpectedBucketOwner: OTHER_ACCOUNT };
      return endOf(client.send(new PutObjectCommand(object)));
    },
  },
  {
    behaviour: 'An unknown access key is refused',
    consequence: 'the error does not say that the access key is unknown',
    expected: '403 InvalidAccessKeyId',
    observe: (bench) => listAs(bench, { accessKeyId: 'unknown', secretAccessKey: 'unknown-secret' }),
  },
  {
    behaviour: 'A wrong secret is refused',
    consequence: 'anyone who knows an access key gets in',
    expected: '403 SignatureDoesNotMatch',
    observe: (bench) => listAs(bench, { ...bench.credentials, secretAccessKey: 'another-secret' }),
  },
  {
    behaviour: 'A missing bucket differs from an empty one',
    consequence: 'a misspelt `bucket` is reported as a miss',
    expected: '404 NoSuchBucket',
    observe: ({ client, bucket }) => endOf(client.send(new ListObjectsV2Command({ Bucket: `${bucket}-missing` }))),
  },
  {
    behaviour: 'HeadObject reports a missing object',
    consequence: 'the action fails instead of going on',
    expected: '404 NotFound',
    observe: ({ client, bucket }) => endOf(client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'access/none' }))),
  },
];

async function listAs(bench: Bench, credentials: Bench['credentials']): Promise<string> {
  const client = connect({ endpoint: bench.endpoint, credentials });
  try {
    return await endOf(client.send(new ListObjectsV2Command({ Bucket: bench.bucket })));
  } finally {
    client.destroy();
  }
}
