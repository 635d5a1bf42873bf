import { mapConcurrently } from '../async.ts';
import { SetChangedError, UserError } from '../errors.ts';
import type { AssetCopy, CopyResult, ObjectHead, ObjectStore } from '../ports.ts';
import type { FileProgress } from '../progress.ts';
import type { RunContext } from '../run-context.ts';
import { defined, printable } from '../text.ts';
import { type AssetOwner, attributesOf, commitOf, sha256Of, userMetadata } from './attributes.ts';
import type { RecordClaim } from './claim.ts';
import { type SetLocation, uriOf } from './location.ts';
import { type Lookup, readRecord } from './lookup.ts';
import { type AssetFile, builtCommitOf, inOrder } from './record.ts';
import { type Listing, readListing } from './status.ts';

/** 32 bytes in base64; the last digit before the padding has two unused bits. */
const SHA256 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** A set's files, and the commit that they were built from, if known. */
interface SetContents {
  readonly files: readonly AssetFile[];
  readonly commit: string | undefined;
}

/**
 * Reads the chosen files of a usable set from its record or, if it has none, from a HEAD of each object.
 *
 * @throws SetChangedError when a set without a record changes while it is read
 */
export async function contentsOf(
  run: RunContext,
  set: Lookup,
  isChosen = (_path: string): boolean => true,
): Promise<SetContents> {
  if (set.status.reason !== 'complete') return legacyContents(run, set, isChosen);
  const { record } = set.status;
  return { files: record.files.filter(({ path }) => isChosen(path)), commit: builtCommitOf(record) };
}

async function legacyContents(
  { store, concurrency }: RunContext,
  set: Lookup,
  isChosen: (path: string) => boolean,
): Promise<SetContents> {
  const chosen = [...set.listing].filter(([path]) => isChosen(path));
  const read = await mapConcurrently(chosen, concurrency, async ([path, { size }]) => {
    const head = await store.head(set.location.prefix + path);
    if (head === undefined || head.sizeBytes !== size) throw changed(path, set);
    const { etag, contentType, cacheControl } = head;
    const known = { sha256: digestOf(head), contentType, cacheControl, metadata: userMetadata(head) };
    return { file: { path, size, etag, ...defined(known) }, commit: commitOf(head) };
  });
  const files = read.map(({ file }) => file);
  await assertAsListed(store, set, files);
  // A run that has begun a record since then may have replaced some of the objects.
  if ((await readRecord(store, set.location)) !== undefined)
    throw new SetChangedError(`Another run began to write ${set.location.prefix} while it was read`);
  return { files, commit: read[0]?.commit };
}

/** The Python tool stores the SHA-256 as `package-hash`; other tools may store something else under that name. */
function digestOf(head: ObjectHead): string | undefined {
  const sha256 = sha256Of(head);
  return sha256 !== undefined && SHA256.test(sha256) ? sha256 : undefined;
}

/**
 * If an object's ETag differs from the listed one, either the object was replaced, or the server lists ETags in another
 * form than it returns them in. A second listing decides: if it shows the same ETag as the first, the object is
 * unchanged.
 *
 * @throws SetChangedError if an object was replaced
 */
async function assertAsListed(store: ObjectStore, set: Lookup, files: readonly AssetFile[]): Promise<void> {
  const { listing } = set;
  const suspected = files.filter(({ path, etag }) => listing.get(path)?.etag !== etag);
  if (suspected.length === 0) return;
  const again = await readListing(store, set.location);
  const replaced = suspected.find(({ path }) => again.get(path)?.etag !== listing.get(path)?.etag);
  if (replaced !== undefined) throw changed(replaced.path, set);
}

function changed(path: string, { location }: Lookup): SetChangedError {
  return new SetChangedError(`'${printable(path)}' under ${location.prefix} changed while it was read`);
}

const MOST_ATTEMPTS = 3;

interface AssetCopies {
  readonly source: SetLocation;
  readonly files: readonly AssetFile[];
  /** The commit and code hash that the copies will carry. */
  readonly owner: AssetOwner;
  /** The target's listing, from before the claim began or was last renewed. */
  readonly targets: Listing;
}

/**
 * Copies assets from one set to another, server-side: the bytes do not pass through this machine. Each copy requires
 * the ETag that the source's record names.
 *
 * @returns the files as they are in the claimed set
 * @throws SetChangedError when an asset of the source differs from the source's record
 */
export async function copyAssets(
  { store, signal, concurrency, progress }: RunContext,
  claim: RecordClaim,
  { source, files, owner, targets }: AssetCopies,
): Promise<readonly AssetFile[]> {
  const copy = async (file: AssetFile, { moved, end }: FileProgress): Promise<AssetFile> => {
    const result = await copyAsset(store, claim, {
      source: { key: source.prefix + file.path, etag: file.etag, sizeBytes: file.size },
      target: claim.location.prefix + file.path,
      attributes: attributesOf(file, owner),
      condition: targets.has(file.path) ? undefined : { kind: 'absent' },
      onBytes: moved,
      signal,
    });
    if (result.outcome !== 'copied')
      throw new SetChangedError(
        `'${printable(file.path)}' under ${uriOf(store.bucket, source)} has changed since its record was written`,
      );
    end();
    return { ...file, etag: result.etag };
  };
  return progress.during('Copying', files, (transfer) =>
    mapConcurrently(inOrder(files), concurrency, (file) => copy(file, transfer.file(file.size))),
  );
}

/**
 * Copies one asset. An object that has appeared in its place is either the copy itself, if its reply was lost, or comes
 * from a writer that lost the record. The run that still holds the record replaces it in both cases. The repeated copy
 * also detects a source that has changed.
 */
async function copyAsset(store: ObjectStore, claim: RecordClaim, copy: AssetCopy): Promise<CopyResult> {
  let { condition } = copy;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    claim.assertLease();
    const result = await store.copyAsset({ ...copy, condition });
    if (result.outcome !== 'precondition-failed') return result;
    await claim.renew();
    condition = undefined;
  }
  throw new UserError(
    `Others keep overwriting s3://${store.bucket}/${printable(copy.target)}: find out who writes there besides this action`,
  );
}
