import type { AssetAttributes, ObjectHead } from '../ports.ts';
import { CODE, COMMIT, PACKAGE, RECORD_VERSION, RECORDED, RESERVED_METADATA } from './asset-metadata.ts';
import { isCommit } from './commit.ts';
import { defined } from './defined.ts';
import type { AssetFile } from './record.ts';

/** The set an asset is stored for. */
export interface AssetOwner {
  readonly commit: string;
  readonly codeHash?: string | undefined;
}

/** What an asset is stored with, so that it tells whose it is. */
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

/** The type of a file that has none. SeaweedFS does not keep it, and answers with one by the file's extension. */
const NO_TYPE = 'application/octet-stream';

/**
 * Whether an object is stored with the attributes that are wanted: type, caching and the user's own metadata. Where no
 * type in particular is wanted, any will do.
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

/** The user's own part of an object's metadata, or undefined where there is none. */
export function userMetadata(head: AssetAttributes): Record<string, string> | undefined {
  const own = Object.entries(head.metadata).filter(([name]) => !RESERVED_METADATA.has(name));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

/** Base64 SHA-256 of an object's bytes, as far as the store or its writer said. */
export function sha256Of(head: ObjectHead): string | undefined {
  return head.sha256 ?? head.metadata[PACKAGE];
}

/** The commit whose build an object says it is of. */
export function commitOf(head: AssetAttributes): string | undefined {
  const commit = head.metadata[COMMIT];
  return commit !== undefined && isCommit(commit) ? commit : undefined;
}

/** Whether this project stored the object, so that its set once had a record. */
export function isRecorded(head: AssetAttributes): boolean {
  return head.metadata[RECORDED] === RECORD_VERSION;
}
