import type { ModelProcess } from './process.ts';
import { verifyFailure } from './verify-failure.ts';
import { verifyFound } from './verify-found.ts';
import { verifyMiss } from './verify-miss.ts';
import type { World } from './world.ts';

/** Checks how a process ended. */
export function verifyEnding(world: World, process: ModelProcess): void {
  const { ending, number } = process;
  const open = world.requests.open.find(({ sender, isWrite }) => sender === number && isWrite);
  if (open !== undefined) world.violate(`P${number} has ended, but its ${open.verb} of ${open.key} is in progress`);
  if (world.time.hasTimers(process)) world.violate(`P${number} has ended, but one of its timers is still running`);
  if (ending === undefined) return;
  if ('error' in ending) {
    world.tell(`P${number} fails: ${ending.error}`);
    verifyFailure(world, process, ending.error);
    return;
  }
  const { found, reason, source, uploaded, cached, restored } = ending.outcome;
  world.tell(`P${number} ends: ${JSON.stringify({ found, reason, source, uploaded, cached, restored })}`);
  world.count(`ended ${found ? 'found' : 'with a miss'}`);
  if (process.mustFail) world.violate(`P${number} takes a fault for an answer`);
  if (found) verifyFound(world, process, ending.outcome);
  else verifyMiss(world, process, ending.outcome);
}
