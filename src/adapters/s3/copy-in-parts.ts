import type { CompletedPart } from '@aws-sdk/client-s3';
import { mapConcurrently } from '../../core/concurrency.ts';
import { defined } from '../../core/defined.ts';
import { type Part, partSizeOf, split } from '../../core/parts.ts';
import type { AssetCopy } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import { silenceFor } from './limits.ts';
import { complete, type OpenUpload, PARTS_AT_ONCE, partQuery, withUpload, writing } from './multipart-upload.ts';
import { copySource, headersFor } from './object-headers.ts';
import { readXml, textOf } from './xml.ts';

/** Copies an asset that is too large for one CopyObject. @returns the copy's ETag */
export function copyInParts(bucket: Bucket, copy: AssetCopy): Promise<string> {
  const { source, target: key, attributes, condition, signal } = copy;
  return withUpload(bucket, { key, attributes, signal }, async (upload) => {
    const ranges = split(source.sizeBytes, partSizeOf(source.sizeBytes, bucket.limits.copiedPartBytes));
    const parts = await mapConcurrently(ranges, PARTS_AT_ONCE, (part) => copyPart(bucket, { copy, upload, part }));
    return complete(bucket, { upload, parts, condition, sizeBytes: source.sizeBytes });
  });
}

async function copyPart(
  bucket: Bucket,
  { copy, upload, part }: { copy: AssetCopy; upload: OpenUpload; part: Part },
): Promise<CompletedPart> {
  const operation = { ...writing(upload), source: copy.source.key };
  const CopySourceRange = `bytes=${part.position}-${part.position + part.sizeBytes - 1}`;
  const headers = headersFor({ ...copySource(bucket.settings, copy.source), CopySourceRange });
  const silenceMs = silenceFor(bucket.limits, part.sizeBytes);
  const request = { method: 'PUT', key: upload.key, query: partQuery(upload, part), headers, silenceMs } as const;
  return bucket.send(operation, request, ({ body }) => {
    const result = readXml(body, 'CopyPartResult');
    const ETag = bucket.requiredEtag(operation, textOf(result, 'ETag'));
    return { PartNumber: part.number, ETag, ...defined({ ChecksumSHA256: textOf(result, 'ChecksumSHA256') }) };
  });
}
