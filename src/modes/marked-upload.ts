import type { CodeHash } from '../core/code-hash-request.ts';
import { cacheSet, type SetLocation, uriOf } from '../core/keys.ts';
import { recordText } from '../core/record.ts';
import { UserError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { untouchedCodeHash } from '../steps/find-code-hash.ts';
import { type Hints, hintedSet } from '../steps/hand-over.ts';
import { type Finding, isUsable } from '../steps/look-up.ts';
import { lookUpSettled } from '../steps/look-up-settled.ts';
import { stillInProgress } from '../steps/wait-for-set.ts';
import { builtFrom, filesOf, type Outcome, recordOf } from './outcome.ts';
import type { UploadRequest } from './upload.ts';

/** What earlier steps told an upload. */
export interface MarkedUpload {
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
export async function uploadMarked(
  request: UploadRequest,
  ports: Ports,
  marked: MarkedUpload,
): Promise<Outcome | undefined> {
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
