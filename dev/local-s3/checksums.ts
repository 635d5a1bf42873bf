import { createHash } from 'node:crypto';
import type { Content } from './content.ts';
import { createCrc32, createCrc32c, createCrc64Nvme, type Hasher } from './crc.ts';
import { S3Error } from './s3-error.ts';

const DIGEST_BYTES = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 } as const;

export type ChecksumAlgorithm = keyof typeof DIGEST_BYTES;
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64 of the digest; a composite one is followed by `-` and the number of parts. */
  readonly value: string;
}

/** The checksum a request declares for its body. */
export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

/** The name of the header (and trailer) that carries a checksum. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** @throws {S3Error} InvalidRequest for a name that S3 doesn't know */
export function parseChecksumAlgorithm(name: string): ChecksumAlgorithm {
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name.toUpperCase());
  if (algorithm !== undefined) return algorithm;
  throw new S3Error('InvalidRequest', { message: `Checksum algorithm provided is unsupported: ${name}` });
}

export function createHasher(algorithm: ChecksumAlgorithm): Hasher {
  switch (algorithm) {
    case 'CRC32':
      return createCrc32();
    case 'CRC32C':
      return createCrc32c();
    case 'CRC64NVME':
      return createCrc64Nvme();
    default:
      return createHash(algorithm.toLowerCase());
  }
}

/** The digest of a whole content. */
export function digestContent(algorithm: ChecksumAlgorithm, content: Content): Buffer {
  const hasher = createHasher(algorithm);
  for (const chunk of content.chunks) hasher.update(chunk);
  return hasher.digest();
}

/** Hex. */
export function md5OfContent(content: Content): string {
  const hash = createHash('md5');
  for (const chunk of content.chunks) hash.update(chunk);
  return hash.digest('hex');
}

export function fullObjectChecksum(algorithm: ChecksumAlgorithm, content: Content): Checksum {
  return { algorithm, type: 'FULL_OBJECT', value: digestContent(algorithm, content).toString('base64') };
}

/** The digest of the parts' digests, as S3 gives a multipart object. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partValues: readonly string[]): Checksum {
  const hasher = createHasher(algorithm);
  for (const value of partValues) hasher.update(Buffer.from(value, 'base64'));
  return { algorithm, type: 'COMPOSITE', value: `${hasher.digest().toString('base64')}-${partValues.length}` };
}

/**
 * The checksum declared by headers or by the trailers of an aws-chunked body.
 *
 * @throws {S3Error} InvalidRequest if there are two, or if one isn't base64 of the right length
 */
export function declaredChecksum(fields: Readonly<Record<string, string>>): DeclaredChecksum | undefined {
  const found = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = fields[checksumHeader(algorithm)];
    return value === undefined ? [] : [{ algorithm, value }];
  });
  if (found.length > 1) {
    throw new S3Error('InvalidRequest', { message: 'Expecting a single x-amz-checksum- header' });
  }
  const declared = found[0];
  if (declared !== undefined && !isDigest(declared)) {
    const header = checksumHeader(declared.algorithm);
    throw new S3Error('InvalidRequest', { message: `Value for ${header} header is invalid.` });
  }
  return declared;
}

function isDigest({ algorithm, value }: DeclaredChecksum): boolean {
  // CompleteMultipartUpload may declare a composite checksum, which ends with the number of parts.
  const bytes = Buffer.from(value.replace(/-\d+$/, ''), 'base64');
  return bytes.length === DIGEST_BYTES[algorithm];
}
