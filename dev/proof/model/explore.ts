import fc from 'fast-check';
import { type Plan, plans } from './plan.ts';
import { runPlan } from './run-plan.ts';

export interface Exploration {
  readonly interleavings: number;
  readonly seed: number;
  /** The path of one interleaving, as the report of a violation gives it. */
  readonly path?: string | undefined;
  /** How long to look for a simpler interleaving that also fails. */
  readonly shrinksForMs?: number;
  readonly progress?: (count: number) => void;
}

export interface Explored {
  readonly counts: ReadonlyMap<string, number>;
  /** The first violation, with all events before it; undefined if there was none. */
  readonly violation: string | undefined;
  /** The promise that was broken, in one line. */
  readonly promise: string | undefined;
  /** The number of interleavings up to the first that failed. */
  readonly tried: number;
}

/** Runs interleavings until one of them breaks a promise. */
export async function explore(exploration: Exploration): Promise<Explored> {
  const { interleavings, seed, path, shrinksForMs = 0, progress } = exploration;
  const counts = new Map<string, number>();
  const property = propertyOf(counts, progress);
  const given = path === undefined ? {} : { path };
  const result = await fc.check(property, { numRuns: interleavings, seed, endOnFailure: true, ...given });
  const tried = counts.get('interleavings') ?? 0;
  if (!result.failed) return { counts, violation: undefined, promise: undefined, tried };
  const simplest = shrinksForMs === 0 ? result : await simplify(result, shrinksForMs);
  const [plan] = simplest.counterexample ?? result.counterexample ?? [];
  if (plan === undefined) throw new Error('fast-check failed without an example', { cause: result.errorInstance });
  const { errorInstance, counterexamplePath } = simplest;
  const promise = Error.isError(errorInstance) ? errorInstance.message : String(errorInstance);
  return { counts, promise, violation: await tell(plan, { seed, path: counterexamplePath ?? '' }), tried };
}

function propertyOf(counts: Map<string, number>, progress?: (count: number) => void) {
  return fc.asyncProperty(plans, async (plan) => {
    const { violations } = await runPlan(plan, counts);
    progress?.(counts.get('interleavings') ?? 0);
    if (violations.length > 0) throw new Error(violations.join('; '));
  });
}

function simplify({ seed, counterexamplePath }: fc.RunDetails<[Plan]>, durationMs: number) {
  const path = counterexamplePath === null ? {} : { path: counterexamplePath };
  return fc.check(propertyOf(new Map()), {
    seed,
    ...path,
    interruptAfterTimeLimit: durationMs,
    markInterruptAsFailure: true,
  });
}

async function tell(plan: Plan, { seed, path }: { seed: number; path: string }): Promise<string> {
  const { story } = await runPlan(plan, new Map());
  return [
    `node dev/proof/model/replay.ts ${seed} ${path}`,
    JSON.stringify({ ...plan, schedule: plan.schedule.length }),
    ...story,
  ].join('\n');
}
