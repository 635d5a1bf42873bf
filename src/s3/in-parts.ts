import { isDeepStrictEqual } from 'node:util';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { type Part, partSizeOf, split } from '../asset-set/attributes.ts';
import { mapConcurrently } from '../async.ts';
import type { AssetCopy, AssetPutInParts, WriteResult } from '../ports.ts';
import { defined } from '../text.ts';
import { type Bucket, writeConditionally } from './bucket.ts';
import { causeName } from './faults.ts';
import { complete, discard, type OpenUpload, PARTS_AT_ONCE, partQuery, withUpload, writing } from './multipart.ts';
import { copySource, headersFor } from './object-headers.ts';
import { head } from './read.ts';
import { readXml, textOf } from './reply.ts';
import type { S3Request } from './signed-request.ts';
import { silenceFor } from './transport.ts';

/** Sends an asset part by part, each part with its SHA-256. */
export function putInParts(bucket: Bucket, asset: AssetPutInParts): Promise<WriteResult> {
  return withUpload(bucket, asset, async (upload) => {
    const parts = await sendParts(bucket, asset, upload);
    await asset.beforeComplete();
    const { condition } = asset;
    const result = await writeConditionally(bucket, { operation: 'CompleteMultipartUpload', condition }, (checked) =>
      complete(bucket, { upload, parts, condition: checked, sizeBytes: asset.sizeBytes }),
    ).catch((error: unknown) => afterFailedComplete(bucket, asset, error));
    if (result.outcome !== 'written') await discard(bucket, upload);
    return result;
  });
}

/** Parts are read and sent side by side. */
function sendParts(bucket: Bucket, asset: AssetPutInParts, upload: OpenUpload): Promise<CompletedPart[]> {
  return mapConcurrently(split(asset.sizeBytes, asset.partSizeBytes), PARTS_AT_ONCE, (part) =>
    asset.budget.lend(part.sizeBytes, async (buffer) => {
      const bytes = await asset.read(part.position, part.sizeBytes, buffer);
      return sendPart(bucket, { upload, part, body: { bytes, sha256: asset.partDigests[part.number - 1] ?? '' } });
    }),
  );
}

async function sendPart(
  bucket: Bucket,
  { upload, part, body }: { upload: OpenUpload; part: Part; body: NonNullable<S3Request['body']> },
): Promise<CompletedPart> {
  const request = {
    method: 'PUT',
    key: upload.key,
    query: partQuery(upload, part),
    headers: headersFor({ ChecksumSHA256: body.sha256 }),
    body,
  } as const;
  return bucket.send(writing(upload), request, ({ headers }) => ({
    PartNumber: part.number,
    ETag: bucket.requiredEtag(writing(upload), headers.etag),
    ChecksumSHA256: body.sha256,
  }));
}

/**
 * A retry of a Complete whose reply was lost finds no upload any more: the object itself tells how it ended. Where it is
 * not ours, and where another write got in between (409), the asset has to be sent again: as after a refused condition.
 */
async function afterFailedComplete(bucket: Bucket, asset: AssetPutInParts, error: unknown): Promise<WriteResult> {
  const name = causeName(error);
  if (name === 'ConditionalRequestConflict') return { outcome: 'precondition-failed' };
  if (name !== 'NoSuchUpload') throw error;
  if (!asset.trustsMetadata) return { outcome: 'precondition-failed' };
  const found = await head(bucket, asset.key);
  const isOurs = found?.sizeBytes === asset.sizeBytes && isDeepStrictEqual(found.metadata, asset.attributes.metadata);
  return found !== undefined && isOurs
    ? { outcome: 'written', etag: found.etag, guarded: true }
    : { outcome: 'precondition-failed' };
}

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
