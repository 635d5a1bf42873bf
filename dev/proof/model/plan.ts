import fc, { type Arbitrary } from 'fast-check';

/** One run of the action, as it was drawn. */
export interface ProcessPlan {
  readonly mode: 'check' | 'upload' | 'restore';
  readonly commit: 0 | 1;
  /** Position of the build that its package directory holds; a check's and most restores' are empty. */
  readonly build: number;
  readonly code: 0 | 1;
  readonly caches: boolean;
  readonly overwrite: boolean;
  readonly promotes: boolean;
  readonly restores: boolean;
  readonly waits: boolean;
  readonly legacy: 'trust' | 'ignore';
  readonly concurrency: number;
  /** A later attempt of the run before it, or another job of it, or a run of its own. */
  readonly kin: 'attempt' | 'job' | 'none';
}

/** How often what goes wrong does so, against 8 for what goes on. Of most things, none in most interleavings. */
export interface Mood {
  readonly lose: number;
  readonly duplicate: number;
  readonly fault: number;
  readonly corrupt: number;
  readonly crash: number;
  readonly cancel: number;
  readonly pause: number;
  readonly jump: number;
  readonly damage: number;
  readonly unrecord: number;
  /** A build that still writes to the package directory. */
  readonly rewrite: number;
  /** Whether what goes wrong with requests goes wrong with writes of records first. */
  readonly aimsAtRecords: boolean;
  /** How much rather the process goes on that went on last. */
  readonly stick: number;
  readonly tickMs: number;
}

/** What the bucket holds when the processes begin. */
export interface Prologue {
  readonly kind: 'empty' | 'sealed' | 'cached' | 'legacy' | 'legacy-cache' | 'python-promoted' | 'half';
  readonly build: number;
  readonly damage: 'none' | 'delete' | 'overwrite' | 'unrecord';
  /** How long ago: 0, or longer than any lease. */
  readonly isOld: boolean;
  /** Another tool's multipart upload is open. */
  readonly hasForeignMultipart: boolean;
}

/** Variants of the three paths; 3: the path is not there. */
export type BuildPlan = { readonly code: 0 | 1; readonly variants: readonly [number, number, number] };

export interface Plan {
  readonly builds: readonly BuildPlan[];
  readonly prologue: Prologue;
  readonly processes: readonly ProcessPlan[];
  readonly mood: Mood;
  readonly schedule: readonly number[];
  readonly epilogue: { readonly build: number; readonly straysArrive: boolean; readonly legacy: 'trust' | 'ignore' };
}

const MOST_STEPS = 260;
const LARGEST_CHOICE = 2 ** 24 - 1;

const build = fc.nat({ max: 2 });
const mostlyFirst = fc.constantFrom<0 | 1>(0, 0, 0, 1);
const rarely = fc.constantFrom(false, false, false, true);
const legacy = fc.constantFrom<'trust' | 'ignore'>('trust', 'trust', 'ignore');

const processPlan: Arbitrary<ProcessPlan> = fc.record({
  mode: fc.constantFrom<ProcessPlan['mode']>('upload', 'upload', 'upload', 'check', 'check', 'restore'),
  commit: mostlyFirst,
  build,
  code: mostlyFirst,
  caches: fc.boolean(),
  overwrite: rarely,
  promotes: fc.constantFrom(true, true, true, false),
  restores: fc.boolean(),
  waits: fc.constantFrom(true, true, false),
  legacy,
  concurrency: fc.constantFrom(1, 1, 2, 4),
  kin: fc.constantFrom<ProcessPlan['kin']>('none', 'none', 'none', 'attempt', 'job'),
});

const seldom = fc.constantFrom(0, 0, 0, 0, 1, 2);
const often = fc.constantFrom(0, 0, 1, 2, 4);

const anyMood: Arbitrary<Mood> = fc.record({
  lose: often,
  duplicate: often,
  fault: fc.constantFrom(0, 0, 0, 1, 2, 4),
  corrupt: fc.constantFrom(0, 0, 0, 4),
  crash: seldom,
  cancel: fc.constantFrom(0, 0, 0, 0, 1),
  pause: often,
  jump: often,
  damage: fc.constantFrom(0, 0, 0, 1, 4),
  unrecord: fc.constantFrom(0, 0, 0, 0, 0, 1),
  rewrite: fc.constantFrom(0, 0, 0, 0, 0, 3),
  aimsAtRecords: fc.boolean(),
  stick: fc.constantFrom(0, 2, 8, 32),
  tickMs: fc.constantFrom(0, 5, 40, 400, 1500),
});

/** Nothing goes wrong but that replies get lost and things happen in any order: so everybody has to succeed. */
const calmMood: Arbitrary<Mood> = anyMood.map(({ lose, aimsAtRecords, stick }) => {
  const none = { duplicate: 0, fault: 0, corrupt: 0, crash: 0, cancel: 0, pause: 0, jump: 0, damage: 0 };
  return { ...none, unrecord: 0, rewrite: 0, tickMs: 5, lose, aimsAtRecords, stick };
});

const mood = fc.oneof({ arbitrary: anyMood, weight: 5 }, { arbitrary: calmMood, weight: 1 });

const prologue: Arbitrary<Prologue> = fc.record({
  kind: fc.constantFrom<Prologue['kind']>(
    'empty',
    'empty',
    'sealed',
    'cached',
    'cached',
    'legacy',
    'legacy-cache',
    'python-promoted',
    'half',
  ),
  build,
  damage: fc.constantFrom<Prologue['damage']>('none', 'none', 'none', 'delete', 'overwrite', 'overwrite', 'unrecord'),
  isOld: fc.boolean(),
  hasForeignMultipart: rarely,
});

const variant = fc.constantFrom(0, 0, 0, 1, 1, 2);
const buildPlan: Arbitrary<BuildPlan> = fc.record({
  code: mostlyFirst,
  variants: fc.tuple(variant, fc.constantFrom(0, 0, 1, 1, 2, 3, 3), fc.constantFrom(0, 1, 3, 3)),
});

/** Everything that one interleaving is made of, so that it can be shrunk and done again. */
export const plans: Arbitrary<Plan> = fc.noBias(
  fc.record({
    builds: fc.array(buildPlan, { minLength: 3, maxLength: 3 }),
    prologue,
    processes: fc.array(processPlan, { minLength: 2, maxLength: 5, size: 'max' }),
    mood,
    schedule: fc.array(fc.nat({ max: LARGEST_CHOICE }), { minLength: 0, maxLength: MOST_STEPS, size: 'max' }),
    epilogue: fc.record({ build, straysArrive: fc.boolean(), legacy }),
  }),
);

/** What the prologue and the epilogue vary. */
export const PLAIN_UPLOAD: ProcessPlan = {
  mode: 'upload',
  commit: 0,
  build: 0,
  code: 0,
  caches: false,
  overwrite: false,
  promotes: true,
  restores: true,
  waits: true,
  legacy: 'trust',
  concurrency: 2,
  kin: 'none',
};
