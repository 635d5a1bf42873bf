import type { CodeHash } from '../code-hash/code-hash.ts';
import { CancelledError, SetChangedError } from '../errors.ts';
import type { RunContext } from '../run-context.ts';
import { defined, isError, printable } from '../text.ts';
import { RecordClaim } from './claim.ts';
import { completeSet } from './complete.ts';
import { contentsOf, copyAssets } from './copy.ts';
import { cacheSet, prefixOf, type SetLocation, shortUriOf, uriOf } from './location.ts';
import { describeUnfinished, type Lookup, lookUpFinished, lookUpSettled, wasSealed } from './lookup.ts';
import { pathProblem } from './path.ts';
import { type AssetFile, builderOf, builtCommitOf, type CompleteRecord } from './record.ts';

interface Promotion {
  /** A usable set of the same code: from the cache, or another prefix. */
  readonly from: Lookup;
  /** The commit's own set, which is not usable yet. */
  readonly own: Lookup;
}

/**
 * Copies a set of the same code, server-side, to become the commit's own set with its own record.
 *
 * @throws RecordLostError when another run is writing the commit's set; SetChangedError when the source differs from
 *   its record
 */
export async function promote(run: RunContext, { from, own }: Promotion): Promise<CompleteRecord> {
  const { files, commit: builtFrom } = await contentsOf(run, from);
  refuseBadPaths(files, { from: from.location, to: own.location });
  const commit = own.location.id;
  const { codeHash, codeHashAlgorithm, sources, buildSeconds } = codeHashOf(from);
  const builder = from.status.reason === 'complete' ? builderOf(from.status.record) : undefined;
  const legacy = from.status.reason === 'legacy' ? true : undefined;
  const claim = await RecordClaim.begin(run, {
    location: own.location,
    takeOver: own.record?.etag,
    draft: defined({
      commit,
      codeHash: legacy ? undefined : codeHash,
      codeHashAlgorithm,
      sources,
      buildSeconds,
      origin: defined({
        kind: 'cache',
        codeHash,
        commit: builtFrom,
        legacy,
        prefix: sources && prefixElsewhere(run, from),
      }),
      builder,
      sealedBefore: wasSealed(own) || undefined,
    }),
  });
  const owner = { commit, codeHash };
  return completeSet(run, claim, {
    planned: files,
    transfer: (targets = own.listing) => copyAssets(run, claim, { source: from.location, files, owner, targets }),
  });
}

/**
 * Sources are not copied along with a set.
 *
 * @returns the prefix that a set's sources lie under, if it is not this run's
 */
function prefixElsewhere(run: RunContext, { status, location }: Lookup): string | undefined {
  const origin = status.reason === 'complete' ? status.record.origin : undefined;
  const prefix = (origin?.kind === 'cache' ? origin.prefix : undefined) ?? prefixOf(location);
  return prefix === run.prefix ? undefined : prefix;
}

/**
 * The code hash that the set itself states, in its record or, for a set without one in the cache, in its key. Never the
 * hash that was looked for.
 */
function codeHashOf({
  status,
  location,
}: Lookup): Pick<CompleteRecord, 'codeHash' | 'codeHashAlgorithm' | 'sources' | 'buildSeconds'> {
  if (status.reason === 'complete') return status.record;
  return location.kind === 'cache' ? { codeHash: location.id } : {};
}

/**
 * Paths in a record or a listing are untrusted input: nothing is copied if one of them leaves its set, or is too long
 * under the new prefix.
 */
function refuseBadPaths(files: readonly AssetFile[], { from, to }: { from: SetLocation; to: SetLocation }): void {
  for (const { path } of files) {
    const problem = pathProblem(path, [from.prefix, to.prefix]);
    if (problem !== undefined)
      throw new SetChangedError(`'${printable(path)}' of ${from.prefix} can't be copied to ${to.prefix}: ${problem}`);
  }
}

/**
 * Marks a code's set in the cache as incomplete, so that nobody gets the build that is about to be replaced, even if
 * this run fails. {@link fillCache} fills it again.
 *
 * @throws UserError if another run is still writing it when time runs out
 */
export async function withdrawFromCache(run: RunContext, commit: string, codeHash: CodeHash): Promise<void> {
  const location = cacheSet(run.prefix, codeHash.value);
  const { status, record } = await lookUpFinished(run, location);
  // A slow writer may still seal an unfinished set, so it is withdrawn as well.
  if (status.reason === 'absent') return;
  const draft = defined({
    commit,
    codeHash: codeHash.value,
    codeHashAlgorithm: codeHash.algorithm,
    origin: { kind: 'upload' },
    sealedBefore: true,
  });
  const claim = await RecordClaim.begin(run, { location, takeOver: record?.etag, draft });
  await claim.release();
}

interface CacheFilling {
  /** The commit's complete set. */
  readonly source: SetLocation;
  readonly record: CompleteRecord;
  readonly codeHash: string;
  /** Whether this run built the set. */
  readonly isBuiltHere: boolean;
  /** Replaces a complete set in the cache too, since it is the old build. */
  readonly overwrite: boolean;
  /** Stores the sources under this prefix, if the set came from another one. @returns their digest, if any */
  readonly storeSources: () => Promise<string | undefined>;
}

/**
 * Copies a complete set into the cache, unless the code's set is already there or being written. With `overwrite`,
 * waits for a run that is writing it, and replaces the set. A failure is only a warning, since the commit's own set is
 * complete in any case.
 *
 * @returns whether the code's set is complete now
 */
export async function fillCache(run: RunContext, filling: CacheFilling): Promise<boolean> {
  const location = cacheSet(run.prefix, filling.codeHash);
  try {
    return await fill(run, filling, location);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    run.log.warning(
      `The copy for other commits of the same code (${shortUriOf(run.store.bucket, location)}) was not made, so they will be built: ${isError(error) ? error.message : error}`,
    );
    return false;
  }
}

async function fill(run: RunContext, filling: CacheFilling, location: SetLocation): Promise<boolean> {
  const { record, source, codeHash, isBuiltHere, overwrite, storeSources } = filling;
  const existing = overwrite ? await lookUpFinished(run, location) : await lookUpSettled(run, location, 0);
  if (existing.status.reason === 'complete' && !overwrite) {
    warnOfOtherBuild(run, { location, kept: existing.status.record, built: record });
    return true;
  }
  if (existing.status.reason === 'in-progress') {
    run.log.info(`${describeUnfinished(existing)}: the copy for other commits of the same code is left to it.`);
    return false;
  }
  const { commit, codeHashAlgorithm, origin } = record;
  const isElsewhere = origin.kind === 'cache' && origin.prefix !== undefined;
  const claim = await RecordClaim.begin(run, {
    location,
    takeOver: existing.record?.etag,
    draft: defined({
      commit: builtCommitOf(record) ?? commit,
      codeHash,
      codeHashAlgorithm,
      sources: isElsewhere ? await storeSources() : record.sources,
      buildSeconds: record.buildSeconds,
      origin: { kind: 'upload' },
      // Without a field, an unknown builder would be this run.
      builder: isBuiltHere ? undefined : (builderOf(record) ?? {}),
    }),
  });
  await completeSet(run, claim, {
    planned: record.files,
    transfer: (targets = existing.listing) =>
      copyAssets(run, claim, { source, files: record.files, owner: { commit, codeHash }, targets }),
  });
  run.log.info(`Copied the set to ${shortUriOf(run.store.bucket, location)}, for other commits of the same code.`);
  return true;
}

/** Two runs may have built the same code at the same time. */
function warnOfOtherBuild(
  { store, log }: RunContext,
  { location, kept, built }: { location: SetLocation; kept: CompleteRecord; built: CompleteRecord },
): void {
  const digests = new Map(kept.files.map(({ path, sha256 }) => [path, sha256]));
  const differing = built.files.find(({ path, sha256 }) => sha256 !== undefined && digests.get(path) !== sha256);
  if (differing !== undefined)
    log.warning(
      `${uriOf(store.bucket, location)} holds another build of the same code ('${printable(differing.path)}' differs), which stays: set overwrite to 'true' to replace it, or make the build reproducible`,
    );
}
