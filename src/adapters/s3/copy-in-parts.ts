import type { CompletedPart } from '@aws-sdk/client-s3';
import { mapConcurrently } from '../../core/concurrency.ts';
import { defined } from '../../core/defined.ts';
import type { AssetCopy } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import {
  complete,
  type OpenUpload,
  PARTS_AT_ONCE,
  type Part,
  partFields,
  split,
  withUpload,
  writing,
} from './multipart-upload.ts';

/** Copies an asset that is too large for one CopyObject. @returns the copy's ETag */
export function copyInParts(bucket: Bucket, copy: AssetCopy): Promise<string> {
  const { source, target: key, attributes, signal } = copy;
  return withUpload(bucket, { key, attributes, signal }, async (upload) => {
    const ranges = split(source.sizeBytes, bucket.limits.copiedPartBytes);
    const parts = await mapConcurrently(ranges, PARTS_AT_ONCE, (part) => copyPart(bucket, { copy, upload, part }));
    const { ETag } = await complete(bucket, { upload, parts, condition: undefined });
    return bucket.requiredEtag(writing(upload), ETag);
  });
}

async function copyPart(
  bucket: Bucket,
  { copy, upload, part }: { copy: AssetCopy; upload: OpenUpload; part: Part },
): Promise<CompletedPart> {
  const operation = { ...writing(upload), source: copy.source.key };
  const CopySourceRange = `bytes=${part.position}-${part.position + part.sizeBytes - 1}`;
  const fields = { ...partFields(bucket, upload, part), ...bucket.copySource(copy.source), CopySourceRange };
  const { CopyPartResult } = await bucket.perform(operation, (client, { UploadPartCopyCommand }) =>
    client.send(new UploadPartCopyCommand(fields), { abortSignal: upload.signal }),
  );
  const ETag = bucket.requiredEtag(operation, CopyPartResult?.ETag);
  return { PartNumber: part.number, ETag, ...defined({ ChecksumSHA256: CopyPartResult?.ChecksumSHA256 }) };
}
