import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/protocols';
import type { BuildHandler } from '@smithy/types';
import { once, withRetries } from '../async.ts';
import type { AssetCopy } from '../ports.ts';
import { defined } from '../text.ts';
import type { Bucket, Operation } from './bucket.ts';
import type { Connection } from './connection.ts';
import { isPathStyle, serverUrl } from './endpoint.ts';
import {
  abortUploads,
  type Completion,
  copyInParts,
  type MultipartRequests,
  type OpenUpload,
  type PartBody,
  type PartOf,
  putInParts,
  type UploadId,
  type UploadRequest,
  type UploadsPage,
} from './in-parts.ts';
import { assetFields, conditionFields, copySource, headersFor } from './object-headers.ts';
import { head } from './read.ts';
import { sendWith } from './refusal.ts';
import { readXml, textOf } from './reply.ts';
import { exchangeSigned } from './signed-request.ts';
import { sdkRequestHandler, silenceFor } from './transport.ts';

// The requests for multipart uploads. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

/** The SDK's names. */
const CHECKSUMS = {
  crc32: { algorithm: 'CRC32', field: 'ChecksumCRC32' },
  sha256: { algorithm: 'SHA256', field: 'ChecksumSHA256' },
} as const;

/** The bucket's operations that work part by part. */
export function multipart(bucket: Bucket) {
  const requests: MultipartRequests = {
    settings: bucket.settings,
    unknownConditions: bucket.connection.unknownConditions,
    create: (request) => create(bucket, request),
    sendPart: (part) => sendPart(bucket, part),
    copyPart: (part) => copyPart(bucket, part),
    complete: (completion) => complete(bucket, completion),
    abort: (upload) => abort(bucket, upload),
    list: (prefix) => list(bucket, prefix),
    head: (key) => head(bucket, key),
  };
  return {
    put: putInParts.bind(undefined, requests),
    copy: (copy: AssetCopy) => copyInParts(requests, copy, bucket.connection.limits.copiedPartBytes),
    abortUploads: abortUploads.bind(undefined, requests),
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
async function create(bucket: Bucket, { key, attributes, signal }: UploadRequest): Promise<OpenUpload> {
  const { signal: _, ...operation } = writing({ key, signal });
  const fields = {
    ...addressFields(bucket),
    ...assetFields(attributes, bucket.settings),
    Tagging: bucket.settings.tagging,
    Key: key,
  };
  const uploadId = await perform(bucket, operation, (client) =>
    sendWith(bucket.connection, 'checksum headers', async (isChecked) => {
      const algorithm = isChecked ? { ChecksumAlgorithm: CHECKSUMS[bucket.connection.partChecksum].algorithm } : {};
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...fields, ...algorithm }));
      return bucket.required(operation, UploadId, 'an UploadId');
    }),
  );
  return { key, signal, uploadId };
}

function writing({ key, signal }: Pick<OpenUpload, 'key' | 'signal'>): Operation {
  return { verb: 'write', key, action: 's3:PutObject', signal };
}

function sendPart(
  bucket: Bucket,
  { upload, part, source: { bytes, checksum }, onBytes }: PartOf<PartBody>,
): Promise<CompletedPart> {
  const kind = bucket.connection.partChecksum;
  const checked = { [CHECKSUMS[kind].field]: checksum };
  const body = { bytes, sha256: kind === 'sha256' ? checksum : undefined };
  const request = { ...partRequest({ upload, part }), headers: headersFor(checked), body, onBytes };
  return bucket.send(writing(upload), request, (reply) => ({
    PartNumber: part.number,
    ETag: bucket.requiredEtag(writing(upload), reply.headers.etag),
    ...checked,
  }));
}

function partRequest({ upload: { key, uploadId }, part }: Omit<PartOf<unknown>, 'source'>) {
  return { method: 'PUT', key, query: { partNumber: String(part.number), uploadId } } as const;
}

function copyPart(
  bucket: Bucket,
  { upload, part, source, onBytes }: PartOf<AssetCopy['source']>,
): Promise<CompletedPart> {
  const operation = { ...writing(upload), source: source.key };
  const CopySourceRange = `bytes=${part.position}-${part.position + part.sizeBytes - 1}`;
  const headers = headersFor({ ...copySource(bucket.settings, source), CopySourceRange });
  const silenceMs = silenceFor(bucket.connection.limits, part.sizeBytes);
  return bucket.send(operation, { ...partRequest({ upload, part }), headers, silenceMs }, ({ body }) => {
    const result = readXml(body, 'CopyPartResult');
    const ETag = bucket.requiredEtag(operation, textOf(result, 'ETag'));
    onBytes?.(part.sizeBytes);
    const { field } = CHECKSUMS[bucket.connection.partChecksum];
    return { PartNumber: part.number, ETag, ...defined({ [field]: textOf(result, field) }) };
  });
}

function complete(bucket: Bucket, { upload, parts, condition, sizeBytes }: Completion): Promise<string> {
  const { key, uploadId, signal } = upload;
  const operation = writing(upload);
  const fields = { ...addressFields(bucket), ...conditionFields(condition), Key: key, UploadId: uploadId };
  const requestTimeout = silenceFor(bucket.connection.limits, sizeBytes);
  return perform(bucket, operation, async (client) => {
    const Parts = bucket.connection.refusals.has('checksum headers') ? parts.map(withoutChecksum) : [...parts];
    const command = new CompleteMultipartUploadCommand({ ...fields, MultipartUpload: { Parts } });
    const { ETag } = await client.send(command, { abortSignal: signal, requestTimeout });
    return bucket.requiredEtag(operation, ETag);
  });
}

function withoutChecksum({ PartNumber, ETag }: CompletedPart): CompletedPart {
  return { PartNumber, ETag };
}

function abort(bucket: Bucket, { key, uploadId }: UploadId): Promise<unknown> {
  const operation = { verb: 'abort the multipart upload of', key, action: 's3:AbortMultipartUpload' };
  return perform(bucket, operation, (client) =>
    client.send(new AbortMultipartUploadCommand({ ...addressFields(bucket), Key: key, UploadId: uploadId })),
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
function list(bucket: Bucket, prefix: string): Promise<UploadsPage> {
  const verb = 'list the multipart uploads under';
  const operation = { verb, key: prefix, action: 's3:ListBucketMultipartUploads', signal: bucket.signal };
  return perform(bucket, operation, async (client) => {
    const command = new ListMultipartUploadsCommand({ ...addressFields(bucket), Prefix: prefix });
    const { Uploads = [], IsTruncated } = await client.send(command, { abortSignal: operation.signal });
    const uploads = Uploads.map(({ Key, UploadId }) => defined({ key: Key, uploadId: UploadId }));
    // Otherwise an empty reply would pass for an empty list.
    return { uploads, isTruncated: bucket.required(operation, IsTruncated, 'IsTruncated') };
  });
}

/** The fields of every request that the SDK's client sends. */
function addressFields({ settings: { bucket, expectedBucketOwner, requesterPays } }: Bucket) {
  return defined({
    Bucket: bucket,
    ExpectedBucketOwner: expectedBucketOwner,
    RequestPayer: requesterPays ? ('requester' as const) : undefined,
  });
}

const clients = new WeakMap<Connection, () => Promise<S3Client>>();

/**
 * Performs an operation with the SDK's client, which multipart uploads use for everything but their parts. Its requests
 * are sent the same way as all others.
 *
 * @param send called again if it throws because the output lacks a field
 * @throws StoreError for every fault; the signal's reason once it is aborted
 */
function perform<Output>(
  bucket: Bucket,
  operation: Operation,
  send: (client: S3Client) => Promise<Output>,
): Promise<Output> {
  const { connection } = bucket;
  return bucket.explaining(operation, async () => {
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

/** Takes the place of the SDK's own retries. */
const RETRIES = { name: 'retryMiddleware', step: 'finalizeRequest', priority: 'high' } as const;

async function createClient(connection: Connection): Promise<S3Client> {
  const { settings, region, credentials, signer } = connection;
  const client = new S3Client({
    endpoint: serverUrl(settings, await region()),
    forcePathStyle: isPathStyle(settings),
    region: await region(),
    credentials,
    signer,
    requestHandler: sdkRequestHandler((request, options) => exchangeSigned(connection, request, options)),
    // `endpoint` already accounts for them; the client refuses an endpoint together with AWS_USE_FIPS_ENDPOINT and the
    // like.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    // Our transport does not wait for the answer, and http-proxy-agent sends the head of such a request twice.
    expectContinueHeader: false,
    // Every part is sent with a checksum already.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  // `perform` retries instead.
  client.middlewareStack.add((next) => next, { ...RETRIES, override: true });
  client.middlewareStack.add(withoutId, { step: 'build' });
  return client;
}

/** Removes the query parameter `x-id`, which nothing needs and Qumulo refuses. */
function withoutId<Input extends object, Output extends object>(
  next: BuildHandler<Input, Output>,
): BuildHandler<Input, Output> {
  return (handling) => {
    if (HttpRequest.isInstance(handling.request)) delete handling.request.query['x-id'];
    return next(handling);
  };
}
