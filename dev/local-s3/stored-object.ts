import { randomBytes } from 'node:crypto';
import { type Checksum, fullObjectChecksum } from './checksums.ts';
import type { Content } from './content.ts';
import { S3Error } from './s3-error.ts';
import type { Headers } from './s3-request.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** The information about a part that is kept after its upload is complete. */
export interface PartSummary {
  readonly number: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
}

/** The attributes that a write gives an object. */
export interface ObjectAttributes {
  /** Headers that every read returns unchanged: `content-type`, `cache-control`, `x-amz-storage-class` … */
  readonly headers: Headers;
  /** User metadata, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[];
  /** As sent in `x-amz-acl`; it has no effect. */
  readonly acl: string | undefined;
}

export interface StoredObject extends ObjectAttributes {
  readonly key: string;
  readonly content: Content;
  /** With its quotes. */
  readonly etag: string;
  /** In whole seconds, as S3 keeps it. */
  readonly lastModified: Date;
  /** The checksum that the writer sent or requested; see {@link checksumOf}. */
  readonly checksum: Checksum | undefined;
  /** Only of a multipart object. */
  readonly parts: readonly PartSummary[] | undefined;
  /** Only in a bucket with versioning. */
  readonly versionId: string | undefined;
}

/** The contents of a write in one piece. */
export interface NewObject {
  readonly key: string;
  readonly content: Content;
  readonly attributes: ObjectAttributes;
  /** Hex, of the content. */
  readonly md5: string;
  readonly checksum: Checksum | undefined;
  readonly nowMs: number;
}

/** An object as PutObject or CopyObject creates it. */
export function newObject({ key, content, attributes, md5, checksum, nowMs }: NewObject): StoredObject {
  return {
    ...attributes,
    key,
    content,
    etag: isUnderKms(attributes) ? `"${randomBytes(16).toString('hex')}"` : `"${md5}"`,
    lastModified: modificationTime(nowMs),
    checksum,
    parts: undefined,
    versionId: undefined,
  };
}

/** As in AWS, the ETag of an object encrypted with KMS is not its MD5. */
export function isUnderKms({ headers }: Pick<ObjectAttributes, 'headers'>): boolean {
  return headers['x-amz-server-side-encryption']?.startsWith('aws:kms') ?? false;
}

/** @throws {S3Error} InvalidObjectState for an archived object: only its headers can be read */
export function requireReadable({ headers }: Pick<ObjectAttributes, 'headers'>): void {
  const isArchived = /^(GLACIER|DEEP_ARCHIVE)$/.test(headers['x-amz-storage-class'] ?? '');
  if (isArchived || 'x-amz-archive-status' in headers) throw new S3Error('InvalidObjectState');
}

const computed = new WeakMap<Content, Checksum>();

/** The object's checksum. S3 adds a CRC-64/NVME to objects sent without one; here it is computed on first use. */
export function checksumOf(object: StoredObject): Checksum {
  if (object.checksum !== undefined) return object.checksum;
  const checksum = computed.get(object.content) ?? fullObjectChecksum('CRC64NVME', object.content);
  computed.set(object.content, checksum);
  return checksum;
}

/** The time of a write, in whole seconds. */
export function modificationTime(nowMs: number): Date {
  return new Date(Math.floor(nowMs / 1000) * 1000);
}
