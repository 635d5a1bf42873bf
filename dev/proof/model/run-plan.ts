import { runEpilogue } from './epilogue.ts';
import { Interleaving } from './interleaving.ts';
import type { Plan } from './plan.ts';
import { runPrologue } from './prologue.ts';
import { verifyEnding } from './verify-ending.ts';
import { World } from './world.ts';

/**
 * Runs one interleaving from its prologue to its epilogue.
 *
 * @returns the world with its violations and events
 */
export async function runPlan(plan: Plan, counts: Map<string, number>): Promise<World> {
  const world = new World(plan, { counts, verify: verifyEnding });
  await runPrologue(world);
  await new Interleaving(world).run();
  if (world.violations.length === 0) await runEpilogue(world);
  world.count('interleavings');
  return world;
}
