import { pathProblem } from '../core/asset-path.ts';
import type { Concurrency } from '../core/concurrency.ts';
import { defined } from '../core/defined.ts';
import type { SetLocation } from '../core/keys.ts';
import { printable } from '../core/printable.ts';
import type { AssetFile, CompleteRecord, Writer } from '../core/record.ts';
import { SetChangedError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { completeSet } from './complete-set.ts';
import { copyAssets } from './copy-assets.ts';
import { type Finding, wasSealed } from './look-up.ts';
import { RecordClaim } from './record-claim.ts';
import { contentsOf } from './set-contents.ts';

export interface Promotion {
  /** A usable set of the same code: from the cache, or another prefix. */
  readonly from: Finding;
  /** The commit's own set, which is not usable yet. */
  readonly own: Finding;
  readonly writer: Omit<Writer, 'nonce' | 'sequence'>;
  readonly concurrency: Concurrency;
}

/**
 * Makes a set of the same code the commit's own, by server-side copies under a record of its own.
 *
 * @throws RecordLostError when another run is writing the commit's set; SetChangedError when the source is no longer
 *   what its record says
 */
export async function promote(ports: Ports, promotion: Promotion): Promise<CompleteRecord> {
  const { from, own, writer, concurrency } = promotion;
  const { files, commit: builtFrom } = await contentsOf(ports, from, concurrency);
  refuseBadPaths(files, { from: from.location, to: own.location });
  const commit = own.location.id;
  const { codeHash, codeHashAlgorithm } = codeHashOf(from);
  const legacy = from.verdict.reason === 'legacy' ? true : undefined;
  const claim = await RecordClaim.begin(ports, {
    location: own.location,
    writer,
    takeOver: own.record?.etag,
    draft: defined({
      commit,
      codeHash: legacy ? undefined : codeHash,
      codeHashAlgorithm,
      origin: defined({ kind: 'cache', codeHash, commit: builtFrom, legacy }),
      sealedBefore: wasSealed(own) || undefined,
    }),
  });
  const owner = { commit, codeHash };
  return completeSet(ports, claim, {
    planned: files,
    transfer: (targets = own.listing) =>
      copyAssets(ports, claim, { source: from.location, files, owner, targets, concurrency }),
  });
}

/** What a set says of itself: its record, or, of a set without one in the cache, its key. Never the hash that is asked for. */
function codeHashOf({ verdict, location }: Finding): Pick<CompleteRecord, 'codeHash' | 'codeHashAlgorithm'> {
  if (verdict.reason === 'complete') return verdict.record;
  return location.kind === 'cache' ? { codeHash: location.id } : {};
}

/**
 * Paths of a record or a listing are an attacker's input: one that leaves its set is not copied anywhere. Nor is a set
 * that does not fit under a longer prefix.
 */
function refuseBadPaths(files: readonly AssetFile[], { from, to }: { from: SetLocation; to: SetLocation }): void {
  for (const { path } of files) {
    const problem = pathProblem(path, [from.prefix, to.prefix]);
    if (problem !== undefined)
      throw new SetChangedError(`'${printable(path)}' of ${from.prefix} can't be copied to ${to.prefix}: ${problem}`);
  }
}
