import fc, { type Arbitrary } from 'fast-check';

/** One randomly drawn run of the action. */
export interface ProcessPlan {
  readonly mode: 'check' | 'upload' | 'restore';
  readonly commit: 0 | 1 | 2;
  /** Index of its `prefix`; with `fallsBack`, the other one is its fallback. */
  readonly root: 0 | 1;
  readonly fallsBack: boolean;
  /** Index of the build in its package directory, which is empty for a check and for most restores. */
  readonly build: number;
  readonly code: 0 | 1;
  readonly caches: boolean;
  /** Whether it hashes the sources, or is given the code hash. */
  readonly hashes: boolean;
  /** Whether another commit than its own is checked out. */
  readonly checksOutOther: boolean;
  /** Whether it has signing keys. */
  readonly signs: boolean;
  /** The hints in the package directory, or among the job's files, before an upload. */
  readonly hints: Hints;
  readonly overwrite: boolean;
  readonly promotes: boolean;
  readonly restores: boolean;
  readonly waits: boolean;
  readonly legacy: 'trust' | 'ignore';
  readonly concurrency: number;
  /** Whether it is a later attempt of the previous process's run, another job of that run, or another run. */
  readonly kin: 'attempt' | 'job' | 'none';
}

/**
 * Hints that an upload may find: `.found`, `.found-at` beside it, a check's handover among the job's files, the code
 * hash of another build, or nothing. The hint names a set as found.
 */
export interface Hints {
  readonly kind: 'none' | 'found' | 'found-at' | 'handover' | 'code-hash';
  readonly root: 0 | 1;
  readonly folder: 'artifacts' | 'cache';
  readonly id: 0 | 1;
}

/** The weight of each fault; ordinary events have 8. Most weights are 0 in most interleavings. */
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
  /** An outsider replaces an object of a set that was complete, and keeps its metadata. */
  readonly forge: number;
  /** An outsider copies a set and its record to another commit or code hash. */
  readonly misplace: number;
  /** A build is still writing to the package directory. */
  readonly rewrite: number;
  /** Whether faults prefer the writes of records. */
  readonly aimsAtRecords: boolean;
  /** How strongly the schedule prefers the process that it picked last. */
  readonly stick: number;
  readonly tickMs: number;
}

/** The contents of the bucket when the processes start. */
export interface Prologue {
  readonly kind: 'empty' | 'sealed' | 'cached' | 'legacy' | 'legacy-cache' | 'python-promoted' | 'half';
  readonly root: 0 | 1;
  readonly build: number;
  readonly damage: 'none' | 'delete' | 'overwrite' | 'unrecord' | 'forge' | 'misplace' | 'rot' | 'archive' | 'postdate';
  /** Whether they were written longer ago than any lease, instead of just now. */
  readonly isOld: boolean;
  /** Another tool's multipart upload is open. */
  readonly hasForeignMultipart: boolean;
}

/** Variants of the three paths; 3: the path is missing. */
export type BuildPlan = { readonly code: 0 | 1; readonly variants: readonly [number, number, number] };

export interface Plan {
  readonly builds: readonly BuildPlan[];
  /** Whether the store checks conditions on the target of a copy. */
  readonly checksCopies: boolean;
  readonly prologue: Prologue;
  readonly processes: readonly ProcessPlan[];
  readonly mood: Mood;
  readonly schedule: readonly number[];
  readonly epilogue: {
    readonly build: number;
    readonly overwrite: boolean;
    readonly lateRequestsArrive: boolean;
    readonly legacy: 'trust' | 'ignore';
  };
}

const MOST_STEPS = 260;
const LARGEST_CHOICE = 2 ** 24 - 1;

const build = fc.nat({ max: 2 });
const mostlyFirst = fc.constantFrom<0 | 1>(0, 0, 0, 1);
const rarely = fc.constantFrom(false, false, false, true);
const legacy = fc.constantFrom<'trust' | 'ignore'>('trust', 'trust', 'ignore');

const hints: Arbitrary<Hints> = fc.record({
  kind: fc.constantFrom<Hints['kind']>('none', 'none', 'none', 'found', 'found-at', 'handover', 'code-hash'),
  root: mostlyFirst,
  folder: fc.constantFrom<Hints['folder']>('artifacts', 'cache'),
  id: mostlyFirst,
});

const processPlan: Arbitrary<ProcessPlan> = fc.record({
  mode: fc.constantFrom<ProcessPlan['mode']>('upload', 'upload', 'upload', 'check', 'check', 'restore'),
  commit: mostlyFirst,
  root: mostlyFirst,
  fallsBack: fc.boolean(),
  build,
  code: mostlyFirst,
  caches: fc.boolean(),
  hashes: fc.boolean(),
  checksOutOther: fc.constantFrom(false, false, false, false, false, false, false, true),
  signs: fc.constantFrom(false, false, false, false, false, true),
  hints,
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
  forge: fc.constantFrom(0, 0, 0, 0, 2),
  misplace: fc.constantFrom(0, 0, 0, 0, 0, 1),
  rewrite: fc.constantFrom(0, 0, 0, 0, 0, 3),
  aimsAtRecords: fc.boolean(),
  stick: fc.constantFrom(0, 2, 8, 32),
  tickMs: fc.constantFrom(0, 5, 40, 400, 1500),
});

/** Only replies get lost, and events happen in any order, so every process has to succeed. */
const calmMood: Arbitrary<Mood> = anyMood.map(({ lose, aimsAtRecords, stick }) => {
  const none = { duplicate: 0, fault: 0, corrupt: 0, crash: 0, cancel: 0, pause: 0, jump: 0, damage: 0 };
  return { ...none, unrecord: 0, forge: 0, misplace: 0, rewrite: 0, tickMs: 5, lose, aimsAtRecords, stick };
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
  root: mostlyFirst,
  build,
  damage: fc.constantFrom<Prologue['damage']>(
    'none',
    'none',
    'none',
    'none',
    'none',
    'delete',
    'overwrite',
    'overwrite',
    'unrecord',
    'forge',
    'misplace',
    'rot',
    'archive',
    'postdate',
  ),
  isOld: fc.boolean(),
  hasForeignMultipart: rarely,
});

const buildPlan: Arbitrary<BuildPlan> = fc.record({
  code: mostlyFirst,
  // Some builds have no files at all.
  variants: fc.tuple(
    fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3),
    fc.constantFrom(0, 0, 1, 1, 2, 3, 3),
    fc.constantFrom(0, 1, 3, 3),
  ),
});

/** The upload that prologue and epilogue vary. */
export const PLAIN_UPLOAD: ProcessPlan = {
  mode: 'upload',
  commit: 0,
  root: 0,
  fallsBack: false,
  build: 0,
  code: 0,
  caches: false,
  hashes: false,
  checksOutOther: false,
  signs: false,
  hints: { kind: 'none', root: 0, folder: 'artifacts', id: 0 },
  overwrite: false,
  promotes: true,
  restores: true,
  waits: true,
  legacy: 'trust',
  concurrency: 2,
  kin: 'none',
};

const DAMAGED_IN_PLACE: readonly Prologue['damage'][] = ['delete', 'overwrite', 'unrecord'];

/** One prefix, one commit checked out, no markers and no forgeries: only the protocol itself is tested. */
function plainly({ processes, prologue, mood, ...plan }: Plan): Plan {
  const { root, fallsBack, checksOutOther, signs, hints } = PLAIN_UPLOAD;
  const damage = DAMAGED_IN_PLACE.includes(prologue.damage) ? prologue.damage : 'none';
  return {
    ...plan,
    processes: processes.map((process) => ({ ...process, root, fallsBack, checksOutOther, signs, hints })),
    prologue: { ...prologue, root, damage },
    mood: { ...mood, forge: 0, misplace: 0 },
  };
}

const anyPlans: Arbitrary<Plan> = fc.record({
  builds: fc.array(buildPlan, { minLength: 3, maxLength: 3 }),
  checksCopies: fc.boolean(),
  prologue,
  processes: fc.array(processPlan, { minLength: 2, maxLength: 5, size: 'max' }),
  mood,
  schedule: fc.array(fc.nat({ max: LARGEST_CHOICE }), { minLength: 0, maxLength: MOST_STEPS, size: 'max' }),
  epilogue: fc.record({ build, overwrite: fc.boolean(), lateRequestsArrive: fc.boolean(), legacy }),
});

/** Everything that determines one interleaving, so that it can be simplified and repeated. */
export const plans: Arbitrary<Plan> = fc.noBias(fc.oneof(anyPlans.map(plainly), anyPlans));
