import type { Marker } from './asset-set/path.ts';
import type { ByteBudget } from './async.ts';

// Interfaces to the outside world. Nothing here depends on AWS, Actions or git.

/** The condition under which a write may replace an object; the store checks it atomically. */
export type WriteCondition = { readonly kind: 'absent' } | { readonly kind: 'unchanged'; readonly etag: string };

/** The result of a conditional write. A failed condition is a result; a fault is an exception. */
export type WriteResult =
  | {
      readonly outcome: 'written';
      readonly etag: string;
      /** False: the server can't check conditions. */
      readonly guarded: boolean;
    }
  | { readonly outcome: 'precondition-failed' }
  | { readonly outcome: 'missing' };

/** A complete object, with two times from the same reply of the server. */
export interface StoredDocument {
  readonly body: Buffer;
  /** Why a record does not count, if only signed records do. */
  readonly distrust?: string | undefined;
  readonly etag: string;
  /** Milliseconds since the epoch, both by the server's clock. */
  readonly lastModifiedMs: number;
  readonly dateMs: number;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly tier?: StorageTier | undefined;
}

/**
 * A tier whose objects may be unreadable: those in an `archive` can't be read or copied. For `intelligent` tiering,
 * only a HEAD tells whether an object is archived.
 */
export type StorageTier = 'archive' | 'intelligent';

/** The attributes that an asset is stored with; its record contains them, so that copies get the same. */
export interface AssetAttributes {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ObjectHead extends AssetAttributes {
  readonly sizeBytes: number;
  readonly etag: string;
  /** Base64, if the store keeps a digest of the whole object. */
  readonly sha256?: string;
  /** Whether it is archived, so that it can't be read or copied. */
  readonly isArchived?: true;
  /** Time since it was written, by the server's clock, if the reply tells it. */
  readonly ageMs?: number;
}

/** Called when bytes are sent or received; a negative number takes back bytes that must be moved again. */
export type OnBytes = (bytes: number) => void;

interface AssetWrite {
  readonly onBytes?: OnBytes;
  readonly key: string;
  readonly attributes: AssetAttributes;
  readonly condition: WriteCondition;
  readonly signal: AbortSignal;
}

export interface AssetPut extends AssetWrite {
  readonly body: Uint8Array;
  /** Base64; the store checks the body against it. */
  readonly sha256: string;
}

export interface AssetPutInParts extends AssetWrite {
  readonly sizeBytes: number;
  /** Whether size and metadata are enough to recognise the object after a lost reply. */
  readonly trustsMetadata: boolean;
  /** The budget for the parts in memory. */
  readonly budget: ByteBudget;
  /** Of every part but the last; there are at most 10,000. */
  readonly partSizeBytes: number;
  /** Base64, by the store's `partChecksum`; the store checks each part against its checksum. */
  readonly partChecksums: readonly string[];
  readonly read: OpenFile['read'];
  /** Called after all parts are stored, before they become an object; throws to abort. */
  readonly beforeComplete: () => Promise<void>;
}

export interface AssetCopy {
  /** Called for each part of a copy in parts. */
  readonly onBytes?: OnBytes;
  readonly source: { readonly key: string; readonly etag: string; readonly sizeBytes: number };
  readonly target: string;
  readonly attributes: AssetAttributes;
  /** The condition on the target, if any; checked only if the store can. */
  readonly condition?: WriteCondition | undefined;
  readonly signal: AbortSignal;
}

export type CopyResult =
  | { readonly outcome: 'copied'; readonly etag: string }
  /** The source is gone or has another ETag than the one asked for. */
  | { readonly outcome: 'source-changed' }
  /** The condition on the target did not hold, or the source has changed: few stores say which. */
  | { readonly outcome: 'precondition-failed' };

export interface AssetRead {
  readonly key: string;
  /** The ETag that the object must still have. */
  readonly etag: string;
  /** Of the whole object. */
  readonly sizeBytes: number;
  readonly range: { readonly position: number; readonly lengthBytes: number };
  /** Memory for the bytes, of exactly that length; allocated if undefined. */
  readonly into?: Uint8Array;
  readonly onBytes?: OnBytes;
  readonly signal: AbortSignal;
}

export type ReadResult =
  | { readonly outcome: 'read'; readonly bytes: Uint8Array }
  /** The object is gone, or has another ETag or size than the one asked for. */
  | { readonly outcome: 'changed' };

export interface ObjectRead {
  readonly key: string;
  /** A larger object is a fault. */
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

export interface ObjectWrite {
  readonly key: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly condition: WriteCondition;
  readonly signal?: AbortSignal;
}

/**
 * A bucket. Every method throws a StoreError for a refusal, a fault or an incomplete reply: `undefined` always means
 * that the store itself says that there is no such object.
 */
export interface ObjectStore {
  readonly bucket: string;
  /** Which server the bucket is on: its URL, or `aws`. */
  readonly endpoint: string;
  /** Files above this many bytes are sent in parts. */
  readonly partSizeBytes: number;
  /** The algorithm for the checksums of parts. */
  readonly partChecksum: ChecksumAlgorithm;
  /** Whether only signed sets count, so that neither metadata nor marker files are trusted. */
  readonly requiresSignatures: boolean;
  /** @param signal in place of the store's own */
  readDocument(key: string, signal?: AbortSignal): Promise<StoredDocument | undefined>;
  writeDocument(key: string, body: Buffer, condition: WriteCondition): Promise<WriteResult>;
  /** Reads a complete object that is neither a record nor an asset. */
  readObject(read: ObjectRead): Promise<Buffer | undefined>;
  writeObject(write: ObjectWrite): Promise<WriteResult>;
  /** Every object whose key starts with `prefix`, page by page. */
  list(prefix: string): AsyncIterable<readonly ListedObject[]>;
  head(key: string): Promise<ObjectHead | undefined>;
  putAsset(put: AssetPut): Promise<WriteResult>;
  putAssetInParts(put: AssetPutInParts): Promise<WriteResult>;
  copyAsset(copy: AssetCopy): Promise<CopyResult>;
  readAsset(read: AssetRead): Promise<ReadResult>;
  /**
   * Aborts the open multipart uploads under `prefix`. Some stores find them only if it is a complete key.
   *
   * @param beforeEach called before each abort; throws to leave this upload and all others alone
   * @returns how many were aborted
   */
  abortUploads(prefix: string, beforeEach?: () => void): Promise<number>;
}

/**
 * Entries of git's index as `git ls-files -s -z` prints them, sorted by the bytes of their paths: `<mode> SP <object
 * id> SP 0 TAB <path> NUL`. The mode is 100644, 100755, 120000 (symbolic link) or 160000 (submodule), and the path is
 * relative to the repository's root.
 */
export type SourceListing = Uint8Array;

/** Patterns that belong together: an excluding pattern affects only the matches of its own group. */
export type PatternGroup = readonly string[];

/** A source of this or an earlier build. */
export interface SourceName {
  /** As text: a byte that is not UTF-8 is a code point from U+DC80. */
  readonly path: string;
  readonly isSubmodule: boolean;
  /** Whether only an earlier build had it. */
  readonly isDeleted: boolean;
}

/** The repository that is checked out. */
export interface SourceTree {
  /** The directory where it is expected. */
  readonly path: string;
  /** Whether that directory exists. */
  exists(): Promise<boolean>;
  /** Whether the directory is the root of a repository, even one without a commit. */
  isRepository(): Promise<boolean>;
  /** The full hex id of the commit checked out; undefined without a repository or a commit. */
  head(): Promise<string | undefined>;
  /** The full hex id of the commit with this name; undefined if git knows none. */
  resolve(name: string): Promise<string | undefined>;
  /** The full hex ids of HEAD's parents, even those missing from a shallow clone. */
  parents(): Promise<readonly string[]>;
  /** The full hex ids of a commit's parents, then of its latest other ancestors that the clone has. */
  ancestors(commit: string): Promise<readonly string[]>;
  /** Repositories in direct subfolders, and the commits checked out there. */
  nested(): Promise<readonly NestedRepository[]>;
  /**
   * The index entries that `git add -A` would produce for these patterns, and for the patterns of the packages that a
   * package needs.
   */
  entries(patterns: PatternGroup, needs?: readonly PatternGroup[]): Promise<SourceEntries>;
  /** Like `entries`, but for HEAD's own tree, which a build can't change. */
  committedEntries(patterns: PatternGroup, needs?: readonly PatternGroup[]): Promise<SourceListing>;
  /**
   * Matches sources by their names alone, as `entries` would if they were there.
   *
   * @param signal keeps git from being asked once it is aborted
   * @returns the paths that match, for each group of patterns
   */
  matching(
    groups: readonly PatternGroup[],
    sources: readonly SourceName[],
    signal: AbortSignal,
  ): Promise<readonly ReadonlySet<string>[]>;
  /** The files that Python's glob finds for each pattern. */
  contents(patterns: readonly string[]): Promise<SourceContents>;
}

export interface NestedRepository {
  readonly path: string;
  /** Undefined if it has no commit yet. */
  readonly head: string | undefined;
}

export interface SourceEntries {
  readonly entries: SourceListing;
  /** Including patterns that match nothing. */
  readonly unmatched: readonly string[];
}

export interface SourceContents {
  readonly fileCount: number;
  /** Patterns that match no file. */
  readonly unmatched: readonly string[];
  /** The contents of the files, in order, in pieces of any length. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface FileSelection {
  /** Relative to the package directory; `!` excludes, and no patterns mean every file. */
  readonly patterns: readonly string[];
  readonly includeHidden: boolean;
}

export interface ScannedFile {
  /** Relative to the package directory, with `/` on every system. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly executable: boolean;
}

export type ChecksumAlgorithm = 'sha256' | 'crc32';

/** How to divide a file into parts, each with its own checksum. */
export interface HashedParts {
  /** Of every part but the last. */
  readonly sizeBytes: number;
  readonly checksum: ChecksumAlgorithm;
}

/** The SHA-256 of a file and the checksums of its parts, in base64. */
export interface FileDigests {
  readonly whole: string;
  readonly parts: readonly string[];
}

export interface DigestOptions {
  readonly parts: HashedParts;
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

/** A file opened for sending, and checked after it was opened, so that nothing can be swapped in. */
export interface OpenFile extends AsyncDisposable {
  readonly sizeBytes: number;
  /**
   * Reads exactly `lengthBytes`; throws if the file has become shorter.
   *
   * @param into memory for them, of exactly that length; allocated if not given
   */
  read(position: number, lengthBytes: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Hashes the whole file on another thread. */
  digests(options: DigestOptions): Promise<FileDigests>;
  /** Throws if the file's size or modification time has changed since it was opened. */
  assertUnchanged(): Promise<void>;
}

/** A new file, under a temporary name in its final folder; disposing of it deletes it unless it was kept. */
export interface IncomingFile extends AsyncDisposable {
  /** Writes bytes, in any order, but each only once. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Gives the file its final name. */
  keep(options: { readonly executable: boolean }): Promise<void>;
}

export interface PackageDirectory {
  readonly path: string;
  exists(): Promise<boolean>;
  create(): Promise<void>;
  /** The files sorted by the bytes of their paths. */
  scan(selection: FileSelection): Promise<readonly ScannedFile[]>;
  /** The number of files that are neither hidden nor markers; undefined if a folder can't be read. */
  countFiles(): Promise<number | undefined>;
  open(path: string): Promise<OpenFile>;
  /** The base64 SHA-256 of a regular file of this size; undefined if there is none. */
  digest(path: string, sizeBytes: number, onBytes?: OnBytes): Promise<string | undefined>;
  /** Throws if there is a link on the way. */
  receive(path: string): Promise<IncomingFile>;
  readMarker(name: Marker): Promise<string | undefined>;
  writeMarker(name: Marker, text: string): Promise<void>;
  removeMarker(name: Marker): Promise<void>;
}

/** Small files for later steps of the same job, in a directory that builds don't write to. */
export interface JobFiles {
  /** @returns undefined if there is no such file */
  read(name: string): Promise<string | undefined>;
  /** Logs a warning if it can't be written. */
  write(name: string, text: string): Promise<void>;
}

export interface Clock {
  /** Milliseconds that never decrease, unrelated to the time of day. */
  monotonicMs(): number;
  wallTime(): Date;
  /** Throws the signal's reason as soon as it is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work` at intervals, without keeping the process alive. @returns a function that stops it */
  every(intervalMs: number, work: () => void): () => void;
}

export interface Random {
  /** A string that no other writer will ever draw. */
  nonce(): string;
}

export interface Log {
  /** @param folded further lines that belong to it; collapsed if the log supports that */
  info(line: string, folded?: readonly string[]): void;
  warning(line: string): void;
  debug(line: string): void;
}

export interface Ports {
  readonly store: ObjectStore;
  readonly sources: SourceTree;
  readonly packages: PackageDirectory;
  /** Undefined outside Actions. */
  readonly jobFiles: JobFiles | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborted when the runner cancels the step. */
  readonly signal: AbortSignal;
}
