import { S3Error } from './s3-error.ts';
import { type Headers, parseQuery } from './s3-request.ts';
import type { ObjectAttributes, Tag } from './stored-object.ts';

const METADATA_PREFIX = 'x-amz-meta-';
const LARGEST_METADATA_BYTES = 2048;
const LONGEST_KEY_BYTES = 1024;

const DEFAULT_TYPE = { 'content-type': 'binary/octet-stream' };
const DESCRIPTIVE = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];
const PLACEMENT = [
  'x-amz-website-redirect-location',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
];

const ALLOWED: Readonly<Record<string, RegExp>> = {
  'x-amz-acl':
    /^(private|public-read|public-read-write|authenticated-read|aws-exec-read|bucket-owner-read|bucket-owner-full-control)$/,
  'x-amz-server-side-encryption': /^(AES256|aws:kms|aws:kms:dsse)$/,
  'x-amz-storage-class':
    /^(STANDARD|REDUCED_REDUNDANCY|STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER|DEEP_ARCHIVE|GLACIER_IR)$/,
};

/**
 * Reads the attributes of an object from the headers of a write.
 *
 * @throws {S3Error} InvalidArgument, MetadataTooLarge or InvalidTag
 */
export function readAttributes(headers: Headers): ObjectAttributes {
  return {
    headers: { ...readDescription(headers), ...readPlacement(headers) },
    metadata: readMetadata(headers),
    tags: readTags(headers),
    acl: headers['x-amz-acl'],
  };
}

/**
 * The same for a copy: attributes that no directive replaces are those of the source. Encryption and storage class are
 * never taken from the source.
 */
export function readCopyAttributes(headers: Headers, source: ObjectAttributes): ObjectAttributes {
  const replace = headers['x-amz-metadata-directive'] === 'REPLACE';
  const description = replace ? readDescription(headers) : pick(source.headers, DESCRIPTIVE);
  return {
    headers: { ...description, ...readPlacement(headers) },
    metadata: replace ? readMetadata(headers) : source.metadata,
    tags: headers['x-amz-tagging-directive'] === 'REPLACE' ? readTags(headers) : source.tags,
    acl: headers['x-amz-acl'],
  };
}

/** @throws {S3Error} KeyTooLongError */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size <= LONGEST_KEY_BYTES) return;
  const details = { Size: String(size), MaxSizeAllowed: String(LONGEST_KEY_BYTES) };
  throw new S3Error('KeyTooLongError', { details });
}

/** @throws {S3Error} InvalidTag */
export function checkTags(tags: readonly Tag[]): readonly Tag[] {
  const names = new Set(tags.map((tag) => tag.key));
  const valid = tags.every(({ key, value }) => key !== '' && key.length <= 128 && value.length <= 256);
  if (tags.length > 10 || names.size < tags.length || !valid) throw new S3Error('InvalidTag');
  return tags;
}

function readDescription(headers: Headers): Headers {
  const { 'content-encoding': encodings = '', ...others } = pick(headers, DESCRIPTIVE);
  const encoding = encodings
    .split(',')
    .map((name) => name.trim())
    // This encoding was only for the transfer, and is not a property of the object.
    .filter((name) => name !== '' && name !== 'aws-chunked')
    .join(',');
  return { ...DEFAULT_TYPE, ...others, ...(encoding === '' ? {} : { 'content-encoding': encoding }) };
}

function readPlacement(headers: Headers): Headers {
  for (const [name, allowed] of Object.entries(ALLOWED)) {
    const value = headers[name];
    if (value === undefined || allowed.test(value)) continue;
    throw new S3Error('InvalidArgument', { details: { ArgumentName: name, ArgumentValue: value } });
  }
  // S3 does not return the default class.
  const storageClass = headers['x-amz-storage-class'] === 'STANDARD' ? [] : ['x-amz-storage-class'];
  return pick(headers, [...PLACEMENT, ...storageClass]);
}

function readMetadata(headers: Headers): Readonly<Record<string, string>> {
  const entries = Object.entries(headers)
    .filter(([name]) => name.startsWith(METADATA_PREFIX))
    .map(([name, value]) => [name.slice(METADATA_PREFIX.length), value] as const);
  const size = entries.reduce((total, [name, value]) => total + name.length + Buffer.byteLength(value, 'latin1'), 0);
  if (size <= LARGEST_METADATA_BYTES) return Object.fromEntries(entries);
  const details = { Size: String(size), MaxSizeAllowed: String(LARGEST_METADATA_BYTES) };
  throw new S3Error('MetadataTooLarge', { details });
}

function readTags(headers: Headers): readonly Tag[] {
  const text = headers['x-amz-tagging'];
  if (text === undefined) return [];
  try {
    return checkTags(parseQuery(text).map(([key, value]) => ({ key, value })));
  } catch (error) {
    throw error instanceof URIError ? new S3Error('InvalidTag') : error;
  }
}

function pick(headers: Headers, names: readonly string[]): Headers {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
