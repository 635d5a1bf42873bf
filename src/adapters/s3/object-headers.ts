import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { defined } from '../../core/defined.ts';
import type { AssetAttributes, WriteCondition } from '../../ports.ts';
import type { StoreSettings } from './settings.ts';

// What objects are stored with, as the SDK names it.

type Placement = Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'ACL'>;

/** How every object is kept, records too: a bucket's policy may demand it. */
export function placement({ serverSideEncryption, sseKmsKeyId, acl }: StoreSettings): Placement {
  return defined({ ServerSideEncryption: serverSideEncryption, SSEKMSKeyId: sseKmsKeyId, ACL: acl });
}

type AssetFields = Pick<PutObjectCommandInput, 'Metadata' | 'ContentType' | 'CacheControl' | 'StorageClass'> &
  Placement;

/** What assets are kept with besides. */
export function assetFields(
  { metadata, contentType, cacheControl }: AssetAttributes,
  settings: StoreSettings,
): AssetFields {
  return defined({
    ...placement(settings),
    Metadata: { ...metadata },
    ContentType: contentType,
    CacheControl: cacheControl,
    StorageClass: settings.storageClass,
  });
}

/** The tags of a new object; a copy keeps those of its source. */
export function tagging({ tagging: tags }: StoreSettings): { Tagging?: string } {
  return defined({ Tagging: tags });
}

/** @param condition undefined: for a server that does not know conditions */
export function conditionFields(condition: WriteCondition | undefined): { IfNoneMatch?: '*'; IfMatch?: string } {
  if (condition === undefined) return {};
  return condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag };
}
