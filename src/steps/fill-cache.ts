import type { CodeHash } from '../core/code-hash-request.ts';
import type { Concurrency } from '../core/concurrency.ts';
import { defined } from '../core/defined.ts';
import { cacheSet, type SetLocation, uriOf } from '../core/keys.ts';
import { printable } from '../core/printable.ts';
import type { CompleteRecord, Writer } from '../core/record.ts';
import { CancelledError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { completeSet } from './complete-set.ts';
import { copyAssets } from './copy-assets.ts';
import { lookUpSettled } from './look-up-settled.ts';
import { RecordClaim } from './record-claim.ts';
import { stillInProgress } from './wait-for-set.ts';

export interface CacheFilling {
  /** The commit's complete set. */
  readonly source: SetLocation;
  readonly record: CompleteRecord;
  readonly prefix: string;
  readonly codeHash: string;
  /** A complete cache set is replaced too: it holds the build that was replaced. */
  readonly overwrite: boolean;
  readonly waitMs: number;
  readonly writer: Omit<Writer, 'nonce' | 'sequence'>;
  readonly concurrency: Concurrency;
}

/**
 * Makes a code's set in the cache incomplete, so that nobody is handed the build that is about to be replaced, whatever
 * becomes of this run. {@link fillCache} fills it again.
 *
 * @throws UserError where another run is still writing it when the time is up
 */
export async function withdrawFromCache(
  ports: Ports,
  { prefix, writer, waitMs }: Pick<CacheFilling, 'prefix' | 'writer' | 'waitMs'>,
  { commit, codeHash }: { readonly commit: string; readonly codeHash: CodeHash },
): Promise<void> {
  const location = cacheSet(prefix, codeHash.value);
  const { verdict, record } = await lookUpSettled({ ...ports, reader: writer }, location, waitMs);
  if (verdict.reason === 'in-progress') throw stillInProgress(verdict.record, { location, waitMs });
  if (verdict.reason !== 'complete' && verdict.reason !== 'legacy') return;
  const draft = defined({
    commit,
    codeHash: codeHash.value,
    codeHashAlgorithm: codeHash.algorithm,
    origin: { kind: 'upload' },
    sealedBefore: true,
  });
  const claim = await RecordClaim.begin(ports, { location, writer, takeOver: record?.etag, draft });
  await claim.giveUp();
}

/**
 * Copies a complete set into the cache, unless the code's set is there or being written. With `overwrite` it replaces
 * what is there, and waits for a run that is writing it. The commit's set is complete whatever happens here, so a
 * failure is a warning.
 *
 * @returns whether the code's set is complete now
 */
export async function fillCache(ports: Ports, filling: CacheFilling): Promise<boolean> {
  const location = cacheSet(filling.prefix, filling.codeHash);
  try {
    return await fill(ports, filling, location);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    ports.log.warning(
      `The copy for other commits of the same code (${location.prefix}) was not made, so they will be built: ${Error.isError(error) ? error.message : error}`,
    );
    return false;
  }
}

async function fill(ports: Ports, filling: CacheFilling, location: SetLocation): Promise<boolean> {
  const { record, source, writer, concurrency, codeHash, overwrite, waitMs } = filling;
  const existing = await lookUpSettled({ ...ports, reader: writer }, location, overwrite ? waitMs : 0);
  if (existing.verdict.reason === 'complete' && !overwrite) {
    warnOfOtherBuild(ports, { location, kept: existing.verdict.record, built: record });
    return true;
  }
  if (existing.verdict.reason === 'in-progress') {
    if (overwrite) throw stillInProgress(existing.verdict.record, { location, waitMs });
    return false;
  }
  const { commit, codeHashAlgorithm } = record;
  const claim = await RecordClaim.begin(ports, {
    location,
    writer,
    takeOver: existing.record?.etag,
    draft: defined({
      commit: record.origin.kind === 'cache' ? (record.origin.commit ?? commit) : commit,
      codeHash,
      codeHashAlgorithm,
      origin: { kind: 'upload' },
    }),
  });
  await completeSet(ports, claim, {
    planned: record.files,
    transfer: (targets = existing.listing) =>
      copyAssets(ports, claim, { source, files: record.files, owner: { commit, codeHash }, targets, concurrency }),
  });
  ports.log.info(`Copied the set to ${uriOf(ports.store.bucket, location)}, for other commits of the same code.`);
  return true;
}

/** Two runs may have built the same code at the same time. */
function warnOfOtherBuild(
  { store, log }: Ports,
  { location, kept, built }: { location: SetLocation; kept: CompleteRecord; built: CompleteRecord },
): void {
  const digests = new Map(kept.files.map(({ path, sha256 }) => [path, sha256]));
  const differing = built.files.find(({ path, sha256 }) => sha256 !== undefined && digests.get(path) !== sha256);
  if (differing !== undefined)
    log.warning(
      `${uriOf(store.bucket, location)} holds another build of the same code ('${printable(differing.path)}' differs), which stays: set overwrite to 'true' to replace it, or make the build reproducible`,
    );
}
