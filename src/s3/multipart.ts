import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type MultipartUpload,
  S3Client,
} from '@aws-sdk/client-s3';
import { HttpRequest, HttpResponse } from '@smithy/core/protocols';
import type { BuildHandler } from '@smithy/types';
import type { Part } from '../asset-set/attributes.ts';
import { once, withRetries } from '../async.ts';
import type { AssetAttributes, WriteCondition } from '../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import type { Connection } from './connection.ts';
import { isPathStyle, serverUrl } from './endpoint.ts';
import { causeName } from './faults.ts';
import { assetFields, conditionFields, tagging } from './object-headers.ts';
import { sendChecked } from './refusal.ts';
import { exchangeSigned } from './signed-request.ts';
import { SdkRequestHandler, silenceFor } from './transport.ts';

// What sending and copying part by part have in common. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

/** How many parts of one object are under way at once. */
export const PARTS_AT_ONCE = 4;

/** An upload that is open: its parts cost money until it is completed or aborted. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly signal: AbortSignal;
}

interface UploadRequest {
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

interface Completion {
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
async function abort(bucket: Bucket, { key, uploadId }: Omit<OpenUpload, 'signal'>): Promise<void> {
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

/**
 * Aborts the uploads that are open under a prefix, and says how many there were.
 *
 * What has been aborted is no longer listed, so each page is the first one: a marker between pages would skip uploads of
 * one key, which are sorted by their time but marked by their id.
 */
export async function abortUploads(bucket: Bucket, prefix: string, beforeEach = () => {}): Promise<number> {
  const aborted = new Set<string>();
  for (;;) {
    const { uploads, isTruncated } = await listUploads(bucket, prefix);
    const countBefore = aborted.size;
    for (const { Key: key, UploadId: uploadId } of uploads) {
      if (!key?.startsWith(prefix) || uploadId === undefined || aborted.has(uploadId)) continue;
      beforeEach();
      await abort(bucket, { key, uploadId });
      aborted.add(uploadId);
    }
    if (!isTruncated || aborted.size === countBefore) return aborted.size;
  }
}

interface UploadsPage {
  readonly uploads: readonly MultipartUpload[];
  readonly isTruncated: boolean;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
async function listUploads(bucket: Bucket, prefix: string): Promise<UploadsPage> {
  const operation = {
    verb: 'list the multipart uploads under',
    key: prefix,
    action: 's3:ListBucketMultipartUploads',
    signal: bucket.signal,
  };
  return perform(bucket, operation, async (client) => {
    const command = new ListMultipartUploadsCommand({ ...bucket.address, Prefix: prefix });
    const { Uploads, IsTruncated } = await client.send(command, { abortSignal: operation.signal });
    // An empty reply has none of its fields, and would pass for one that lists nothing.
    return { uploads: Uploads ?? [], isTruncated: bucket.required(operation, IsTruncated, 'IsTruncated') };
  });
}

const clients = new WeakMap<Connection, () => Promise<S3Client>>();

/**
 * Performs an operation with the SDK's client: what multipart uploads need besides their parts. Its requests go out as all
 * others do.
 *
 * @param send where it throws since the output lacks something, the request is sent again
 * @throws StoreError for every fault; the signal's reason when it was aborted
 */
function perform<Output>(
  bucket: Bucket,
  operation: Operation,
  send: (client: S3Client) => Promise<Output>,
): Promise<Output> {
  const { connection } = bucket;
  return bucket.telling(operation, async () => {
    const client = await clientOf(connection);
    return withRetries(connection.retries, operation.signal, () => {
      client.config.systemClockOffset = connection.clockOffsetMs;
      return send(client);
    });
  });
}

function clientOf(connection: Connection): Promise<S3Client> {
  const client = clients.get(connection) ?? once(() => createClient(connection));
  clients.set(connection, client);
  return client();
}

/** The place of the SDK's own retries. */
const RETRIES = { name: 'retryMiddleware', step: 'finalizeRequest', priority: 'high' } as const;

async function createClient(connection: Connection): Promise<S3Client> {
  const { settings, region, credentials, signer } = connection;
  const client = new S3Client({
    endpoint: serverUrl(settings, await region()),
    forcePathStyle: isPathStyle(settings),
    region: await region(),
    credentials,
    signer,
    requestHandler: new JudgingHandler(connection),
    // The endpoint has them already; the client would refuse to combine it with the variables of the same meaning.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    // Nothing waits for the answer on a connection of our own, and http-proxy-agent sends the head of such a request twice.
    expectContinueHeader: false,
    // Every part is sent with its SHA-256; nothing else needs a checksum of the SDK's choice.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  // The caller tries again.
  client.middlewareStack.add((next) => next, { ...RETRIES, override: true });
  client.middlewareStack.add(withoutId, { step: 'build' });
  return client;
}

/** Leaves out the query `x-id`, which nothing needs and Qumulo refuses. */
function withoutId<Input extends object, Output extends object>(
  next: BuildHandler<Input, Output>,
): BuildHandler<Input, Output> {
  return (handling) => {
    if (HttpRequest.isInstance(handling.request)) delete handling.request.query['x-id'];
    return next(handling);
  };
}

/** Reads replies within the bounds that all replies have, and tells refusals as all are told. */
class JudgingHandler extends SdkRequestHandler {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super(connection.transport);
    this.#connection = connection;
  }

  override async handle(...[request, options = {}]: Parameters<SdkRequestHandler['handle']>) {
    const { abortSignal, requestTimeout: silenceMs } = options;
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
    const { status, headers, body } = await exchangeSigned(this.#connection, request, { signal, silenceMs });
    return { response: new HttpResponse({ statusCode: status, headers, body }) };
  }
}
