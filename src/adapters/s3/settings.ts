import type { ObjectCannedACL, ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';

/** Long-lived or temporary keys, as the inputs give them. */
export interface GivenCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** A role to take on before the bucket is touched. */
export interface RoleSettings {
  readonly arn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly externalId: string | undefined;
  /** Of GitHub's OIDC token. */
  readonly audience: string;
  /** By the credentials at hand, though there may be a token. */
  readonly chaining?: boolean;
}

/** Where and how the bucket is reached. */
export interface StoreSettings {
  readonly bucket: string;
  /** Undefined: asked of the bucket. */
  readonly region: string | undefined;
  /** Undefined: AWS. */
  readonly endpointUrl: string | undefined;
  /** Undefined: where there is an endpoint. */
  readonly forcePathStyle: boolean | undefined;
  /** Which of AWS's endpoints are used. */
  readonly fips?: boolean | undefined;
  readonly dualstack?: boolean | undefined;
  /** Only the endpoint of the input counts: that of variables and profile is left out, for STS too. */
  readonly ignoresConfiguredEndpoints?: boolean | undefined;
  /** Undefined: the SDK's default chain. */
  readonly credentials: GivenCredentials | undefined;
  readonly role: RoleSettings | undefined;
  readonly expectedBucketOwner: string | undefined;
  /** Requests are charged to this account, not to the bucket's owner. */
  readonly requesterPays?: boolean;
  readonly maxAttempts: number;
  readonly partSizeBytes: number;
  readonly storageClass: StorageClass | undefined;
  readonly serverSideEncryption: ServerSideEncryption | undefined;
  readonly sseKmsKeyId: string | undefined;
  readonly acl: ObjectCannedACL | undefined;
  /** `key=value&key=value`, percent-encoded. */
  readonly tagging: string | undefined;
}
