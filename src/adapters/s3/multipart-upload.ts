import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
} from '@aws-sdk/client-s3';
import type { Part } from '../../core/parts.ts';
import type { AssetAttributes, WriteCondition } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { sendChecked } from './checksum-headers.ts';
import { perform } from './client.ts';
import { silenceFor } from './limits.ts';
import { assetFields, conditionFields, tagging } from './object-headers.ts';
import { causeName } from './refusal.ts';

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
    ...bucket.address,
    ...assetFields(attributes, bucket.settings),
    ...tagging(bucket.settings),
    Key: key,
  };
  const uploadId = await perform(bucket, operation, (client) =>
    sendChecked(bucket.connection, async (isChecked) => {
      const algorithm = isChecked ? ({ ChecksumAlgorithm: 'SHA256' } as const) : {};
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...fields, ...algorithm }));
      return bucket.required(operation, UploadId, 'an UploadId');
    }),
  );
  return { key, signal, uploadId };
}

/** What every request for one part says. */
export function partQuery({ uploadId }: OpenUpload, { number }: Part): Record<string, string> {
  return { partNumber: String(number), uploadId };
}

export interface Completion {
  readonly upload: OpenUpload;
  readonly parts: readonly CompletedPart[];
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
  const { key, uploadId, signal } = upload;
  const operation = writing(upload);
  const fields = { ...bucket.address, ...conditionFields(condition), Key: key, UploadId: uploadId };
  const requestTimeout = silenceFor(bucket.limits, sizeBytes);
  return perform(bucket, operation, async (client) => {
    const Parts = bucket.connection.refusesChecksums ? parts.map(withoutChecksum) : [...parts];
    const command = new CompleteMultipartUploadCommand({ ...fields, MultipartUpload: { Parts } });
    const { ETag } = await client.send(command, { abortSignal: signal, requestTimeout });
    return bucket.requiredEtag(operation, ETag);
  });
}

function withoutChecksum({ ChecksumSHA256: _, ...part }: CompletedPart): CompletedPart {
  return part;
}

/** Aborts an upload that has failed: that is what is told, and parts that can't be removed are found by the next run. */
export async function discard(bucket: Bucket, upload: OpenUpload): Promise<void> {
  await abort(bucket, upload).catch(() => undefined);
}

/** Removes an upload and its parts; one that is gone already is fine. */
export async function abort(bucket: Bucket, { key, uploadId }: Omit<OpenUpload, 'signal'>): Promise<void> {
  const operation = { verb: 'abort the multipart upload of', key, action: 's3:AbortMultipartUpload' };
  try {
    await perform(bucket, operation, (client) =>
      client.send(new AbortMultipartUploadCommand({ ...bucket.address, Key: key, UploadId: uploadId })),
    );
  } catch (error) {
    if (causeName(error) !== 'NoSuchUpload') throw error;
  }
}

export function writing({ key, signal }: Pick<OpenUpload, 'key' | 'signal'>): Operation {
  return { verb: 'write', key, action: 's3:PutObject', signal };
}
