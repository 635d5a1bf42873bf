import type { AssetAttributes, WriteCondition } from '../ports.ts';
import { defined } from '../text.ts';
import type { StoreSettings } from './settings.ts';

// The attributes that objects are stored with: as fields with the SDK's names, and as headers.

/** The fields of every object, records included: a bucket policy may demand them. */
export function placement({ serverSideEncryption, sseKmsKeyId, acl }: StoreSettings) {
  return defined({ ServerSideEncryption: serverSideEncryption, SSEKMSKeyId: sseKmsKeyId, ACL: acl });
}

/** The fields of assets. Tags are not among them: a copy keeps those of its source. */
export function assetFields({ metadata, contentType, cacheControl }: AssetAttributes, settings: StoreSettings) {
  return defined({
    ...placement(settings),
    Metadata: { ...metadata },
    ContentType: contentType,
    CacheControl: cacheControl,
    StorageClass: settings.storageClass,
  });
}

/** The source of a copy within the bucket, valid only while it has this ETag. */
export function copySource(
  { bucket, expectedBucketOwner }: StoreSettings,
  { key, etag }: { readonly key: string; readonly etag: string },
) {
  return defined({
    CopySource: [bucket, ...key.split('/')].map(encodeURIComponent).join('/'),
    CopySourceIfMatch: etag,
    ExpectedSourceBucketOwner: expectedBucketOwner,
  });
}

/** @param condition undefined for a server that does not know conditions */
export function conditionFields(condition: WriteCondition | undefined): { IfNoneMatch?: '*'; IfMatch?: string } {
  if (condition === undefined) return {};
  return condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag };
}

/** The header of each field except the user's metadata. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
const NAMED = [
  ['ACL', 'x-amz-acl'],
  ['CacheControl', 'cache-control'],
  ['ChecksumCRC32', 'x-amz-checksum-crc32'],
  ['ChecksumSHA256', 'x-amz-checksum-sha256'],
  ['ContentType', 'content-type'],
  ['CopySource', 'x-amz-copy-source'],
  ['CopySourceIfMatch', 'x-amz-copy-source-if-match'],
  ['CopySourceRange', 'x-amz-copy-source-range'],
  ['ExpectedSourceBucketOwner', 'x-amz-source-expected-bucket-owner'],
  ['IfMatch', 'if-match'],
  ['IfNoneMatch', 'if-none-match'],
  ['MetadataDirective', 'x-amz-metadata-directive'],
  ['SSEKMSKeyId', 'x-amz-server-side-encryption-aws-kms-key-id'],
  ['ServerSideEncryption', 'x-amz-server-side-encryption'],
  ['StorageClass', 'x-amz-storage-class'],
  ['Tagging', 'x-amz-tagging'],
] as const;

export type HeaderFields = { readonly [Name in (typeof NAMED)[number][0]]?: string | undefined } & {
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
};

export const METADATA_HEADER = 'x-amz-meta-';

export function headersFor({ Metadata = {}, ...fields }: HeaderFields): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in Metadata) headers[METADATA_HEADER + name.toLowerCase()] = Metadata[name] ?? '';
  for (const [field, header] of NAMED) {
    const value = fields[field];
    if (value !== undefined) headers[header] = value;
  }
  return headers;
}
