import { CancelledError, RecordLostError, SetChangedError, StoreError, UserError } from '../../../src/errors.ts';
import { isRecordKey } from './contents.ts';
import { isWhole, placeOfKey, recordIn, type SetPlace } from './history.ts';
import { someMoment, wasInProgress } from './moments.ts';
import { PartChangedError } from './multipart.ts';
import { type ModelProcess, PATIENCE_MS } from './process.ts';
import type { World } from './world.ts';

/** A process fails only for a good reason, which its message names. */
export function verifyFailure(world: World, process: ModelProcess, error: unknown): void {
  const { number, plan, faults, isCancelled } = process;
  world.count('ended with an error');
  if (!(error instanceof UserError)) {
    world.violate(`P${number} fails unexpectedly: ${stackOf(error)}`);
    return;
  }
  // A file that was changed and changed back looks like a part that was damaged in transit.
  const isOwnChange = process.wasRewritten && error instanceof PartChangedError;
  if (error instanceof StoreError && faults === 0 && !isOwnChange && !wasUnrecorded(world, process))
    world.violate(`P${number} reports a fault that did not happen: ${error.message}`);
  if (error instanceof CancelledError && !isCancelled) world.violate(`P${number} was not cancelled`);
  if (error instanceof SetChangedError && plan.mode === 'check' && !plan.restores)
    world.violate(`P${number} reports a changed cache as a fault: ${error.message}`);
  if (error instanceof RecordLostError) verifyLoss(world, process, error);
  if (error.message.startsWith('Others keep overwriting') && othersIn(world, process) < 2)
    world.violate(`P${number} says that others keep overwriting, but they don't`);
  const written = /is still writing (\S+) after/.exec(error.message)?.[1];
  if (written !== undefined) verifyWait(world, process, placeOfKey(written));
  const isLacking =
    /is complete without|without a record|and this upload none/.test(error.message) || error instanceof SetChangedError;
  const isElsewhere = plan.checksOutOther && error.message.includes('is checked out');
  const isUnsigned = plan.signs && error.message.includes('is not signed');
  const mayMiss = isLacking || isElsewhere || isUnsigned || (written !== undefined && !plan.waits);
  if (world.isCalm && !mayMiss) world.violate(`P${number} fails although nothing went wrong: ${error.message}`);
}

/** Whether an outsider deleted a record: several processes may then write the set, and abort each other's uploads. */
function wasUnrecorded({ bucket }: World, { endedAt }: ModelProcess): boolean {
  const changes = bucket.changes.slice(0, endedAt);
  return changes.some(({ key, version }) => version === undefined && isRecordKey(key));
}

/** The number of changes while a process was running that others made, or that its own abandoned requests made. */
function othersIn({ bucket, requests }: World, { number, startedAt, endedAt }: ModelProcess): number {
  const changes = bucket.changes.slice(startedAt, endedAt);
  return changes.filter(({ author }) => author !== number).length + requests.lateCount;
}

/** A process that reports a lost record has lost it to somebody, or could not renew its lease. */
function verifyLoss(world: World, process: ModelProcess, error: RecordLostError): void {
  const { number, own } = process;
  // The record may be the cache's, since a replaced build is withdrawn from there first.
  const [, key] = /s3:\/\/model\/(\S+\.json)/.exec(error.message) ?? [];
  const place = key === undefined ? own : placeOfKey(key);
  if (!someMoment(world, process, place, (moment) => !isWhole(moment, place)))
    world.violate(`P${number} fails because of a lost record, although the set was whole`);
  const isTaken = !error.message.includes('could not be renewed');
  if (isTaken && !someMoment(world, process, place, ({ record }) => record !== undefined && record.author !== number))
    world.violate(`P${number} says that somebody else has its record, but has it itself`);
}

/** A process that stops waiting has waited long enough, and for a process that was writing. */
function verifyWait(world: World, process: ModelProcess, place: SetPlace): void {
  const { number, plan, startedMs, endedMs } = process;
  if (plan.waits && endedMs - startedMs < PATIENCE_MS) world.violate(`P${number} did not wait`);
  if (!wasInProgress(world, process, place)) world.violate(`P${number} waited for nobody`);
  if (wasSealedLongAgo(world, process, place))
    world.violate(`P${number} went on waiting although the set was complete`);
}

/** Whether a set had long been complete when a process stopped waiting, so that only a slow reply could hide it. */
function wasSealedLongAgo({ bucket }: World, process: ModelProcess, { recordKey }: SetPlace): boolean {
  const { endedAt, endedMs, slowestReplyMs, wasPaused } = process;
  const last = bucket.changes.slice(0, endedAt).findLast(({ key }) => key === recordKey)?.version;
  if (last === undefined || recordIn(last).state !== 'complete' || wasPaused) return false;
  return endedMs - slowestReplyMs - last.modifiedMs > PATIENCE_MS / 2;
}

function stackOf(error: unknown): string {
  return Error.isError(error) ? `${error.stack}` : String(error);
}
