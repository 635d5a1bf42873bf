import { RecordClaim } from '../asset-set/claim.ts';
import { assertCheckedOut, type CommitRequest, resolveCommit } from '../asset-set/commit.ts';
import { completeSet } from '../asset-set/complete.ts';
import { type Hints, hintedSet, readHints } from '../asset-set/handover.ts';
import { artifactSet, cacheSet, type SetLocation, uriOf } from '../asset-set/location.ts';
import { type Finding, isUsable } from '../asset-set/lookup.ts';
import { type AssetSettings, differingPath, planUpload, refuseBadPaths, refuseMissing } from '../asset-set/plan.ts';
import { fillCache, withdrawFromCache } from '../asset-set/promote.ts';
import { type CompleteRecord, recordText, type Writer } from '../asset-set/record.ts';
import { filesByPath, type PlannedAsset, sealedFiles, sendAssets } from '../asset-set/send.ts';
import { lookUpSettled, stillInProgress } from '../asset-set/wait.ts';
import { type Concurrency, once, waitForAll } from '../async.ts';
import { findCodeHash, untouchedCodeHash } from '../code-hash/checked-out.ts';
import type { CodeHash, CodeHashRequest } from '../code-hash/code-hash.ts';
import { InputError, RecordLostError, UserError } from '../errors.ts';
import type { FileSelection, Ports } from '../ports.ts';
import { counted, defined, printable, readableSize } from '../text.ts';
import { builtFrom, filesOf, type Outcome, recordOf, type UploadReason } from './outcome.ts';

/** Each attempt waits for another run that was faster. */
const MOST_OVERWRITES = 3;

export interface UploadRequest {
  readonly commit: CommitRequest;
  /** Which files are uploaded. */
  readonly selection: FileSelection;
  readonly settings: AssetSettings;
  readonly codeHash: CodeHashRequest | undefined;
  readonly prefix: string;
  readonly ifNoFilesFound: 'error' | 'warn' | 'ignore';
  readonly overwrite: boolean;
  readonly legacy: 'trust' | 'ignore';
  readonly dryRun: boolean;
  readonly waitMs: number;
  readonly concurrency: Concurrency;
  readonly writer: Omit<Writer, 'nonce' | 'sequence'>;
}

/**
 * Stores the package directory as the commit's set, and a copy of it for other commits of the same code. Does nothing
 * where an earlier step found the set and it is still there.
 *
 * @throws UserError where the package directory was made for another commit, or has a file that can't be stored
 */
export async function upload(request: UploadRequest, ports: Ports): Promise<Outcome> {
  const commit = await resolveCommit(request.commit, ports.sources);
  await refuseOtherCommit(ports, commit);
  const location = artifactSet(request.prefix, commit);
  const hints = await readHints(ports, location);
  const codeHash = once(() => findCodeHash(request.codeHash, ports, { commit, hints }));
  // git answers while the package directory is read.
  const [, { marked, assets }] = await waitForAll([
    assertCheckedOut(commit, request.commit, ports),
    prepare(request, ports, { own: location, hints, codeHash }),
  ]);
  if (marked !== undefined) return marked;
  if (assets.length === 0) tellNoFiles(request, ports);
  const hash = await codeHash();
  const cache = hash === undefined ? [] : [cacheSet(request.prefix, hash.value)];
  refuseBadPaths(ports.packages, { assets, locations: [location, ...cache] });
  return uploadPlanned({ request, ports, location, assets, codeHash: hash });
}

/** @returns what there is to upload, or how it ends where nothing is */
async function prepare(request: UploadRequest, ports: Ports, told: MarkedUpload) {
  const marked = request.overwrite ? undefined : await uploadMarked(request, ports, told);
  if (marked !== undefined) return { marked, assets: [] };
  const { packages } = ports;
  if (!(await packages.exists()))
    throw new InputError(
      `package-directory '${packages.path}' does not exist: build the assets into it before uploading`,
    );
  return { marked, assets: await planUpload(ports, request) };
}

async function refuseOtherCommit({ packages }: Ports, commit: string): Promise<void> {
  const marked = (await packages.readMarker('.commit-hash'))?.trim();
  if (marked !== undefined && marked !== '' && marked !== commit)
    throw new UserError(
      `${packages.path}/.commit-hash says '${printable(marked)}', but this upload is for ${commit}: run check for the same commit-sha, or delete the file`,
    );
}

function tellNoFiles({ ifNoFilesFound, selection }: UploadRequest, { packages, log }: Ports): void {
  const { patterns } = selection;
  const why =
    patterns.length === 0 ? "hidden files don't count" : `no file matches files, '${printable(patterns.join(' '))}'`;
  const line = `There is nothing to upload in ${packages.path} (${why})`;
  if (ifNoFilesFound === 'error')
    throw new InputError(`${line}: build into it first, or set if-no-files-found to 'warn' or 'ignore'`);
  if (ifNoFilesFound === 'warn') log.warning(`${line}: nothing is uploaded.`);
}

/** Everything that an upload has decided before it looks at the store. */
interface UploadPlan {
  readonly request: UploadRequest;
  readonly ports: Ports;
  readonly location: SetLocation;
  readonly assets: readonly PlannedAsset[];
  readonly codeHash: CodeHash | undefined;
}

async function uploadPlanned(plan: UploadPlan): Promise<Outcome> {
  const { request, ports, location, assets, codeHash } = plan;
  const { bucket } = ports.store;
  const finding = await settledFinding(plan);
  const isThere = isUsable(finding, request.legacy) && !request.overwrite;
  if (assets.length === 0) return outcome(plan, { finding, reason: finding.verdict.reason });
  if (isThere) {
    await compareWithStored(plan, finding);
    ports.log.info(`The set at ${uriOf(bucket, location)} has all of these paths: nothing is uploaded.`);
    return finish(plan, { finding, reason: finding.verdict.reason });
  }
  if (request.dryRun) {
    const copied = codeHash && `, and copy them to ${uriOf(bucket, cacheSet(request.prefix, codeHash.value))}`;
    ports.log.info(
      `Dry run: would upload ${counted(assets.length, 'asset')} to ${uriOf(bucket, location)}${copied ?? ''}.`,
    );
    return outcome(plan, { finding, reason: finding.verdict.reason });
  }
  return sendOrYield(plan, finding);
}

/** Leaves the set to another run that took its record. With `overwrite` it waits for that run, and replaces its set. */
async function sendOrYield(plan: UploadPlan, first: Finding): Promise<Outcome> {
  const { request, ports } = plan;
  let finding = first;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(plan, finding);
    } catch (error) {
      if (!(error instanceof RecordLostError)) throw error;
      if (!request.overwrite) return afterLostRace(plan, error);
      if (attempt === MOST_OVERWRITES) throw error;
      ports.log.info(`${error.message}: waiting for it, to replace its set.`);
      finding = await settledFinding(plan);
    }
  }
}

async function settledFinding({ request, ports, location }: UploadPlan): Promise<Finding> {
  const finding = await lookUpSettled({ ...ports, reader: request.writer }, location, request.waitMs);
  if (finding.verdict.reason !== 'in-progress') return finding;
  throw stillInProgress(finding.verdict.record, { location, waitMs: request.waitMs });
}

/**
 * Two builds of one commit should be the same; the one that is stored stays, whole.
 *
 * @throws UserError for a set that lacks a planned path
 */
async function compareWithStored({ ports, assets, location }: UploadPlan, finding: Finding): Promise<void> {
  const { packages, store, log } = ports;
  const stored = filesOf(finding);
  const where = uriOf(store.bucket, location);
  refuseMissing({ assets, stored, where, isRecorded: finding.verdict.reason === 'complete' });
  const differing = await differingPath(packages, { assets, stored });
  if (differing !== undefined)
    log.warning(
      `'${printable(differing)}' is not the same file as in the set that is stored for this commit, which stays as it is: set overwrite to 'true' to replace it, or make the build reproducible`,
    );
}

async function send(plan: UploadPlan, finding: Finding): Promise<Outcome> {
  const { request, ports, location, assets, codeHash } = plan;
  const { writer, concurrency } = request;
  const owner = { commit: location.id, codeHash: codeHash?.value };
  // What may be replaced is what was there before the claim.
  const before = finding.listing;
  let sealed = sealedFiles(finding);
  if (request.overwrite) await withdrawReplaced(plan, finding);
  const claim = await RecordClaim.begin(ports, {
    location,
    writer,
    takeOver: finding.record?.etag,
    draft: defined({
      commit: location.id,
      codeHash: codeHash?.value,
      codeHashAlgorithm: codeHash?.algorithm,
      origin: { kind: 'upload' },
      sealedBefore: sealed && true,
    }),
  });
  let presentCount = 0;
  const record = await completeSet(ports, claim, {
    planned: assets,
    transfer: async (listing = before) => {
      const evidence = { overwrite: request.overwrite, sealed };
      const sent = await sendAssets(ports, claim, { assets, listing, owner, evidence, concurrency });
      presentCount = sent.presentCount;
      sealed = filesByPath(sent.files);
      return sent.files;
    },
  });
  const size = readableSize(record.totalSize);
  ports.log.info(
    `Stored ${counted(record.files.length, 'asset')} (${size}${presentCount > 0 ? `, ${presentCount} of them there already` : ''}) at ${uriOf(ports.store.bucket, location)}.`,
  );
  const found = { ...finding, verdict: { reason: 'complete', record } } as const;
  return finish(plan, { finding: found, reason: presentCount > 0 ? 'resumed' : 'uploaded' });
}

/** Another run took the record: ends well when that run's set is complete, and says where the two builds differ. */
async function afterLostRace(plan: UploadPlan, error: RecordLostError): Promise<Outcome> {
  const { request, ports } = plan;
  ports.log.info(`${error.message}: leaving the set to it.`);
  const finding = await settledFinding(plan);
  if (!isUsable(finding, request.legacy)) throw error;
  await compareWithStored(plan, finding);
  return finish(plan, { finding, reason: 'lost-race' });
}

/** The build that is replaced may be in the cache as the code that this run hashed, or as its own record's. */
async function withdrawReplaced({ request, ports, location, codeHash }: UploadPlan, finding: Finding): Promise<void> {
  const replaced = finding.record?.record;
  const isOther = replaced?.codeHash !== undefined && replaced.codeHash !== codeHash?.value;
  const recorded = isOther ? { value: replaced.codeHash, algorithm: replaced.codeHashAlgorithm } : undefined;
  for (const withdrawn of [codeHash, recorded])
    if (withdrawn !== undefined) await withdrawFromCache(ports, request, { commit: location.id, codeHash: withdrawn });
}

interface Ending {
  readonly finding: Finding;
  readonly reason: Outcome['reason'];
}

/** A complete set: its record is left for later steps, and its copy for other commits of the same code is made. */
async function finish(plan: UploadPlan, ending: Ending): Promise<Outcome> {
  const { request, ports, location, codeHash } = plan;
  const record = recordOf(ending.finding);
  if (request.dryRun) return outcome(plan, ending);
  if (record !== undefined) await ports.packages.writeMarker('.record.json', recordText(record));
  if (codeHash === undefined || !isBuiltFrom(record, codeHash, ports.log)) return outcome(plan, ending);
  const cached = await fillCache(ports, { ...request, source: location, record, codeHash: codeHash.value });
  return { ...outcome(plan, ending), cached };
}

/**
 * A set that this run did not send may be of other code, tools or flags: it must not be cached as of these, unless its
 * record says the same code hash.
 */
function isBuiltFrom(
  record: CompleteRecord | undefined,
  { value }: CodeHash,
  log: Ports['log'],
): record is CompleteRecord {
  if (record?.codeHash === value) return true;
  const why = record?.codeHash === undefined ? 'without a code hash' : `with the code hash ${record.codeHash}`;
  log.warning(
    `The set of this commit was stored ${why}, so it is not cached under ${value}: give each job that uploads for a commit its own 'prefix', or replace the set with overwrite: true`,
  );
  return false;
}

const SENT: ReadonlySet<Outcome['reason']> = new Set<UploadReason>(['uploaded', 'resumed']);

function outcome({ request, location, codeHash }: UploadPlan, { finding, reason }: Ending): Outcome {
  const found = isUsable(finding, request.legacy);
  const record = recordOf(finding);
  return {
    found,
    source: found ? 'artifact' : 'none',
    reason,
    cacheHit: false,
    commit: location.id,
    codeHash: record?.codeHash ?? codeHash?.value,
    builtFromCommit: record === undefined ? undefined : builtFrom(record),
    location,
    files: found ? filesOf(finding) : [],
    uploaded: SENT.has(reason),
    cached: false,
    restored: false,
  };
}

/** What earlier steps told an upload. */
interface MarkedUpload {
  /** The commit's own set. */
  readonly own: SetLocation;
  readonly hints: Hints;
  readonly codeHash: () => Promise<CodeHash | undefined>;
}

/**
 * Looks up the set that an earlier step says it found.
 *
 * @returns the outcome of an upload that has nothing to do; undefined where no step found the set, or it no longer counts
 * @throws UserError where only signed sets count and that one is not, or another run is still writing it
 */
async function uploadMarked(request: UploadRequest, ports: Ports, marked: MarkedUpload): Promise<Outcome | undefined> {
  const location = await hintedSet(ports, marked.own, marked.hints);
  if (location === undefined || !(await isWanted(request, ports, { location, marked }))) return undefined;
  const { store, packages, log } = ports;
  const where = uriOf(store.bucket, location);
  const finding = await lookUpSettled({ ...ports, reader: request.writer }, location, request.waitMs);
  const { verdict } = finding;
  if (verdict.reason === 'in-progress') throw stillInProgress(verdict.record, { location, waitMs: request.waitMs });
  if (!isUsable(finding, request.legacy)) {
    if (store.requiresSignatures) refuseUnsigned(finding, where);
    log.warning(`An earlier step found the set at ${where}, but it no longer counts (${verdict.reason}).`);
    return undefined;
  }
  log.info(`An earlier step found the set at ${where}, and it is still there: nothing to upload.`);
  const record = recordOf(finding);
  if (record !== undefined && !request.dryRun) {
    await packages.create();
    await packages.writeMarker('.record.json', recordText(record));
  }
  return {
    found: true,
    source: 'artifact',
    reason: 'marker',
    cacheHit: false,
    commit: marked.own.id,
    codeHash: record?.codeHash,
    builtFromCommit: record && builtFrom(record),
    location,
    files: filesOf(finding),
    uploaded: false,
    cached: false,
    restored: false,
  };
}

/** A build can write what lies in the package directory, so that may not name the sets of another prefix or code. */
async function isWanted(
  request: UploadRequest,
  { sources }: Ports,
  { location, marked: { own, hints, codeHash } }: { location: SetLocation; marked: MarkedUpload },
): Promise<boolean> {
  if (hints.kind === 'handover' && hints.isOutOfReach)
    return location.id === (location.kind === 'artifact' ? own.id : (await codeHash())?.value);
  if (location.kind === 'artifact') return location.recordKey === own.recordKey;
  const cached = await untouchedCodeHash(request.codeHash, sources, own.id);
  return cached !== undefined && location.recordKey === cacheSet(request.prefix, cached.value).recordKey;
}

/** A step without keys may have restored that set: its files must not be signed here. */
function refuseUnsigned({ record, verdict }: Finding, where: string): void {
  if (record?.distrust === undefined && verdict.reason !== 'legacy') return;
  throw new UserError(
    `An earlier step found the set at ${where}, which is not signed by a key of this step: give the step that checks the same signing-key and verify-keys`,
  );
}
