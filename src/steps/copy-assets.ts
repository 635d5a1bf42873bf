import { type AssetOwner, attributesOf } from '../core/asset-attributes.ts';
import { type Concurrency, lanesFor, mapConcurrently } from '../core/concurrency.ts';
import { type SetLocation, uriOf } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import { printable } from '../core/printable.ts';
import { type AssetFile, inOrder } from '../core/record.ts';
import { SetChangedError, UserError } from '../errors.ts';
import type { AssetCopy, CopyResult, Ports } from '../ports.ts';
import type { RecordClaim } from './record-claim.ts';

const MOST_ATTEMPTS = 3;

type CopyPorts = Pick<Ports, 'store' | 'signal' | 'clock'>;

export interface AssetCopies {
  readonly source: SetLocation;
  readonly files: readonly AssetFile[];
  /** Whose the copies shall be. */
  readonly owner: AssetOwner;
  /** What was in their place before the claim was begun or last renewed. */
  readonly targets: Listing;
  readonly concurrency: Concurrency;
}

/**
 * Copies assets from one set to another, server-side: the bytes do not pass through this machine. Each copy is made
 * only of the ETag that the source's record names.
 *
 * @returns the files as they are in the claimed set
 * @throws SetChangedError when an asset of the source is no longer what its record said
 */
export async function copyAssets(
  { store, signal, clock }: CopyPorts,
  claim: RecordClaim,
  { source, files, owner, targets, concurrency }: AssetCopies,
): Promise<readonly AssetFile[]> {
  return mapConcurrently(inOrder(files), lanesFor(concurrency, clock), async (file) => {
    const result = await copyAsset(store, claim, {
      source: { key: source.prefix + file.path, etag: file.etag, sizeBytes: file.size },
      target: claim.location.prefix + file.path,
      attributes: attributesOf(file, owner),
      condition: targets.has(file.path) ? undefined : { kind: 'absent' },
      signal,
    });
    if (result.outcome !== 'copied')
      throw new SetChangedError(
        `'${printable(file.path)}' under ${uriOf(store.bucket, source)} is no longer what its record says`,
      );
    return { ...file, etag: result.etag };
  });
}

/**
 * Copies one asset. Where something has appeared in its place, it is the copy whose reply was lost, or comes from a writer
 * that lost the record: whoever still holds the record replaces it. That copy also shows a source that has changed.
 */
async function copyAsset(store: Ports['store'], claim: RecordClaim, copy: AssetCopy): Promise<CopyResult> {
  let { condition } = copy;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    claim.assertHeld();
    const result = await store.copyAsset({ ...copy, condition });
    if (result.outcome !== 'precondition-failed') return result;
    await claim.renew();
    condition = undefined;
  }
  throw new UserError(
    `Others keep overwriting s3://${store.bucket}/${printable(copy.target)}: find out who writes there besides this action`,
  );
}
