import { RecordClaim } from '../asset-set/claim.ts';
import { completeSet } from '../asset-set/complete.ts';
import { type Hints, hintedSet, leaveRecord, readHints, secondsSinceMiss } from '../asset-set/handover.ts';
import {
  artifactSet,
  assertCheckedOut,
  cacheSet,
  resolveCommit,
  type SetLocation,
  shortUriOf,
  uriOf,
} from '../asset-set/location.ts';
import { isUsable, type Lookup, lookUp, lookUpFinished } from '../asset-set/lookup.ts';
import { type AssetSettings, differingPath, planUpload, refuseBadPaths, refuseMissing } from '../asset-set/plan.ts';
import { fillCache, withdrawFromCache } from '../asset-set/promote.ts';
import { amountOf, type CompleteRecord } from '../asset-set/record.ts';
import { filesByPath, type PlannedAsset, sealedFiles, sendAssets } from '../asset-set/send.ts';
import { storeSources } from '../asset-set/sources.ts';
import { once, waitForAll } from '../async.ts';
import { findCodeHash, untouchedCodeHash } from '../code-hash/checked-out.ts';
import type { CodeHash } from '../code-hash/code-hash.ts';
import { InputError, RecordLostError, UserError } from '../errors.ts';
import type { FileSelection } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { counted, defined, printable, shortId } from '../text.ts';
import { filesOf, type Outcome, outcomeOf, recordOf } from './outcome.ts';

/** The most attempts to overwrite. Each waits for a faster run, and the same run can be faster three times. */
const MOST_OVERWRITES = 5;

export interface UploadOptions extends AssetSettings {
  /** Which files are uploaded. */
  readonly selection: FileSelection;
  /** `store` stores a set without files, which says that this code passed. */
  readonly ifNoFilesFound: 'error' | 'warn' | 'ignore' | 'store';
  readonly overwrite: boolean;
}

/** Everything that an upload has decided before it looks at the store. */
interface UploadPlan extends Pick<UploadOptions, 'overwrite' | 'ifNoFilesFound'> {
  readonly location: SetLocation;
  readonly assets: readonly PlannedAsset[];
  readonly codeHash: CodeHash | undefined;
  /** How long the build took, if this job's check recorded when it began. */
  readonly buildSeconds: number | undefined;
}

/**
 * Stores the package directory as the commit's set, and a copy of it for other commits of the same code. Does nothing
 * if an earlier step found the set and it is still there.
 *
 * @throws UserError if the package directory was made for another commit, or has a file that can't be stored
 */
export async function upload(run: RunContext, options: UploadOptions): Promise<Outcome> {
  const commit = await resolveCommit(run.commit, run.sources);
  const location = artifactSet(run.prefix, commit);
  if (run.access === 'read') return uploadNothing(run, location);
  await refuseOtherCommit(run, commit);
  const hints = await readHints(run, location);
  const buildSeconds = secondsSinceMiss(run, hints);
  const findHash = once(() => findCodeHash(run, commit, hints));
  // git runs while the package directory is scanned.
  const [, { marked, assets }] = await waitForAll([
    assertCheckedOut(run, commit),
    prepare(run, options, { own: location, hints, findHash }),
  ]);
  if (marked !== undefined) return marked;
  if (assets.length === 0) reportNoFiles(run, options);
  const codeHash = await findHash();
  const cache = codeHash === undefined ? [] : [cacheSet(run.prefix, codeHash.value)];
  refuseBadPaths(run.packages, { assets, locations: [location, ...cache] });
  return uploadPlanned(run, { ...options, location, assets, codeHash, buildSeconds });
}

/** @returns the assets to upload, or the outcome if an earlier step found the set */
async function prepare(run: RunContext, options: UploadOptions, marks: MarkedUpload) {
  const marked = options.overwrite ? undefined : await uploadMarked(run, marks);
  if (marked !== undefined) return { marked, assets: [] };
  if (await run.packages.exists()) return { marked, assets: await planUpload(run, options) };
  if (options.ifNoFilesFound === 'store') return { marked, assets: [] };
  throw new InputError(
    `package-directory '${run.packages.path}' does not exist: build the assets into it before uploading`,
  );
}

async function refuseOtherCommit({ packages }: RunContext, commit: string): Promise<void> {
  const marked = (await packages.readMarker('.commit-hash'))?.trim();
  if (marked !== undefined && marked !== '' && marked !== commit)
    throw new UserError(
      `${packages.path}/.commit-hash says '${printable(marked)}', but this upload is for ${commit}: run check for the same commit-sha, or delete the file`,
    );
}

function reportNoFiles({ packages, log }: RunContext, { ifNoFilesFound, selection }: UploadOptions): void {
  const { patterns } = selection;
  const why =
    patterns.length === 0 ? "hidden files don't count" : `no file matches files, '${printable(patterns.join(' '))}'`;
  const line = `There is nothing to upload in ${packages.path} (${why})`;
  if (ifNoFilesFound === 'error')
    throw new InputError(`${line}: build into it first, or set if-no-files-found to 'warn', 'ignore' or 'store'`);
  if (ifNoFilesFound === 'warn') log.warning(`${line}: nothing is uploaded.`);
}

async function uploadPlanned(run: RunContext, plan: UploadPlan): Promise<Outcome> {
  const { location, assets, ifNoFilesFound, codeHash, overwrite } = plan;
  const { log, prefix } = run;
  const { bucket } = run.store;
  const lookup = await lookUpFinished(run, location);
  const { reason } = lookup.status;
  if (assets.length === 0 && ifNoFilesFound !== 'store') return outcome(run, plan, { lookup, reason });
  if (isUsable(lookup, run.legacy) && !overwrite) {
    await compareWithStored(run, plan, lookup);
    log.info(`The set at ${shortUriOf(bucket, location)} has all of these paths: nothing is uploaded.`);
    return finish(run, plan, { lookup, reason });
  }
  if (run.dryRun) {
    const copied = codeHash && `, with a copy at ${shortUriOf(bucket, cacheSet(prefix, codeHash.value))}`;
    log.info(
      `Dry run: would upload ${assets.length === 0 ? 'a set without files' : counted(assets.length, 'file')} to ${uriOf(bucket, location)}${copied ?? ''}.`,
    );
    return outcome(run, plan, { lookup, reason });
  }
  return sendOrYield(run, plan, lookup);
}

/** Leaves the set to another run that took its record. With `overwrite` it waits for that run, and replaces its set. */
async function sendOrYield(run: RunContext, plan: UploadPlan, first: Lookup): Promise<Outcome> {
  let lookup = first;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(run, plan, lookup);
    } catch (error) {
      if (!(error instanceof RecordLostError)) throw error;
      if (!plan.overwrite) return afterLostRace(run, plan, error);
      if (attempt === MOST_OVERWRITES) throw error;
      run.log.info(`${error.loss}: waiting for it, to replace its set.`);
      lookup = await lookUpFinished(run, plan.location);
    }
  }
}

/**
 * Warns if this build differs from the stored one, which stays as it is: two builds of one commit should be the same.
 *
 * @throws UserError for a set that lacks a planned path
 */
async function compareWithStored(run: RunContext, { assets, location }: UploadPlan, lookup: Lookup): Promise<void> {
  const stored = filesOf(lookup);
  const where = uriOf(run.store.bucket, location);
  refuseMissing({ assets, stored, where, isRecorded: lookup.status.reason === 'complete' });
  const differing = await differingPath(run, { assets, stored });
  if (differing !== undefined)
    run.log.warning(
      `'${printable(differing)}' is not the same file as in the set that is stored for this commit, which stays as it is: set overwrite to 'true' to replace it, or make the build reproducible`,
    );
}

async function send(run: RunContext, plan: UploadPlan, lookup: Lookup): Promise<Outcome> {
  const { location, assets, codeHash, buildSeconds, overwrite } = plan;
  const owner = { commit: location.id, codeHash: codeHash?.value };
  // Only objects that were there before the claim may be replaced.
  const before = lookup.listing;
  let sealed = sealedFiles(lookup);
  if (overwrite) await withdrawReplaced(run, plan, lookup);
  const claim = await RecordClaim.begin(run, {
    location,
    takeOver: lookup.record?.etag,
    draft: defined({
      ...owner,
      codeHashAlgorithm: codeHash?.algorithm,
      buildSeconds,
      origin: { kind: 'upload' },
      sealedBefore: sealed && true,
    }),
  });
  let presentCount = 0;
  const sourcesDigest = once(() => storeSources(run, codeHash));
  const record = await completeSet(run, claim, {
    planned: assets,
    transfer: async (listing = before) => {
      const [sent, sources] = await waitForAll([
        sendAssets(run, claim, { assets, listing, owner, evidence: { overwrite, sealed } }),
        sourcesDigest(),
      ]);
      claim.addSources(sources);
      presentCount = sent.presentCount;
      sealed = filesByPath(sent.files);
      return sent.files;
    },
  });
  const resumed = presentCount > 0 ? `, ${presentCount} of them before` : '';
  run.log.info(`Stored ${amountOf(record.files)}${resumed}, at ${uriOf(run.store.bucket, location)}.`);
  const stored: Lookup = { ...lookup, status: { reason: 'complete', record } };
  return finish(run, plan, { lookup: stored, reason: presentCount > 0 ? 'resumed' : 'uploaded' });
}

/**
 * Another run took the record. If that run's set is complete, this upload succeeds, and warns if the two builds differ.
 */
async function afterLostRace(run: RunContext, plan: UploadPlan, error: RecordLostError): Promise<Outcome> {
  run.log.info(`${error.loss}: leaving the set to it.`);
  const lookup = await lookUpFinished(run, plan.location);
  if (!isUsable(lookup, run.legacy)) throw error;
  await compareWithStored(run, plan, lookup);
  return finish(run, plan, { lookup, reason: 'lost-race' });
}

/** The build to be replaced may be in the cache under this run's code hash, or under that of its own record. */
async function withdrawReplaced(run: RunContext, { location, codeHash }: UploadPlan, lookup: Lookup): Promise<void> {
  const replaced = lookup.record?.record;
  if (codeHash !== undefined) await withdrawFromCache(run, location.id, codeHash);
  if (lookup.record !== undefined && replaced === undefined)
    run.log.warning(
      `The record ${location.recordKey} is archived, so the code hash of the replaced build is unknown: if it is in the cache under another code hash, it is still found there`,
    );
  if (replaced?.codeHash !== undefined && replaced.codeHash !== codeHash?.value)
    await withdrawFromCache(run, location.id, { value: replaced.codeHash, algorithm: replaced.codeHashAlgorithm });
}

interface Ending {
  readonly lookup: Lookup;
  readonly reason: Outcome['reason'];
}

/** Leaves the record of a complete set for later steps, and copies the set for other commits of the same code. */
async function finish(run: RunContext, plan: UploadPlan, ending: Ending): Promise<Outcome> {
  const { location, codeHash, overwrite } = plan;
  const record = recordOf(ending.lookup);
  if (run.dryRun) return outcome(run, plan, ending);
  await leaveRecordOf(run, ending.lookup);
  if (codeHash === undefined || !isBuiltFrom(run, record, codeHash)) return outcome(run, plan, ending);
  const isBuiltHere = ending.reason === 'uploaded' || ending.reason === 'resumed';
  const cached = await fillCache(run, {
    ...{ source: location, record, codeHash: codeHash.value, isBuiltHere, overwrite },
    storeSources: () => storeSources(run, codeHash),
  });
  return outcome(run, plan, { ...ending, cached });
}

/**
 * A set that this run did not send may have been built from other code, or with other tools or flags. It is cached only
 * if its record has the same code hash.
 */
function isBuiltFrom(
  { log }: RunContext,
  record: CompleteRecord | undefined,
  { value }: CodeHash,
): record is CompleteRecord {
  if (record?.codeHash === value) return true;
  const why = record?.codeHash === undefined ? 'without a code hash' : `with the code hash ${shortId(record.codeHash)}`;
  log.warning(
    `The set of this commit was stored ${why}, so it is not cached under ${shortId(value)}: give each job that uploads for a commit its own 'prefix', or replace the set with overwrite: true`,
  );
  return false;
}

function outcome(
  run: RunContext,
  { location, codeHash }: UploadPlan,
  { lookup, ...ending }: Ending & { readonly cached?: boolean },
): Outcome {
  return outcomeOf({
    ...ending,
    set: isUsable(lookup, run.legacy) ? lookup : undefined,
    commit: location.id,
    codeHash: recordOf(lookup)?.codeHash ?? codeHash?.value,
    location,
  });
}

/** Hints from earlier steps, with the means to verify them. */
interface MarkedUpload {
  /** The commit's own set. */
  readonly own: SetLocation;
  readonly hints: Hints;
  readonly findHash: () => Promise<CodeHash | undefined>;
}

/**
 * Looks up the set that an earlier step says it found.
 *
 * @returns the outcome of an upload that has nothing to do; undefined if no step found the set, or it no longer counts
 * @throws UserError if only signed sets count and that one is not signed, or if another run is still writing it
 */
async function uploadMarked(run: RunContext, marked: MarkedUpload): Promise<Outcome | undefined> {
  const location = await hintedSet(run, marked.own, marked.hints);
  if (location === undefined || !(await isWanted(run, location, marked))) return undefined;
  const { store, log } = run;
  const where = uriOf(store.bucket, location);
  const set = await lookUpFinished(run, location);
  if (!isUsable(set, run.legacy)) {
    if (store.requiresSignatures) refuseUnsigned(set, where);
    log.warning(`An earlier step found the set at ${where}, but it no longer counts (${set.status.reason}).`);
    return undefined;
  }
  const shown = shortUriOf(store.bucket, location);
  log.info(`An earlier step found the set at ${shown}, and it is still there: nothing to upload.`);
  await leaveRecordOf(run, set);
  return outcomeOf({ set, reason: 'marker', commit: marked.own.id, codeHash: recordOf(set)?.codeHash, location });
}

/** The package directory may not exist if nothing is uploaded, or a set without files. */
async function leaveRecordOf(run: RunContext, set: Lookup): Promise<void> {
  if (!run.dryRun && recordOf(set) !== undefined) await run.packages.create();
  await leaveRecord(run, set);
}

/**
 * Handles `access: read`: the outcome says whether the set that an earlier step found, or else the commit's own, is
 * there.
 */
async function uploadNothing(run: RunContext, own: SetLocation): Promise<Outcome> {
  const hints = await readHints(run, own);
  const marked = await uploadMarked(run, { own, hints, findHash: once(() => findCodeHash(run, own.id, hints)) });
  if (marked !== undefined) return { ...marked, reason: 'read-only' };
  const lookup = await lookUp(run, own);
  const set = isUsable(lookup, run.legacy) ? lookup : undefined;
  if (set !== undefined) await leaveRecordOf(run, set);
  run.log.info(
    `Nothing is uploaded, since access is 'read': ${uriOf(run.store.bucket, own)} has ${set === undefined ? 'no complete' : 'a complete'} set.`,
  );
  return outcomeOf({
    set,
    reason: 'read-only',
    commit: own.id,
    codeHash: set && recordOf(set)?.codeHash,
    location: own,
  });
}

/** A build can write to the package directory, so hints from there may not name sets of another prefix or code. */
async function isWanted(
  run: RunContext,
  location: SetLocation,
  { own, hints, findHash }: MarkedUpload,
): Promise<boolean> {
  if (hints.kind === 'handover' && hints.isOutOfReach)
    return location.id === (location.kind === 'artifact' ? own.id : (await findHash())?.value);
  if (location.kind === 'artifact') return location.recordKey === own.recordKey;
  const cached = await untouchedCodeHash(run, own.id);
  return cached !== undefined && location.recordKey === cacheSet(run.prefix, cached.value).recordKey;
}

/** A step without keys may have restored this set, and its files must not be signed here. */
function refuseUnsigned({ record, status }: Lookup, where: string): void {
  if (record?.distrust === undefined && status.reason !== 'legacy') return;
  throw new UserError(
    `An earlier step found the set at ${where}, which is not signed by a key of this step: give the step that checks the same signing-key and verify-keys`,
  );
}
