import type { Outcome } from '../../../src/modes/outcome.ts';
import { isLegacy, isWhole, type Moment, placeOf, recordIn, type SetPlace } from './history.ts';
import { someMoment, wasDisturbed, wasInProgress } from './moments.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

/** Whoever copies a set out of the cache is soon done. */
const PROMOTION_MS = 15_000;

/** A miss is true as well: the set was not whole at some moment, or was being written. */
export function verifyMiss(world: World, process: ModelProcess, outcome: Outcome): void {
  const { plan, number } = process;
  const own = placeOf('artifacts', outcome.commit);
  const { reason } = outcome;
  const isTrusting = plan.legacy === 'trust' && !wasDisturbed(world, process, own);
  const isUsable = (moment: Moment): boolean => isWhole(moment) || (isTrusting && isLegacy(moment, own));
  if (!someMoment(world, process, own, (moment) => !isUsable(moment)))
    world.violate(`P${number} misses ${own.prefix}, which was whole all the time`);
  if (reason === 'absent' && !someMoment(world, process, own, ({ record }) => record === undefined))
    world.violate(`P${number} says that ${own.prefix} is absent, and it had a record all the time`);
  if (reason === 'in-progress' && !wasInProgress(world, process, own))
    world.violate(`P${number} says that ${own.prefix} is being written, and nobody did`);
  const hasWaited = process.endedMs - process.startedMs >= PROMOTION_MS;
  if (reason === 'in-progress' && !hasWaited && isPromoted(world, process, own))
    world.violate(`P${number} does not wait for the promotion of ${own.prefix}`);
  if (reason === 'incomplete' && isIdle(world, process, own))
    world.violate(`P${number} says that nobody writes ${own.prefix}, and somebody did all the time`);
  if (plan.legacy === 'trust' && reason === 'legacy')
    world.violate(`P${number} misses a legacy set, which it was to trust`);
}

/** Whether a record was held by somebody else within the lease at every moment. */
function isIdle(world: World, process: ModelProcess, place: SetPlace): boolean {
  return !someMoment(world, process, place, ({ record }) => {
    if (record === undefined || recordIn(record).state === 'complete' || typeof record.author !== 'number') return true;
    const author = world.processOf(record.author);
    if (author.runId === process.runId && author.attempt < process.attempt) return true;
    return record.modifiedMs + recordIn(record).leaseSeconds * 1000 < process.endedMs;
  });
}

function isPromoted(world: World, process: ModelProcess, place: SetPlace): boolean {
  return !someMoment(world, process, place, ({ record }) => {
    const { state, origin } = record === undefined ? { state: 'complete', origin: undefined } : recordIn(record);
    return state === 'complete' || origin?.kind !== 'cache';
  });
}
