import { hash } from 'node:crypto';
import { XmlNode } from '@aws-sdk/xml-builder';
import type { Part } from '../../core/parts.ts';
import type { AssetAttributes, WriteCondition } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { silenceFor } from './limits.ts';
import { assetFields, conditionFields, headersFor, tagging } from './object-headers.ts';
import { causeName } from './refusal.ts';
import { readXml, textOf } from './xml.ts';

// What sending and copying part by part have in common. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

/** How many parts of one object are under way at once. */
export const PARTS_AT_ONCE = 4;

/** An upload that is open: its parts cost money until it is completed or aborted. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly signal: AbortSignal;
}

export interface UploadRequest {
  readonly key: string;
  readonly attributes: AssetAttributes;
  readonly signal: AbortSignal;
}

/** Opens an upload for some work that completes it; whatever goes wrong with that, no part is left behind. */
export async function withUpload<Result>(
  bucket: Bucket,
  request: UploadRequest,
  work: (upload: OpenUpload) => Promise<Result>,
): Promise<Result> {
  const upload = await begin(bucket, request);
  try {
    upload.signal.throwIfAborted();
    return await work(upload);
  } catch (error) {
    await discard(bucket, upload);
    throw error;
  }
}

/**
 * Not cut short by the signal: the server could have opened an upload by then that nobody knows of.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
 */
async function begin(bucket: Bucket, { key, attributes, signal }: UploadRequest): Promise<OpenUpload> {
  signal.throwIfAborted();
  const { signal: _, ...operation } = writing({ key, signal });
  const fields = {
    ...assetFields(attributes, bucket.settings),
    ...tagging(bucket.settings),
    ChecksumAlgorithm: 'SHA256',
  };
  const request = { method: 'POST', key, query: { uploads: '' }, headers: headersFor(fields) } as const;
  const uploadId = await bucket.send(operation, request, ({ body }) =>
    bucket.required(operation, textOf(readXml(body, 'InitiateMultipartUploadResult'), 'UploadId'), 'an UploadId'),
  );
  return { key, signal, uploadId };
}

/** What every request for one part says. */
export function partQuery({ uploadId }: OpenUpload, { number }: Part): Record<string, string> {
  return { partNumber: String(number), uploadId };
}

/** A part that the store has. */
export interface StoredPart {
  readonly number: number;
  readonly etag: string;
  /** Base64; undefined where the store does not say it of a copied one. */
  readonly sha256: string | undefined;
}

export interface Completion {
  readonly upload: OpenUpload;
  readonly parts: readonly StoredPart[];
  readonly condition: WriteCondition | undefined;
  /** Of the object: many a server moves all of it before it answers. */
  readonly sizeBytes: number;
}

/**
 * Makes the object of its parts.
 *
 * @returns its ETag
 */
export function complete(bucket: Bucket, { upload, parts, condition, sizeBytes }: Completion): Promise<string> {
  const { key, uploadId } = upload;
  const bytes = Buffer.from(listOf(parts));
  const request = {
    method: 'POST',
    key,
    query: { uploadId },
    headers: headersFor({ ...conditionFields(condition), ContentType: 'application/xml' }),
    body: { bytes, sha256: hash('sha256', bytes, 'base64') },
    silenceMs: silenceFor(bucket.limits, sizeBytes),
  } as const;
  return bucket.send(writing(upload), request, ({ body }) =>
    bucket.requiredEtag(writing(upload), textOf(readXml(body, 'CompleteMultipartUploadResult'), 'ETag')),
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
function listOf(parts: readonly StoredPart[]): string {
  const list = new XmlNode('CompleteMultipartUpload');
  list.addAttribute('xmlns', 'http://s3.amazonaws.com/doc/2006-03-01/');
  for (const { number, etag, sha256 } of parts) {
    const part = new XmlNode('Part').addChildNode(XmlNode.of('ETag', etag));
    if (sha256 !== undefined) part.addChildNode(XmlNode.of('ChecksumSHA256', sha256));
    list.addChildNode(part.addChildNode(XmlNode.of('PartNumber', String(number))));
  }
  return list.toString();
}

/** Aborts an upload that has failed: that is what is told, and parts that can't be removed are found by the next run. */
export async function discard(bucket: Bucket, upload: OpenUpload): Promise<void> {
  await abort(bucket, upload).catch(() => undefined);
}

/** Removes an upload and its parts; one that is gone already is fine. */
export async function abort(bucket: Bucket, { key, uploadId }: Omit<OpenUpload, 'signal'>): Promise<void> {
  const operation = { verb: 'abort the multipart upload of', key, action: 's3:AbortMultipartUpload' };
  try {
    await bucket.send(operation, { method: 'DELETE', key, query: { uploadId } }, () => undefined);
  } catch (error) {
    if (causeName(error) !== 'NoSuchUpload') throw error;
  }
}

export function writing({ key, signal }: Pick<OpenUpload, 'key' | 'signal'>): Operation {
  return { verb: 'write', key, action: 's3:PutObject', signal };
}
