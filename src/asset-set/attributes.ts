import type { AssetAttributes, ObjectHead } from '../ports.ts';
import { defined } from '../text.ts';
import { isCommit } from './location.ts';
import type { AssetFile } from './record.ts';

// The object metadata of assets. Deployments read the first three names, which come from the Python tool.

const COMMIT = 'commit-hash';
const PACKAGE = 'package-hash';
const CODE = 'code-hash';
const RECORDED = 'asset-record';
const RECORD_VERSION = 'v1';

/** Metadata names that this action sets itself. */
export const RESERVED_METADATA: ReadonlySet<string> = new Set([COMMIT, PACKAGE, CODE, RECORDED]);

/** The set that an asset is stored in. */
export interface AssetOwner {
  readonly commit: string;
  readonly codeHash?: string | undefined;
}

/** The attributes to store an asset with, including the metadata that names its commit and code hash. */
export function attributesOf(file: Omit<AssetFile, 'etag' | 'size' | 'path'>, owner: AssetOwner): AssetAttributes {
  return defined({
    contentType: file.contentType,
    cacheControl: file.cacheControl,
    metadata: defined({
      ...file.metadata,
      [COMMIT]: owner.commit,
      [PACKAGE]: file.sha256,
      [CODE]: owner.codeHash,
      [RECORDED]: RECORD_VERSION,
    }),
  });
}

/**
 * The content type of a file of unknown type. SeaweedFS drops it, and returns one guessed from the file's extension.
 */
const NO_TYPE = 'application/octet-stream';

/**
 * Whether an object has the wanted content type, cache control and user metadata. If no particular content type is
 * wanted, any will do.
 */
export function hasAttributes(head: AssetAttributes, wanted: AssetAttributes): boolean {
  const actual = userMetadata(head) ?? {};
  const expected = Object.entries(userMetadata(wanted) ?? {});
  return (
    (wanted.contentType === undefined || wanted.contentType === NO_TYPE || head.contentType === wanted.contentType) &&
    head.cacheControl === wanted.cacheControl &&
    expected.length === Object.keys(actual).length &&
    expected.every(([name, value]) => actual[name] === value)
  );
}

/** @returns the metadata that the user added to an object; undefined if there is none */
export function userMetadata(head: AssetAttributes): Record<string, string> | undefined {
  const own = Object.entries(head.metadata).filter(([name]) => !RESERVED_METADATA.has(name));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

/** @returns the SHA-256 of an object's bytes in base64; undefined if neither the store nor the metadata has it */
export function sha256Of(head: ObjectHead): string | undefined {
  return head.sha256 ?? head.metadata[PACKAGE];
}

/** @returns the commit that an object's metadata names; undefined unless that is a full id */
export function commitOf(head: AssetAttributes): string | undefined {
  const commit = head.metadata[COMMIT];
  return commit !== undefined && isCommit(commit) ? commit : undefined;
}

/** Whether this action stored the object, so that its set once had a record. */
export function isRecorded(head: AssetAttributes): boolean {
  return head.metadata[RECORDED] === RECORD_VERSION;
}

// How a large object is split into parts. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

const MOST_PARTS = 10_000;

/** A range of the object's bytes. */
export interface Part {
  /** Counts from 1. */
  readonly number: number;
  readonly position: number;
  readonly sizeBytes: number;
}

/**
 * @returns the size in bytes of every part but the last: larger than preferred if S3 would not allow that many parts
 */
export function partSizeOf(sizeBytes: number, preferredBytes: number): number {
  return Math.max(preferredBytes, Math.ceil(sizeBytes / MOST_PARTS));
}

/** Splits an object into parts, in order. @param partSizeBytes from {@link partSizeOf} */
export function split(sizeBytes: number, partSizeBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partSizeBytes) }, (_, index) => ({
    number: index + 1,
    position: index * partSizeBytes,
    sizeBytes: Math.min(partSizeBytes, sizeBytes - index * partSizeBytes),
  }));
}
