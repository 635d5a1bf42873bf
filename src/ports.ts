import type { Marker } from './asset-set/path.ts';
import type { ByteBudget } from './async.ts';

// What modes and steps need from outside. Adapters implement these; nothing here knows AWS, Actions or git.

/** What must be true of the object a write is about to replace; the store checks it in the same instant. */
export type WriteCondition = { readonly kind: 'absent' } | { readonly kind: 'unchanged'; readonly etag: string };

/** How a conditional write ended. A fault is an exception, a refused condition is a value. */
export type WriteResult =
  | {
      readonly outcome: 'written';
      readonly etag: string /** false: the server can't check conditions */;
      readonly guarded: boolean;
    }
  | { readonly outcome: 'precondition-failed' }
  | { readonly outcome: 'missing' };

/** An object read whole, with the two times that the same reply of the server gave. */
export interface StoredDocument {
  readonly body: Buffer;
  /** Why a record does not count, where only signed ones do and this one is not. */
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
 * Where an object may be out of reach: nothing can read or copy what is in an `archive`. Of one under `intelligent`
 * tiering, only a HEAD tells whether it is.
 */
export type StorageTier = 'archive' | 'intelligent';

/** What an asset is stored with; kept in its record, so that a copy can be sent with the same. */
export interface AssetAttributes {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ObjectHead extends AssetAttributes {
  readonly sizeBytes: number;
  readonly etag: string;
  /** Base64, where the store keeps a digest of the whole object. */
  readonly sha256?: string;
  /** Whether nothing can read or copy it. */
  readonly isArchived?: true;
}

/** Told of bytes as they go out or come in; a negative number of them have to do so again. */
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
  /** What the parts in memory are charged to. */
  readonly budget: ByteBudget;
  /** Of every part but the last; there are at most 10,000. */
  readonly partSizeBytes: number;
  /** Base64, by the store's own algorithm; it checks the bytes of each part against them. */
  readonly partChecksums: readonly string[];
  readonly read: OpenFile['read'];
  /** Called once every part is stored and before they become an object; throws to abort. */
  readonly beforeComplete: () => Promise<void>;
}

export interface AssetCopy {
  /** Told of the parts of a copy that is made in parts. */
  readonly onBytes?: OnBytes;
  readonly source: { readonly key: string; readonly etag: string; readonly sizeBytes: number };
  readonly target: string;
  readonly attributes: AssetAttributes;
  /** What must be true of the target, where the store can check it; nothing where it is undefined. */
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
  /** What the object must still have. */
  readonly etag: string;
  /** Of the whole object. */
  readonly sizeBytes: number;
  readonly range: { readonly position: number; readonly lengthBytes: number };
  /** Memory to read it into, of just that length; else it is allocated. */
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
  /** More is a fault. */
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
 * A bucket. Every method throws a StoreError for a refusal, a fault or a reply without the fields it must have:
 * `undefined` is only ever the store's own word that there is no such object.
 */
export interface ObjectStore {
  readonly bucket: string;
  /** Which server the bucket is on: its URL, or `aws`. */
  readonly endpoint: string;
  /** Files above this many bytes are sent in parts. */
  readonly partSizeBytes: number;
  /** What the bytes of a part are checked by. */
  readonly partChecksum: ChecksumAlgorithm;
  /** Whether only signed sets count, so that neither metadata nor marker files are taken at their word. */
  readonly requiresSignatures: boolean;
  /** @param signal besides the store's own */
  readDocument(key: string, signal?: AbortSignal): Promise<StoredDocument | undefined>;
  writeDocument(key: string, body: Buffer, condition: WriteCondition): Promise<WriteResult>;
  /** Reads an object that is neither record nor asset, whole. */
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
   * Aborts the multipart uploads that are open under `prefix`, and says how many there were. Some stores find them only
   * where it is a whole key.
   *
   * @param beforeEach called before each one is aborted; throws to leave it and all further ones alone
   */
  abortUploads(prefix: string, beforeEach?: () => void): Promise<number>;
}

/**
 * Entries of git's index as `git ls-files -s -z` prints them, in the order of the bytes of their paths, each of them
 * `<mode> SP <object id> SP 0 TAB <path> NUL`. The mode is 100644, 100755, 120000 (symbolic link) or 160000 (submodule),
 * the path is relative to the repository's root.
 */
export type SourceListing = Uint8Array;

/** Patterns that belong together: what one of them excludes, it excludes from what these match and nothing else. */
export type PatternGroup = readonly string[];

/** The repository that is checked out. */
export interface SourceTree {
  /** Where it is looked for. */
  readonly path: string;
  /** Whether there is a directory at all. */
  exists(): Promise<boolean>;
  /** Whether that is the root of a repository, which need not have a commit yet. */
  isRepository(): Promise<boolean>;
  /** Full hex id of the commit checked out; undefined where there is no repository or no commit yet. */
  head(): Promise<string | undefined>;
  /** Full hex id of the commit that git knows by a name; undefined where it knows none. */
  resolve(name: string): Promise<string | undefined>;
  /** Full hex ids of the parents of HEAD, or of another commit, also of those that a shallow clone lacks. */
  parents(commit?: string): Promise<readonly string[]>;
  /** Repositories in the folders directly below, and the commits checked out there. */
  nested(): Promise<readonly NestedRepository[]>;
  /**
   * The entries that `git add -A` would leave in a scratch index for these patterns, and those for the patterns of what
   * a package needs.
   */
  entries(patterns: PatternGroup, needs?: readonly PatternGroup[]): Promise<SourceEntries>;
  /** As `entries`, of HEAD's own tree: nothing that a build does to index or files shows. */
  committedEntries(patterns: PatternGroup, needs?: readonly PatternGroup[]): Promise<SourceListing>;
  /** The files that Python's glob finds for each pattern. */
  contents(patterns: readonly string[]): Promise<SourceContents>;
}

export interface NestedRepository {
  readonly path: string;
  /** Undefined where there is no commit yet. */
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
  /** Patterns relative to the package directory, `!` excludes; empty means every file. */
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

/** Parts of a file that get a checksum of their own. */
export interface HashedParts {
  /** Of every part but the last. */
  readonly sizeBytes: number;
  readonly checksum: ChecksumAlgorithm;
}

/** Base64 SHA-256 of a file, and the checksums of its parts, in base64 too. */
export interface FileDigests {
  readonly whole: string;
  readonly parts: readonly string[];
}

export interface DigestOptions {
  readonly parts: HashedParts;
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

/** A file opened for sending: checked at the moment it was opened, so that nothing can be swapped in afterwards. */
export interface OpenFile extends AsyncDisposable {
  readonly sizeBytes: number;
  /**
   * Reads exactly `lengthBytes`, into memory of just that length where some is given; throws where the file has become
   * shorter.
   */
  read(position: number, lengthBytes: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Reads the file from its begin to its end, on another thread. */
  digests(options: DigestOptions): Promise<FileDigests>;
  /** Throws where size or time of change are no longer what they were when the file was opened. */
  assertUnchanged(): Promise<void>;
}

/** A file in the making, under a temporary name beside its place; disposing of one that was not kept removes it. */
export interface IncomingFile extends AsyncDisposable {
  /** In any order, each byte once. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Makes it the file of its name. */
  keep(options: { readonly executable: boolean }): Promise<void>;
}

export interface PackageDirectory {
  readonly path: string;
  exists(): Promise<boolean>;
  create(): Promise<void>;
  /** Sorted by the bytes of their paths. */
  scan(selection: FileSelection): Promise<readonly ScannedFile[]>;
  /** The number of files that are neither hidden nor markers; undefined where a folder can't be read. */
  countFiles(): Promise<number | undefined>;
  open(path: string): Promise<OpenFile>;
  /** Base64 SHA-256 of a regular file that has this size; undefined where there is none. */
  digest(path: string, sizeBytes: number, onBytes?: OnBytes): Promise<string | undefined>;
  /** Throws where a link stands in the way. */
  receive(path: string): Promise<IncomingFile>;
  readMarker(name: Marker): Promise<string | undefined>;
  writeMarker(name: Marker, text: string): Promise<void>;
  removeMarker(name: Marker): Promise<void>;
}

/** Small files that later steps of the same job can read, where builds don't write. */
export interface JobFiles {
  /** @returns undefined where there is no such file */
  read(name: string): Promise<string | undefined>;
  /** Warns where it can't be written. */
  write(name: string, text: string): Promise<void>;
}

export interface Clock {
  /** Milliseconds that only ever grow; says nothing about the time of day. */
  monotonicMs(): number;
  /** How long, since it was started, this process had nothing to do but wait. */
  idleMs(): number;
  wallTime(): Date;
  /** Ends early, with the signal's reason, when the signal is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work` again and again until it is told to stop; does not keep the process alive. */
  every(intervalMs: number, work: () => void): () => void;
}

export interface Random {
  /** A string that no other writer will ever draw. */
  nonce(): string;
}

export interface Log {
  info(line: string): void;
  warning(line: string): void;
  debug(line: string): void;
}

export interface Ports {
  readonly store: ObjectStore;
  readonly sources: SourceTree;
  readonly packages: PackageDirectory;
  /** Undefined where there is no place for them: outside Actions. */
  readonly jobFiles: JobFiles | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborted when the runner cancels the step. */
  readonly signal: AbortSignal;
}
