import type { Outcome } from '../../../src/modes/outcome.ts';
import { CODES } from './contents.ts';
import { isArchived, isLegacy, isWhole, type Moment, recordIn, type SetPlace } from './history.ts';
import { someMoment, wasDisturbed, wasInProgress } from './moments.ts';
import { type ModelProcess, PATIENCE_MS } from './process.ts';
import type { World } from './world.ts';

/** How long a check always waits for a promotion. */
const PROMOTION_MS = 15_000;

/** A miss must be true too: at some moment, the set was not whole or was being written. */
export function verifyMiss(world: World, process: ModelProcess, outcome: Outcome): void {
  const { plan, number, own } = process;
  const { reason } = outcome;
  const isTrusting = plan.legacy === 'trust' && !wasDisturbed(world, process, own);
  const isUsable = (moment: Moment): boolean => isWhole(moment, own) || (isTrusting && isLegacy(moment, own));
  if (!someMoment(world, process, own, (moment) => !isUsable(moment)))
    world.violate(`P${number} misses ${own.prefix}, which was always whole`);
  if (reason === 'absent' && !someMoment(world, process, own, ({ record }) => record === undefined))
    world.violate(`P${number} says that ${own.prefix} is absent, although it always had a record`);
  if (reason === 'in-progress' && !wasInProgress(world, process, own))
    world.violate(`P${number} says that ${own.prefix} is being written, although nobody was writing it`);
  if (reason !== 'in-progress') verifyWaits(world, process);
  const hasWaited = process.endedMs - process.startedMs >= PROMOTION_MS;
  if (reason === 'in-progress' && !hasWaited && isPromoted(world, process, own))
    world.violate(`P${number} does not wait for the promotion of ${own.prefix}`);
  if (reason === 'incomplete' && isHeld(world, process, own))
    world.violate(`P${number} says that nobody is writing ${own.prefix}, although somebody always was`);
  if (reason === 'archived' && !someMoment(world, process, own, isArchived))
    world.violate(`P${number} says that ${own.prefix} is archived, although nothing in it is`);
  if (plan.legacy === 'trust' && reason === 'legacy')
    world.violate(`P${number} misses a legacy set, which it should have trusted`);
}

/** A process that waits does so for every set that it could use. */
function verifyWaits(world: World, process: ModelProcess): void {
  const { plan, number, elsewhere, startedMs, endedMs, log } = process;
  const mayStop =
    !plan.waits || endedMs - startedMs >= PATIENCE_MS || log.some((line) => line.includes("can't be used"));
  const written = elsewhere.find((place) => isHeld(world, process, place) && !isOfOtherCode(world, process, place));
  if (!mayStop && written !== undefined)
    world.violate(`P${number} does not wait for ${written.prefix}, which somebody was always writing`);
}

/** Whether a set was, according to its record, a build of other code at some moment. */
function isOfOtherCode(world: World, process: ModelProcess, place: SetPlace): boolean {
  const { caches, code } = process.plan;
  const isOther = (found: string | undefined): boolean => caches && found !== undefined && found !== CODES[code];
  return someMoment(
    world,
    process,
    place,
    ({ record }) => record !== undefined && !record.isArchived && isOther(recordIn(record).codeHash),
  );
}

/** Whether another process had the record under a live lease at every moment. */
function isHeld(world: World, process: ModelProcess, place: SetPlace): boolean {
  return !someMoment(world, process, place, ({ record }) => {
    if (record === undefined || record.isPostdated || typeof record.author !== 'number') return true;
    const { state, leaseSeconds } = recordIn(record);
    if (state === 'complete' || leaseSeconds === 0) return true;
    const author = world.processOf(record.author);
    if (author.runId === process.runId && author.attempt < process.attempt) return true;
    return record.modifiedMs + leaseSeconds * 1000 < process.endedMs;
  });
}

function isPromoted(world: World, process: ModelProcess, place: SetPlace): boolean {
  return !someMoment(world, process, place, ({ record }) => {
    const { state, origin } = record === undefined ? { state: 'complete', origin: undefined } : recordIn(record);
    return state === 'complete' || origin?.kind !== 'cache';
  });
}
