import { createHash } from 'node:crypto';
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumHeader,
  createHasher,
  declaredChecksum,
} from './checksums.ts';
import { ChunkedDecoder, type SignedChunk } from './chunked.ts';
import { Content, EMPTY_CONTENT } from './content.ts';
import type { Hasher } from './crc.ts';
import { S3Error } from './s3-error.ts';
import type { Headers } from './s3-request.ts';

/** A request's decoded body, with the sizes and digests needed to verify it. */
export interface RequestBody {
  readonly content: Content;
  /** Size on the wire. */
  readonly receivedBytes: number;
  readonly md5: Buffer;
  /** Hex SHA-256 of the bytes on the wire. */
  readonly sha256: string;
  /** Base64, for each algorithm that the headers name. */
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly signedChunks: readonly SignedChunk[];
  /** The body contradicts its headers; not thrown, so that a fault may answer first. */
  readonly failure: S3Error | undefined;
}

/**
 * Receives a whole body, digesting it as it arrives.
 *
 * @throws if the connection ends before the body does, in which case the request has no effect
 */
export async function receiveBody(stream: AsyncIterable<Uint8Array>, headers: Headers): Promise<RequestBody> {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return emptyBody(headers);
  const decoder = isChunked(headers) ? new ChunkedDecoder() : undefined;
  const sha256 = createHash('sha256');
  const digests = new Digests(headers);
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  let failure: S3Error | undefined;
  const take = (pieces: readonly Uint8Array[]): void => {
    for (const piece of pieces) digests.update(piece);
    chunks.push(...pieces);
  };
  for await (const chunk of stream) {
    receivedBytes += chunk.length;
    if (decoder === undefined) sha256.update(chunk);
    // After a failure, the rest is still read, since the connection is reused.
    failure ??= failureOf(() => take(decoder === undefined ? [chunk] : decoder.push(chunk)));
  }
  failure ??= failureOf(() => decoder?.end());
  const content = new Content(chunks);
  failure ??= failureOf(() => checkLength(headers, content));
  const { trailers = {}, signedChunks = [] } = decoder ?? {};
  return { content, receivedBytes, sha256: sha256.digest('hex'), trailers, signedChunks, failure, ...digests.end() };
}

/** Whether the body is in the `aws-chunked` encoding. */
export function isChunked(headers: Headers): boolean {
  return headers['x-amz-content-sha256']?.startsWith('STREAMING-') ?? false;
}

/**
 * Compares a body with its length, and with the MD5 and SHA-256 in its headers.
 *
 * @throws {S3Error} IncompleteBody, XAmzContentSHA256Mismatch, InvalidDigest or BadDigest
 */
export function verifyBody(headers: Headers, body: RequestBody): void {
  if (body.failure !== undefined) throw body.failure;
  const contentSha256 = headers['x-amz-content-sha256'];
  if (contentSha256 !== undefined && /^[0-9a-f]{64}$/.test(contentSha256) && contentSha256 !== body.sha256) {
    const details = { ClientComputedContentSHA256: contentSha256, S3ComputedContentSHA256: body.sha256 };
    throw new S3Error('XAmzContentSHA256Mismatch', { details });
  }
  verifyMd5(headers['content-md5'], body);
}

/**
 * Compares a body with the checksum that headers or trailers declare.
 *
 * @throws {S3Error} BadDigest; InvalidRequest if an announced checksum is missing
 */
export function verifyChecksum(headers: Headers, body: RequestBody): void {
  const declared = declaredChecksum({ ...headers, ...body.trailers });
  const promised = headers['x-amz-sdk-checksum-algorithm'] ?? headers['x-amz-trailer'];
  if (declared === undefined) {
    if (promised === undefined) return;
    const message = `The checksum that '${promised}' promises was not found in the headers or the trailers.`;
    throw new S3Error('InvalidRequest', { message });
  }
  if (body.checksums.get(declared.algorithm) === declared.value) return;
  throw new S3Error('BadDigest', {
    message: `The ${declared.algorithm} you specified did not match the calculated checksum.`,
  });
}

function verifyMd5(declared: string | undefined, body: RequestBody): void {
  if (declared === undefined) return;
  const digest = Buffer.from(declared, 'base64');
  if (digest.length !== 16) throw new S3Error('InvalidDigest');
  if (!digest.equals(body.md5)) {
    throw new S3Error('BadDigest', { message: 'The Content-MD5 you specified did not match what we received.' });
  }
}

function checkLength(headers: Headers, content: Content): void {
  const declared = headers['x-amz-decoded-content-length'];
  if (declared !== undefined && Number(declared) !== content.sizeBytes) throw new S3Error('IncompleteBody');
}

function failureOf(step: () => void): S3Error | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}

function emptyBody(headers: Headers): RequestBody {
  const sha256 = createHash('sha256').digest('hex');
  const digests = new Digests(headers).end();
  const nothing = { receivedBytes: 0, trailers: {}, signedChunks: [], failure: undefined };
  return { content: EMPTY_CONTENT, sha256, ...nothing, ...digests };
}

/** MD5, and the checksums that the headers name. */
class Digests {
  readonly #md5 = createHash('md5');
  readonly #hashers = new Map<ChecksumAlgorithm, Hasher>();

  constructor(headers: Headers) {
    const trailers = headers['x-amz-trailer']?.split(',').map((name) => name.trim().toLowerCase()) ?? [];
    const requested = headers['x-amz-sdk-checksum-algorithm'];
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const header = checksumHeader(algorithm);
      const named = requested?.toUpperCase() === algorithm;
      if (named || header in headers || trailers.includes(header))
        this.#hashers.set(algorithm, createHasher(algorithm));
    }
  }

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    for (const hasher of this.#hashers.values()) hasher.update(bytes);
  }

  end(): Pick<RequestBody, 'md5' | 'checksums'> {
    const values = [...this.#hashers].map(([name, hasher]) => [name, hasher.digest().toString('base64')] as const);
    return { md5: this.#md5.digest(), checksums: new Map(values) };
  }
}
