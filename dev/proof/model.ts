import { Dice } from './dice.ts';
import { explore } from './model/explore.ts';
import type { Mutant } from './model/mutants.ts';
import { type Noticed, Workbench } from './model/workbench.ts';
import type { Tally } from './tally.ts';

// Runs the modes on a model of a store: a schedule picks the moment of every request, reply, crash and lapse of a lease.
// Then does the same with each guard of the protocol removed in turn, which the model must notice.

export interface ModelPlan {
  readonly tally: Tally;
  readonly seed: string;
  readonly interleavings: number;
  readonly mutants: readonly Mutant[];
  /** Number of guards in progress at once. */
  readonly lanes: number;
  readonly progress?: (line: string) => void;
}

/** For a redundant guard, more tries would show nothing new. */
const TRIES_OF_REDUNDANT = 2000;
const MOST_TRIES = 200_000;
const SHRINKS_FOR_MS = 30_000;
const REPORT_EVERY = 10_000;
const REPORTED = [
  'interleavings',
  'processes',
  'events',
  'crashes',
  'pauses',
  'time jumps',
  'take-overs',
  'lost replies',
  'requests sent twice',
  'late effects',
  'faults',
  'objects changed by outsiders',
  'records deleted by outsiders',
  'objects forged by outsiders',
  'sets copied elsewhere by outsiders',
  'uploads that came across markers',
  'files changed under an upload',
  'restored sets',
] as const;

export async function proveModel({ tally, seed, interleavings, mutants, lanes, progress }: ModelPlan): Promise<void> {
  const number = new Dice(seed).below(2 ** 31);
  const { counts, violation } = await explore({
    interleavings,
    seed: number,
    shrinksForMs: SHRINKS_FOR_MS,
    progress: (count) => {
      if (count % REPORT_EVERY === 0) progress?.(`${count} of ${interleavings} interleavings`);
    },
  });
  for (const what of REPORTED) tally.add(what, counts.get(what));
  if (violation !== undefined) tally.violations.push(violation);
  const queue = mutants.values();
  const work = async (): Promise<void> => {
    await using workbench = await Workbench.create();
    for (const mutant of queue)
      try {
        await proveNoticed(mutant, { workbench, tally, seed: number, progress });
      } catch (error) {
        tally.violations.push(`Without '${mutant.guard}': ${error}`);
      }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, mutants.length) }, work));
}

interface Trial {
  readonly workbench: Workbench;
  readonly tally: Tally;
  readonly seed: number;
  readonly progress: ModelPlan['progress'];
}

async function noticedByTests(workbench: Workbench, mutant: Mutant, tests: string): Promise<Noticed | undefined> {
  const failed = await workbench.testWithout(mutant, tests);
  return failed === undefined ? undefined : { tried: 0, violation: `the test '${failed}' fails` };
}

/** A guard whose removal goes unnoticed is unproven, unless the list gives a reason. */
async function proveNoticed(mutant: Mutant, { workbench, tally, seed, progress }: Trial): Promise<void> {
  const { guard, redundant, rare } = mutant;
  const interleavings = rare !== undefined ? 0 : redundant === undefined ? MOST_TRIES : TRIES_OF_REDUNDANT;
  const noticed =
    rare === undefined
      ? await workbench.tryWithout(mutant, { interleavings, seed })
      : await noticedByTests(workbench, mutant, rare);
  tally.add('guards removed');
  tally.mutants.push({
    guard: redundant === undefined ? guard : `${guard} (redundant: ${redundant})`,
    violation: noticed?.violation,
    interleavings: noticed?.tried ?? interleavings,
  });
  if (noticed !== undefined) {
    tally.add('removals noticed');
    progress?.(`without ${guard}: ${noticed.violation}, after ${noticed.tried} interleavings`);
    if (redundant !== undefined)
      tally.violations.push(`'${guard}' is listed as redundant, but is not: ${noticed.violation}`);
  } else {
    tally.add('redundant guards');
    progress?.(
      `without ${guard}: nothing in ${interleavings} interleavings (${redundant ?? 'which should break something'})`,
    );
    if (redundant === undefined) tally.violations.push(`'${guard}' can be removed unnoticed`);
  }
}
