import type { S3Operation } from './operation.ts';
import { S3Error } from './s3-error.ts';
import type { Context } from './service.ts';

const ACTIONS = {
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  CompleteMultipartUpload: 's3:PutObject',
  CopyObject: 's3:PutObject',
  CreateBucket: 's3:CreateBucket',
  CreateMultipartUpload: 's3:PutObject',
  DeleteBucket: 's3:DeleteBucket',
  DeleteObject: 's3:DeleteObject',
  DeleteObjectTagging: 's3:DeleteObjectTagging',
  DeleteObjects: 's3:DeleteObject',
  GetBucketLocation: 's3:GetBucketLocation',
  GetBucketVersioning: 's3:GetBucketVersioning',
  GetObject: 's3:GetObject',
  GetObjectAttributes: 's3:GetObjectAttributes',
  GetObjectTagging: 's3:GetObjectTagging',
  HeadBucket: 's3:ListBucket',
  HeadObject: 's3:GetObject',
  ListBuckets: 's3:ListAllMyBuckets',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListObjectsV2: 's3:ListBucket',
  ListParts: 's3:ListMultipartUploadParts',
  PutBucketVersioning: 's3:PutBucketVersioning',
  PutObject: 's3:PutObject',
  PutObjectTagging: 's3:PutObjectTagging',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
} as const satisfies Record<S3Operation, string>;

export type IamAction = (typeof ACTIONS)[S3Operation] | 's3:PutObjectAcl';

/** The permission that a request needs. A read of a missing key also needs `s3:ListBucket`, as in AWS. */
export interface Access {
  readonly action: IamAction;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly accessKeyId: string;
  /** The user, or the session of an assumed role. */
  readonly arn: string;
}

/** Returns true to refuse. */
export type Deny = (access: Access) => boolean;

/** @throws {S3Error} AccessDenied */
export function authorizeOperation(context: Context, operation: S3Operation): void {
  const { bucket, key, headers } = context.request;
  // Each key of a DeleteObjects is authorized separately.
  if (operation === 'DeleteObjects') return;
  authorize(context, ACTIONS[operation], { bucket, key });
  if (ACTIONS[operation] !== 's3:PutObject') return;
  if ('x-amz-acl' in headers) authorize(context, 's3:PutObjectAcl', { bucket, key });
  if ('x-amz-tagging' in headers) authorize(context, 's3:PutObjectTagging', { bucket, key });
}

/** @throws {S3Error} AccessDenied, with the message of AWS */
export function authorize(context: Context, action: IamAction, target: Pick<Access, 'bucket' | 'key'>): void {
  const { accessKeyId, arn } = context.identity;
  if (!context.service.deny?.({ action, ...target, accessKeyId, arn })) return;
  const resource = `arn:aws:s3:::${[target.bucket, target.key].filter((part) => part !== undefined).join('/')}`;
  const message =
    `User: ${arn} is not authorized to perform: ${action} on resource: "${resource}" ` +
    `because no identity-based policy allows the ${action} action`;
  throw new S3Error('AccessDenied', { message });
}
