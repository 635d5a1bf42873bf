import { hash } from 'node:crypto';
import type { AssetCopy, AssetPut, CopyResult, ObjectWrite, OnBytes, WriteCondition, WriteResult } from '../ports.ts';
import { defined } from '../text.ts';
import { type Bucket, writeConditionally } from './bucket.ts';
import { causeName, isPreconditionFailure } from './faults.ts';
import {
  assetFields,
  conditionFields,
  copySource,
  type HeaderFields,
  headersFor,
  placement,
} from './object-headers.ts';
import { readXml, textOf } from './reply.ts';
import type { RequestBody } from './signed-request.ts';
import { silenceFor } from './transport.ts';

/** Writes a record, or another small object that belongs to a set. */
export function writeObject(bucket: Bucket, { body: bytes, contentType, ...write }: ObjectWrite): Promise<WriteResult> {
  const fields = { ...placement(bucket.settings), ContentType: contentType };
  return put(bucket, { ...write, fields, body: { bytes, sha256: hash('sha256', bytes, 'base64') } });
}

/** Writes an asset in one request; the store checks its SHA-256. */
export function putAsset(bucket: Bucket, asset: AssetPut): Promise<WriteResult> {
  const { key, body: bytes, sha256, attributes, condition, onBytes, signal } = asset;
  const fields = { ...assetFields(attributes, bucket.settings), Tagging: bucket.settings.tagging };
  return put(bucket, { key, condition, fields, body: { bytes, sha256 }, onBytes, signal });
}

interface Put {
  readonly key: string;
  readonly condition: WriteCondition;
  readonly fields: HeaderFields;
  readonly body: RequestBody;
  readonly onBytes?: OnBytes | undefined;
  readonly signal?: AbortSignal;
}

function put(bucket: Bucket, { key, condition, fields, body, onBytes, signal }: Put): Promise<WriteResult> {
  const operation = { verb: 'write', key, action: 's3:PutObject', ...defined({ signal }) };
  return writeConditionally(bucket.connection, { operation: 'PutObject', condition }, async (checked) => {
    // Buckets with Object Lock refuse writes without a checksum.
    const headers = headersFor({ ...fields, ...conditionFields(checked), ChecksumSHA256: body.sha256 });
    const request = { method: 'PUT', key, headers, body, onBytes } as const;
    return bucket.send(operation, request, (reply) => bucket.requiredEtag(operation, reply.headers.etag));
  });
}

/**
 * Copies an asset server-side if the source still has the given ETag; in parts if it is too large for one request.
 */
export async function copyAsset(bucket: Bucket, copy: AssetCopy): Promise<CopyResult> {
  const { condition, source } = copy;
  const isLarge = source.sizeBytes > bucket.connection.limits.copiedAtOnceBytes;
  const send = isLarge
    ? (await import('./multipart.ts')).multipart(bucket).copy
    : (whole: AssetCopy) => copyWhole(bucket, whole);
  try {
    if (condition === undefined) return { outcome: 'copied', etag: await send(copy) };
    const operation = isLarge ? 'CompleteMultipartUpload' : 'CopyObject';
    const result = await writeConditionally(bucket.connection, { operation, condition }, (checked) =>
      send({ ...copy, condition: checked }),
    );
    return result.outcome === 'written' ? { outcome: 'copied', etag: result.etag } : { outcome: 'precondition-failed' };
  } catch (error) {
    if (isPreconditionFailure(error) || causeName(error) === 'NoSuchKey') return { outcome: 'source-changed' };
    // The reply to a Complete was lost, or someone aborted the upload.
    if (causeName(error) === 'NoSuchUpload') return { outcome: 'precondition-failed' };
    throw error;
  }
}

async function copyWhole(bucket: Bucket, copy: AssetCopy): Promise<string> {
  const { source, target, attributes, condition, signal } = copy;
  const operation = { verb: 'copy to', key: target, action: 's3:PutObject', source: source.key, signal };
  const headers = headersFor({
    ...assetFields(attributes, bucket.settings),
    ...copySource(bucket.settings, source),
    ...conditionFields(condition),
    MetadataDirective: 'REPLACE',
  });
  const silenceMs = silenceFor(bucket.connection.limits, source.sizeBytes);
  return bucket.send(operation, { method: 'PUT', key: target, headers, silenceMs }, ({ body }) =>
    bucket.requiredEtag(operation, textOf(readXml(body, 'CopyObjectResult'), 'ETag')),
  );
}
