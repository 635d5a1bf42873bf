import { createHash } from 'node:crypto';

// The builds and stored objects of the model: so few bytes, in so few variants, that equal bytes and ETags are common.

/** Larger files are sent in parts. */
export const PART_BYTES = 8;
/** Nobody uploads anything for the third one. */
export const COMMITS = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)] as const;
/** The prefixes that keys may have. */
export const ROOTS = ['', 'br'] as const;
/** The patterns and the salt of the code hash. */
export const PATTERNS = ['src/**'] as const;
export const SALT = 'salt';
/** The sources of each code, as git prints them. */
export const SOURCES = [sourcesOf('a'), sourcesOf('b')] as const;
export const CODES = [codeHashOf(SOURCES[0]), codeHashOf(SOURCES[1])] as const;

const LARGE_BYTES = 12;

function sourcesOf(digit: string): Buffer {
  return Buffer.from(`100644 ${digit.repeat(40)} 0\tsrc/app.ts\0`);
}

function codeHashOf(sources: Buffer): string {
  return createHash('sha256').update(`s3-asset-manager/code-hash/v1\0${SALT}\0`).update(sources).digest('hex');
}

export function isRecordKey(key: string): boolean {
  return /^(.+\/)?records\//.test(key);
}

/** One build: the bytes of each path, and the code that it was built from. */
export interface Build {
  readonly code: number;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** All variants of a path have the same size, except the third one of `b`. Large ones differ in each part. */
export function contentOf(path: string, variant: number): Buffer {
  const text = `${path}${variant}${path === 'b' && variant === 2 ? '+' : ''}`;
  return Buffer.from(path === 'large' ? text.padEnd(LARGE_BYTES, String(variant)) : text);
}

export interface Digests {
  readonly md5: string;
  readonly sha256: string;
}

const known = new Map<string, Digests>();

/** MD5 as hex, SHA-256 as base64. */
export function digestsOf(bytes: Buffer): Digests {
  const text = bytes.toString('latin1');
  const before = known.get(text);
  if (before !== undefined) return before;
  const digests = {
    md5: createHash('md5').update(bytes).digest('hex'),
    sha256: createHash('sha256').update(bytes).digest('base64'),
  };
  known.set(text, digests);
  return digests;
}

const bytesOfEtags = new Map<string, Buffer>();

/** The ETag that S3 gives a body sent in one request. */
export function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

/** Remembers the bytes of an ETag. */
export function note(etag: string, bytes: Buffer): void {
  bytesOfEtags.set(etag, bytes);
}

/** The base64 SHA-256 of the asset with this ETag. */
export function sha256OfEtag(etag: string): string | undefined {
  const bytes = bytesOfEtags.get(etag);
  return bytes && digestsOf(bytes).sha256;
}

/** The ETag that S3 gives an object sent in parts. It differs from the ETag of the same bytes sent in one request. */
export function etagOfParts(parts: readonly Buffer[]): string {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(digestsOf(part).md5);
  return `"${md5.digest('hex')}-${parts.length}"`;
}
