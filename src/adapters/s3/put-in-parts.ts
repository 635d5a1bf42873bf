import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { mapConcurrently } from '../../core/concurrency.ts';
import type { AssetPutInParts, WriteResult } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import { writeConditionally } from './conditional-write.ts';
import { head } from './head.ts';
import {
  complete,
  discard,
  type OpenUpload,
  PARTS_AT_ONCE,
  type Part,
  partQuery,
  split,
  withUpload,
  writing,
} from './multipart-upload.ts';
import { headersFor } from './object-headers.ts';
import { causeName } from './refusal.ts';

/** Sends an asset part by part, each part with its SHA-256. */
export function putInParts(bucket: Bucket, asset: AssetPutInParts): Promise<WriteResult> {
  return withUpload(bucket, asset, async (upload) => {
    const parts = await sendParts(bucket, asset, upload);
    await asset.beforeComplete();
    const { condition } = asset;
    const result = await writeConditionally(bucket, { operation: writing(upload), condition }, (checked) =>
      complete(bucket, { upload, parts, condition: checked }),
    ).catch((error: unknown) => afterFailedComplete(bucket, asset, error));
    if (result.outcome !== 'written') await discard(bucket, upload);
    return result;
  });
}

/** Parts are read one after another, so that one hash can follow along, and sent side by side. */
function sendParts(bucket: Bucket, asset: AssetPutInParts, upload: OpenUpload): Promise<CompletedPart[]> {
  const parts = split(asset.sizeBytes, bucket.settings.partSizeBytes);
  let lastRead: Promise<unknown> = Promise.resolve();
  return mapConcurrently(parts, PARTS_AT_ONCE, (part) =>
    asset.budget.spend(part.sizeBytes, async () => {
      const read = lastRead.then(() => asset.read(part.position, part.sizeBytes));
      lastRead = read;
      return sendPart(bucket, { upload, part, body: await read });
    }),
  );
}

async function sendPart(
  bucket: Bucket,
  { upload, part, body }: { upload: OpenUpload; part: Part; body: Uint8Array },
): Promise<CompletedPart> {
  const ChecksumSHA256 = createHash('sha256').update(body).digest('base64');
  const headers = headersFor({ ChecksumSHA256 });
  const { etag } = (
    await bucket.send(writing(upload), {
      method: 'PUT',
      key: upload.key,
      query: partQuery(upload, part),
      headers,
      body: { bytes: body, sha256: ChecksumSHA256 },
    })
  ).headers;
  return { PartNumber: part.number, ETag: bucket.requiredEtag(writing(upload), etag), ChecksumSHA256 };
}

/**
 * A retry of a Complete whose reply was lost finds no upload any more: the object itself tells how it ended. Where it is
 * not ours, and where another write got in between (409), the asset has to be sent again: as after a refused condition.
 */
async function afterFailedComplete(bucket: Bucket, asset: AssetPutInParts, error: unknown): Promise<WriteResult> {
  const name = causeName(error);
  if (name === 'ConditionalRequestConflict') return { outcome: 'precondition-failed' };
  if (name !== 'NoSuchUpload') throw error;
  const found = await head(bucket, asset.key);
  const isOurs = found?.sizeBytes === asset.sizeBytes && isDeepStrictEqual(found.metadata, asset.attributes.metadata);
  return found !== undefined && isOurs
    ? { outcome: 'written', etag: found.etag, guarded: true }
    : { outcome: 'precondition-failed' };
}
