import type { AssetCopy, AssetPut, CopyResult, WriteCondition, WriteResult } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import { writeConditionally } from './conditional-write.ts';
import { copyInParts } from './copy-in-parts.ts';
import { assetFields, conditionFields, placement, tagging } from './object-headers.ts';
import { causeName, isPreconditionFailure } from './refusal.ts';

/** Writes a record. */
export function writeDocument(
  bucket: Bucket,
  { key, body, condition }: { key: string; body: Uint8Array; condition: WriteCondition },
): Promise<WriteResult> {
  const operation = { verb: 'write', key, action: 's3:PutObject' };
  const fields = { ...bucket.address, ...placement(bucket.settings), Key: key };
  return writeConditionally(bucket, { operation, condition }, (checked) =>
    bucket.perform(operation, (client, { PutObjectCommand }) =>
      client.send(
        new PutObjectCommand({ ...fields, ...conditionFields(checked), Body: body, ContentType: 'application/json' }),
      ),
    ),
  );
}

/** Writes an asset in one request; the store checks its SHA-256. */
export function putAsset(bucket: Bucket, asset: AssetPut): Promise<WriteResult> {
  const { key, body, sha256, attributes, condition, signal } = asset;
  const operation = { verb: 'write', key, action: 's3:PutObject', signal };
  const fields = {
    ...bucket.address,
    ...assetFields(attributes, bucket.settings),
    ...tagging(bucket.settings),
    Key: key,
  };
  return writeConditionally(bucket, { operation, condition }, (checked) =>
    bucket.perform(operation, (client, { PutObjectCommand }) =>
      client.send(
        new PutObjectCommand({ ...fields, ...conditionFields(checked), Body: body, ChecksumSHA256: sha256 }),
        { abortSignal: signal },
      ),
    ),
  );
}

/** Copies an asset server-side, only as long as the source has the ETag given; in parts where it is too large for one. */
export async function copyAsset(bucket: Bucket, copy: AssetCopy): Promise<CopyResult> {
  const isLarge = copy.source.sizeBytes > bucket.limits.copiedAtOnceBytes;
  try {
    return { outcome: 'copied', etag: await (isLarge ? copyInParts(bucket, copy) : copyWhole(bucket, copy)) };
  } catch (error) {
    if (isPreconditionFailure(error) || causeName(error) === 'NoSuchKey') return { outcome: 'source-changed' };
    throw error;
  }
}

async function copyWhole(bucket: Bucket, { source, target, attributes, signal }: AssetCopy): Promise<string> {
  const operation = { verb: 'copy to', key: target, action: 's3:PutObject', source: source.key, signal };
  const fields = { ...bucket.address, ...assetFields(attributes, bucket.settings), ...bucket.copySource(source) };
  const { CopyObjectResult } = await bucket.perform(operation, (client, { CopyObjectCommand }) =>
    client.send(new CopyObjectCommand({ ...fields, Key: target, MetadataDirective: 'REPLACE' }), {
      abortSignal: signal,
    }),
  );
  return bucket.requiredEtag(operation, CopyObjectResult?.ETag);
}
