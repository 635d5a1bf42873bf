import { isDeepStrictEqual } from 'node:util';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { type Part, partSizeOf, split } from '../asset-set/attributes.ts';
import { mapConcurrently } from '../async.ts';
import type {
  AssetAttributes,
  AssetCopy,
  AssetPutInParts,
  ObjectHead,
  OnBytes,
  WriteCondition,
  WriteResult,
} from '../ports.ts';
import { type ConditionalStore, writeConditionally } from './bucket.ts';
import { causeName } from './faults.ts';

// Sends and copies objects part by part, whatever happens to the requests. The requests are an interface, so that the
// model that proves this module can use its own store.

/** Parts of one object in flight at once. */
const PARTS_AT_ONCE = 4;

export interface UploadRequest {
  readonly key: string;
  readonly attributes: AssetAttributes;
  readonly signal: AbortSignal;
}

export interface UploadId {
  readonly key: string;
  readonly uploadId: string;
}

/** An open upload: its parts cost money until it is completed or aborted. */
export interface OpenUpload extends UploadId {
  readonly signal: AbortSignal;
}

export interface Completion {
  readonly upload: OpenUpload;
  readonly parts: readonly CompletedPart[];
  readonly condition: WriteCondition | undefined;
  /** Of the object. Many servers copy all of it before they answer. */
  readonly sizeBytes: number;
}

export interface PartBody {
  readonly bytes: Uint8Array;
  /** Base64. */
  readonly checksum: string;
}

export interface PartOf<Source> {
  readonly upload: OpenUpload;
  readonly part: Part;
  readonly source: Source;
  readonly onBytes?: OnBytes | undefined;
}

export interface UploadsPage {
  readonly uploads: readonly Partial<UploadId>[];
  readonly isTruncated: boolean;
}

/** The requests for multipart uploads. Each throws a StoreError for every fault, caused by the store's own error. */
export interface MultipartRequests extends ConditionalStore {
  /** The signal does not cancel it: the server could have opened an upload whose id nobody received. */
  create(request: UploadRequest): Promise<OpenUpload>;
  sendPart(part: PartOf<PartBody>): Promise<CompletedPart>;
  copyPart(part: PartOf<AssetCopy['source']>): Promise<CompletedPart>;
  /** @returns the object's ETag */
  complete(completion: Completion): Promise<string>;
  abort(upload: UploadId): Promise<unknown>;
  /** The open uploads under a prefix. */
  list(prefix: string): Promise<UploadsPage>;
  head(key: string): Promise<ObjectHead | undefined>;
}

/** Opens an upload for `work` to complete. If `work` fails, the upload is aborted, so that no part is left behind. */
async function withUpload<Result>(
  requests: MultipartRequests,
  request: UploadRequest,
  work: (upload: OpenUpload) => Promise<Result>,
): Promise<Result> {
  request.signal.throwIfAborted();
  const upload = await requests.create(request);
  try {
    upload.signal.throwIfAborted();
    return await work(upload);
  } catch (error) {
    await discard(requests, upload);
    throw error;
  }
}

/** Sends an asset part by part, each part with its checksum. */
export function putInParts(requests: MultipartRequests, asset: AssetPutInParts): Promise<WriteResult> {
  return withUpload(requests, asset, async (upload) => {
    const parts = await sendParts(requests, asset, upload);
    await asset.beforeComplete();
    const { condition, sizeBytes } = asset;
    const result = await writeConditionally(requests, { operation: 'CompleteMultipartUpload', condition }, (checked) =>
      requests.complete({ upload, parts, condition: checked, sizeBytes }),
    ).catch((error: unknown) => afterFailedComplete(requests, asset, error));
    if (result.outcome !== 'written') await discard(requests, upload);
    return result;
  });
}

function sendParts(requests: MultipartRequests, asset: AssetPutInParts, upload: OpenUpload): Promise<CompletedPart[]> {
  return mapConcurrently(split(asset.sizeBytes, asset.partSizeBytes), PARTS_AT_ONCE, (part) =>
    asset.budget.lend(part.sizeBytes, async (buffer) => {
      const bytes = await asset.read(part.position, part.sizeBytes, buffer);
      const checksum = asset.partChecksums[part.number - 1] ?? '';
      return requests.sendPart({ upload, part, source: { bytes, checksum }, onBytes: asset.onBytes });
    }),
  );
}

/**
 * If the reply to a Complete is lost, its retry finds no upload, and only the object itself shows whether it succeeded.
 * If the object is not ours, or another write came in between (409), the asset has to be sent again, as after a refused
 * condition.
 */
async function afterFailedComplete(
  requests: MultipartRequests,
  asset: AssetPutInParts,
  error: unknown,
): Promise<WriteResult> {
  const name = causeName(error);
  if (name === 'ConditionalRequestConflict') return { outcome: 'precondition-failed' };
  if (name !== 'NoSuchUpload') throw error;
  if (!asset.trustsMetadata) return { outcome: 'precondition-failed' };
  const found = await requests.head(asset.key);
  const isOurs = found?.sizeBytes === asset.sizeBytes && isDeepStrictEqual(found.metadata, asset.attributes.metadata);
  return found !== undefined && isOurs
    ? { outcome: 'written', etag: found.etag, guarded: true }
    : { outcome: 'precondition-failed' };
}

/**
 * Copies an asset that is too large for one CopyObject.
 *
 * @param preferredBytes of each part
 * @returns the copy's ETag
 */
export function copyInParts(requests: MultipartRequests, copy: AssetCopy, preferredBytes: number): Promise<string> {
  const { source, target: key, attributes, condition, signal } = copy;
  return withUpload(requests, { key, attributes, signal }, async (upload) => {
    const ranges = split(source.sizeBytes, partSizeOf(source.sizeBytes, preferredBytes));
    const parts = await mapConcurrently(ranges, PARTS_AT_ONCE, (part) =>
      requests.copyPart({ upload, part, source, onBytes: copy.onBytes }),
    );
    return requests.complete({ upload, parts, condition, sizeBytes: source.sizeBytes });
  });
}

/** Aborts a failed upload without hiding why it failed. If that fails too, the next run removes the parts. */
async function discard(requests: MultipartRequests, upload: OpenUpload): Promise<void> {
  await requests.abort(upload).catch(() => undefined);
}

/**
 * Aborts the open uploads under a prefix.
 *
 * Aborted uploads are no longer listed, so the first page is read again and again. Markers between pages would skip
 * uploads of one key, since those are sorted by time but marked by id.
 *
 * @returns how many there were
 */
export async function abortUploads(
  requests: MultipartRequests,
  prefix: string,
  beforeEach = () => {},
): Promise<number> {
  const aborted = new Set<string>();
  for (;;) {
    const { uploads, isTruncated } = await requests.list(prefix);
    const countBefore = aborted.size;
    for (const { key, uploadId } of uploads) {
      if (!key?.startsWith(prefix) || uploadId === undefined || aborted.has(uploadId)) continue;
      beforeEach();
      await requests.abort({ key, uploadId }).catch((error: unknown) => {
        if (causeName(error) !== 'NoSuchUpload') throw error;
      });
      aborted.add(uploadId);
    }
    if (!isTruncated || aborted.size === countBefore) return aborted.size;
  }
}
