import { hash } from 'node:crypto';
import { type AssetOwner, attributesOf, hasAttributes, sha256Of } from '../core/asset-attributes.ts';
import { type ByteBudget, byteBudget, type Concurrency, lanesFor, mapConcurrently } from '../core/concurrency.ts';
import type { Listing } from '../core/listing.ts';
import { partSizeOf } from '../core/parts.ts';
import { printable } from '../core/printable.ts';
import type { AssetFile } from '../core/record.ts';
import { StoreError, UserError } from '../errors.ts';
import type { AssetAttributes, ObjectHead, OpenFile, Ports, WriteCondition, WriteResult } from '../ports.ts';
import type { RecordClaim } from './record-claim.ts';

/** How many bytes of files may be in memory at once, whatever the number and size of files. */
const BYTES_IN_MEMORY = 64 * 1024 * 1024;
const MOST_REPLACEMENTS = 3;

type SendPorts = Pick<Ports, 'store' | 'packages' | 'signal' | 'log' | 'clock'>;

/** A file of the package directory, and what it is to be stored with. */
export type PlannedAsset = Omit<AssetFile, 'etag' | 'sha256'>;

export interface AssetSending {
  readonly assets: readonly PlannedAsset[];
  /** Read before the claim was begun or last renewed: only such an ETag may be replaced. */
  readonly listing: Listing;
  readonly owner: AssetOwner;
  /** Whether what is there with the same bytes is replaced where it has other attributes; some servers tell none. */
  readonly replacesAttributes: boolean;
  readonly concurrency: Concurrency;
}

export interface SentAssets {
  readonly files: readonly AssetFile[];
  /** How many were in the store already, with the same bytes. */
  readonly presentCount: number;
}

/** One asset on its way: opened, hashed, and ready to be written under whatever condition turns out to hold. */
interface Sender {
  readonly key: string;
  readonly file: Omit<AssetFile, 'etag'> & { readonly sha256: string };
  readonly attributes: AssetAttributes;
  write(condition: WriteCondition): Promise<WriteResult>;
}

/**
 * Stores the planned assets, each only where nothing else is in its place. What is there already with the same size
 * and SHA-256 counts as sent, so an interrupted upload goes on where it stopped.
 *
 * @throws UserError when a file changes while it is being sent, RecordLostError when another writer took over
 */
export async function sendAssets(
  ports: SendPorts,
  claim: RecordClaim,
  { assets, listing, owner, replacesAttributes, concurrency }: AssetSending,
): Promise<SentAssets> {
  const budget = byteBudget(BYTES_IN_MEMORY);
  let presentCount = 0;
  const files = await mapConcurrently(assets, lanesFor(concurrency, ports.clock), (asset) =>
    withSender(ports, { asset, owner, claim, budget }, async (sender) => {
      const listedEtag = listing.get(asset.path)?.etag;
      const stored = await storeAsset(ports, claim, { sender, listedEtag, replacesAttributes });
      if (stored.wasPresent) presentCount += 1;
      ports.log.debug(`${stored.wasPresent ? 'There already' : 'Stored'}: ${printable(sender.key)}`);
      return { ...sender.file, etag: stored.etag };
    }),
  );
  return { files, presentCount };
}

interface Stored {
  readonly etag: string;
  readonly wasPresent: boolean;
}

interface Storing {
  readonly sender: Sender;
  readonly listedEtag: string | undefined;
  readonly replacesAttributes: boolean;
}

/** Writes one asset, or finds it written; one with other bytes is replaced, which only the record's holder may do. */
async function storeAsset(
  { store }: SendPorts,
  claim: RecordClaim,
  { sender, listedEtag, replacesAttributes }: Storing,
): Promise<Stored> {
  claim.assertHeld();
  if (listedEtag === undefined) {
    const result = await sender.write({ kind: 'absent' });
    if (result.outcome === 'written') return { etag: result.etag, wasPresent: false };
  }
  let replaceable = listedEtag;
  for (let attempt = 1; attempt <= MOST_REPLACEMENTS; attempt += 1) {
    const head = await store.head(sender.key);
    // Whoever may write to the bucket may write metadata, too, and a signature would vouch for it.
    const isSent = head !== undefined && !head.isArchived && !store.requiresSignatures && isSame(head, sender);
    if (isSent && (!replacesAttributes || hasAttributes(head, sender.attributes)))
      return { etag: head.etag, wasPresent: true };
    // An ETag that was not known before the last renewal may be that of a new holder: renewing shows who holds on.
    if (head !== undefined && head.etag !== replaceable) await claim.renew();
    replaceable = head?.etag;
    claim.assertHeld();
    const condition: WriteCondition = head === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag: head.etag };
    const result = await sender.write(condition);
    if (result.outcome === 'written') return { etag: result.etag, wasPresent: false };
  }
  throw new UserError(
    `Others keep overwriting s3://${store.bucket}/${printable(sender.key)}: find out who writes there besides this action`,
  );
}

function isSame(head: ObjectHead, { file }: Sender): boolean {
  return head.sizeBytes === file.size && sha256Of(head) === file.sha256;
}

interface SenderContext {
  readonly asset: PlannedAsset;
  readonly owner: AssetOwner;
  readonly claim: RecordClaim;
  readonly budget: ByteBudget;
}

async function withSender<Result>(
  ports: SendPorts,
  context: SenderContext,
  use: (sender: Sender) => Promise<Result>,
): Promise<Result> {
  await using file = await ports.packages.open(context.asset.path);
  if (file.sizeBytes !== context.asset.size) throw changed(context.asset.path);
  if (file.sizeBytes > ports.store.partSizeBytes) return await use(await partsSender(ports, context, file));
  return await context.budget.lend(file.sizeBytes, async (buffer) =>
    use(await wholeSender(ports, context, { open: file, buffer })),
  );
}

/** A small file: read once; the bytes that were hashed are the bytes that are sent. */
async function wholeSender(
  { store, signal }: SendPorts,
  { asset, owner, claim }: SenderContext,
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
    write: (condition) => store.putAsset({ key, body, sha256: file.sha256, attributes, condition, signal }),
  };
}

/**
 * A large file: hashed first, since its digest goes into the metadata, and sent part by part under the digests found
 * then, against which the store checks each part.
 */
async function partsSender({ store, signal }: SendPorts, context: SenderContext, open: OpenFile): Promise<Sender> {
  const { asset, owner, claim, budget } = context;
  const { sizeBytes } = open;
  const partSizeBytes = partSizeOf(sizeBytes, store.partSizeBytes);
  const { whole, parts: partDigests } = await open.digests(partSizeBytes, signal);
  const file = { ...asset, sha256: whole };
  const key = claim.location.prefix + asset.path;
  const attributes = attributesOf(file, owner);
  const read: OpenFile['read'] = async (...range) => {
    claim.assertHeld();
    return open.read(...range);
  };
  const beforeComplete = async (): Promise<void> => {
    await open.assertUnchanged();
    await claim.renew();
    claim.assertHeld();
  };
  const put = {
    key,
    sizeBytes,
    trustsMetadata: !store.requiresSignatures,
    partSizeBytes,
    partDigests,
    attributes,
    signal,
    budget,
    read,
    beforeComplete,
  };
  const write = (condition: WriteCondition): Promise<WriteResult> =>
    store.putAssetInParts({ ...put, condition }).catch(async (error: unknown) => {
      // A part that the store refused for its digest was changed since, or on its way.
      if (error instanceof StoreError && (await open.digests(partSizeBytes, signal)).whole !== whole)
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
