import type { Concurrency } from '../async.ts';
import type { CodeHash } from '../code-hash/code-hash.ts';
import { CancelledError, SetChangedError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { defined, printable } from '../text.ts';
import { RecordClaim } from './claim.ts';
import { completeSet } from './complete.ts';
import { contentsOf, copyAssets } from './copy.ts';
import { cacheSet, type SetLocation, uriOf } from './location.ts';
import { type Finding, wasSealed } from './lookup.ts';
import { pathProblem } from './path.ts';
import type { AssetFile, CompleteRecord, Writer } from './record.ts';
import { lookUpSettled, stillInProgress } from './wait.ts';

interface Promotion {
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

interface CacheFilling {
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
  // What is unfinished may yet be sealed by a writer that was only slow.
  if (verdict.reason === 'absent') return;
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
