import { hash } from 'node:crypto';
import { type ByteBudget, byteBudget, mapConcurrently } from '../async.ts';
import { StoreError, UserError } from '../errors.ts';
import type { AssetAttributes, ObjectHead, OpenFile, WriteCondition, WriteResult } from '../ports.ts';
import type { FileProgress } from '../progress.ts';
import type { RunContext } from '../run-context.ts';
import { defined, printable } from '../text.ts';
import { type AssetOwner, attributesOf, hasAttributes, partSizeOf, sha256Of } from './attributes.ts';
import type { RecordClaim } from './claim.ts';
import { type Lookup, wasSealed } from './lookup.ts';
import type { AssetFile } from './record.ts';
import type { Listing } from './status.ts';

/** Bytes of file contents in memory at once, however many and large the files. */
const BYTES_IN_MEMORY = 64 * 1024 * 1024;
const MOST_REPLACEMENTS = 3;

/** A file of the package directory, and the attributes to store it with. */
export type PlannedAsset = Omit<AssetFile, 'etag' | 'sha256'>;

interface AssetSending {
  readonly assets: readonly PlannedAsset[];
  /** Read before the claim began or was last renewed: only objects with its ETags may be replaced. */
  readonly listing: Listing;
  readonly owner: AssetOwner;
  readonly evidence: Evidence;
}

/** Decides whether an object that is already there must be sent again. */
interface Evidence {
  /** Send every byte, even if the same object is there. */
  readonly overwrite: boolean;
  /**
   * The files of the set's last complete record, by path; empty if that record is gone. Undefined if the set was never
   * complete: then its objects come from unfinished uploads, and their metadata is trusted.
   */
  readonly sealed: ReadonlyMap<string, AssetFile> | undefined;
}

interface SentAssets {
  readonly files: readonly AssetFile[];
  /** Files that were already in the store with the same bytes. */
  readonly presentCount: number;
}

/**
 * @returns the files in a set's last complete record, by path; empty if that record is gone, undefined if the set was
 *   never complete
 */
export function sealedFiles(found: Lookup): Evidence['sealed'] {
  if (!wasSealed(found)) return undefined;
  const record = found.record?.record;
  return filesByPath(record?.state === 'complete' ? record.files : []);
}

export function filesByPath(files: readonly AssetFile[]): ReadonlyMap<string, AssetFile> {
  return new Map(files.map((file) => [file.path, file]));
}

/** One asset, opened and hashed, ready to be written under a condition. */
interface Sender {
  readonly key: string;
  readonly file: Omit<AssetFile, 'etag'> & { readonly sha256: string };
  readonly attributes: AssetAttributes;
  write(condition: WriteCondition): Promise<WriteResult>;
}

/**
 * Stores the planned assets. An object that is already there with the same size, SHA-256 and attributes counts as
 * sent, so an interrupted upload continues where it stopped. Any other object is replaced.
 *
 * @throws UserError when a file changes while it is being sent, RecordLostError when another writer took over
 */
export async function sendAssets(
  run: RunContext,
  claim: RecordClaim,
  { assets, listing, owner, evidence }: AssetSending,
): Promise<SentAssets> {
  const budget = byteBudget(BYTES_IN_MEMORY);
  let presentCount = 0;
  const send = (asset: PlannedAsset, progress: FileProgress): Promise<AssetFile> =>
    withSender(run, { asset, owner, claim, budget, evidence, progress }, async (sender) => {
      const listedEtag = listing.get(asset.path)?.etag;
      const stored = await storeAsset(run, claim, { sender, listedEtag, evidence });
      if (stored.wasPresent) presentCount += 1;
      run.log.debug(`${stored.wasPresent ? 'There already' : 'Stored'}: ${printable(sender.key)}`);
      progress.end();
      return { ...sender.file, ...defined({ contentType: stored.contentType }), etag: stored.etag };
    });
  const files = await run.progress.during('Uploading', assets, (transfer) =>
    mapConcurrently(assets, run.concurrency, (asset) => send(asset, transfer.file(asset.size))),
  );
  return { files, presentCount };
}

interface Stored {
  readonly etag: string;
  readonly wasPresent: boolean;
  /** The content type of an object that was already there. */
  readonly contentType?: string | undefined;
}

interface Storing {
  readonly sender: Sender;
  readonly listedEtag: string | undefined;
  readonly evidence: Evidence;
}

/**
 * Writes one asset, unless it is already there. An object with other bytes is replaced, which only the record's holder
 * may do.
 */
async function storeAsset(
  { store }: RunContext,
  claim: RecordClaim,
  { sender, listedEtag, evidence }: Storing,
): Promise<Stored> {
  claim.assertLease();
  if (listedEtag === undefined) {
    const result = await sender.write({ kind: 'absent' });
    if (result.outcome === 'written') return { etag: result.etag, wasPresent: false };
  }
  let replaceable = listedEtag;
  for (let attempt = 1; attempt <= MOST_REPLACEMENTS; attempt += 1) {
    const head = await store.head(sender.key);
    // Anyone who can write to the bucket can write metadata, and this run's signature would vouch for it.
    const counts = !evidence.overwrite && !store.requiresSignatures;
    if (counts && head !== undefined && !head.isArchived && isSame(head, sender, evidence))
      return { etag: head.etag, wasPresent: true, contentType: head.contentType };
    // An ETag first seen after the last renewal may be a new holder's: renewing shows who holds the record.
    if (head !== undefined && head.etag !== replaceable) await claim.renew();
    replaceable = head?.etag;
    claim.assertLease();
    const condition: WriteCondition = head === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag: head.etag };
    const result = await sender.write(condition);
    if (result.outcome === 'written') return { etag: result.etag, wasPresent: false };
  }
  const uri = `s3://${store.bucket}/${printable(sender.key)}`;
  throw new UserError(
    replaceable === undefined
      ? `The store refuses to write ${uri} as if it were there (412), but has no such object: check endpoint-url and what lies in between`
      : `Others keep overwriting ${uri}: find out who writes there besides this action`,
  );
}

function isSame(head: ObjectHead, { file, attributes }: Sender, evidence: Evidence): boolean {
  const sha256 = knownSha256(head, evidence.sealed, file.path);
  return head.sizeBytes === file.size && sha256 === file.sha256 && hasAttributes(head, attributes);
}

/**
 * Metadata may have been copied to an object that replaced a sealed one; a SHA-256 that the store computed can't be.
 */
function knownSha256(head: ObjectHead, sealed: Evidence['sealed'], path: string): string | undefined {
  if (sealed === undefined) return sha256Of(head);
  const file = sealed.get(path);
  return head.sha256 ?? (file?.etag === head.etag ? file.sha256 : undefined);
}

interface SenderContext {
  readonly asset: PlannedAsset;
  readonly owner: AssetOwner;
  readonly claim: RecordClaim;
  readonly budget: ByteBudget;
  readonly evidence: Evidence;
  readonly progress: FileProgress;
}

async function withSender<Result>(
  run: RunContext,
  context: SenderContext,
  use: (sender: Sender) => Promise<Result>,
): Promise<Result> {
  await using file = await run.packages.open(context.asset.path);
  if (file.sizeBytes !== context.asset.size) throw changed(context.asset.path);
  if (file.sizeBytes > run.store.partSizeBytes) return await use(await partsSender(run, context, file));
  return await context.budget.lend(file.sizeBytes, async (buffer) =>
    use(await wholeSender(run, context, { open: file, buffer })),
  );
}

/** A small file is read once, so the bytes that were hashed are the bytes that are sent. */
async function wholeSender(
  { store, signal }: RunContext,
  { asset, owner, claim, progress }: SenderContext,
  { open, buffer }: { open: OpenFile; buffer: Uint8Array },
): Promise<Sender> {
  const body = await open.read(0, open.sizeBytes, buffer);
  await open.assertUnchanged();
  const file = { ...asset, sha256: hash('sha256', body, 'base64') };
  const key = claim.location.prefix + asset.path;
  const attributes = attributesOf(file, owner);
  return {
    key,
    file,
    attributes,
    write: (condition) =>
      store.putAsset({ key, body, sha256: file.sha256, attributes, condition, onBytes: progress.moved, signal }),
  };
}

/**
 * A large file is hashed first, since its digest goes into the metadata. It is then sent in parts with the checksums
 * from that pass, which the store verifies.
 */
async function partsSender({ store, signal }: RunContext, context: SenderContext, open: OpenFile): Promise<Sender> {
  const { asset, owner, claim, budget, evidence, progress } = context;
  const { sizeBytes } = open;
  const partSizeBytes = partSizeOf(sizeBytes, store.partSizeBytes);
  const parts = { sizeBytes: partSizeBytes, checksum: store.partChecksum };
  const { whole, parts: partChecksums } = await open.digests({ parts, signal, onBytes: progress.hashed });
  const file = { ...asset, sha256: whole };
  const key = claim.location.prefix + asset.path;
  const attributes = attributesOf(file, owner);
  const read: OpenFile['read'] = async (...range) => {
    claim.assertLease();
    return open.read(...range);
  };
  const beforeComplete = async (): Promise<void> => {
    await open.assertUnchanged();
    await claim.renew();
    claim.assertLease();
  };
  const put = {
    key,
    sizeBytes,
    trustsMetadata: !store.requiresSignatures && !evidence.overwrite && evidence.sealed === undefined,
    partSizeBytes,
    partChecksums,
    attributes,
    signal,
    budget,
    read,
    onBytes: progress.moved,
    beforeComplete,
  };
  const write = (condition: WriteCondition): Promise<WriteResult> =>
    store.putAssetInParts({ ...put, condition }).catch(async (error: unknown) => {
      // If the store refused a part because of its checksum, the file changed on disk, or the part in transit.
      if (error instanceof StoreError && (await open.digests({ parts, signal })).whole !== whole)
        throw changed(asset.path);
      throw error;
    });
  return { key, file, attributes, write };
}

function changed(path: string): UserError {
  return new UserError(
    `'${printable(path)}' changed while it was being sent: upload only once the build has stopped writing to the package directory`,
  );
}
