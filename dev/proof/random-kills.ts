import { type Build, differences, makeBuild, readDirectory, rebuild, sizeOf, writeBuild } from './build.ts';
import { Dice } from './dice.ts';
import { filesToSend, type JudgedSet, judgeSet, type SetName } from './judge.ts';
import { type BuiltAction, describeRun, type KillPoint, Lane, type Step, type StepResult } from './lane.ts';
import { sentTo, strangers } from './leftovers.ts';
import type { Endpoint } from './store.ts';
import type { Tally, Witness } from './tally.ts';
import type { TappedRequest } from './tap.ts';

// Kills at any moment of any operation, several in a row on the same sets; then everything must end correctly.

export interface KillPlan {
  readonly action: BuiltAction;
  readonly seed: string;
  readonly tally: Tally;
  /** Number of histories in progress at once. */
  readonly lanes: number;
  /** Number of killed processes in total. */
  readonly kills: number;
  readonly endpoint?: Endpoint | undefined;
  readonly progress?: (line: string) => void;
}

const MOST_IN_A_ROW = 4;
/** Few operations take more. */
const MOST_REQUESTS = { upload: 32, check: 18, restore: 14 } as const satisfies Record<Step['mode'], number>;
const REPORT_EVERY = 50;

/** The durations of operations on this machine, estimated from the latest runs. */
class Pace {
  readonly #ms = { upload: 400, check: 300, restore: 300 };

  of(mode: Step['mode']): number {
    return Math.round(this.#ms[mode]);
  }

  note(mode: Step['mode'], elapsedMs: number): void {
    this.#ms[mode] += (elapsedMs - this.#ms[mode]) / 4;
  }
}

interface HistoryContext {
  readonly lane: Lane;
  readonly tally: Tally;
  readonly pace: Pace;
}

export async function proveRandomKills({ progress, ...plan }: KillPlan): Promise<void> {
  const { tally, seed, kills, lanes } = plan;
  let number = 0;
  let reported = 0;
  const pace = new Pace();
  const killed = () => tally.counts.get('kills') ?? 0;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      await using lane = await Lane.open(plan.action, plan.endpoint);
      while (killed() < kills) {
        number += 1;
        await new History({ lane, tally, pace }, new Dice(`${seed}/${number}`)).live();
        tally.add('histories');
        if (killed() < reported + REPORT_EVERY) continue;
        reported = killed();
        progress?.(`${reported} of ${kills} kills`);
      }
    }),
  );
}

/** Two commits of the same code, each built twice with different results, and random operations on them. */
class History {
  readonly #context: HistoryContext;
  readonly #dice: Dice;
  readonly #witness: Witness;
  readonly #prefix: string;
  readonly #codeHash: string;
  readonly #commits: readonly [string, string];
  readonly #builds: readonly Build[];
  /** The folders of the builds, in order. */
  readonly #folders: string[] = [];
  /** The folder for all restores, which keeps their leftovers. */
  readonly #target: string;
  #runId = 1;
  #attempt = 0;
  #isLater = false;

  constructor(context: HistoryContext, dice: Dice) {
    this.#context = context;
    this.#dice = dice;
    this.#witness = context.tally.witness(`random kills (seed ${dice.seed})`);
    this.#prefix = `random/${dice.hex(8)}`;
    this.#codeHash = dice.hex(64);
    this.#commits = [dice.hex(40), dice.hex(40)];
    const build = makeBuild(dice, { isLarge: dice.chance(0.5) });
    this.#builds = [build, rebuild(build, dice), rebuild(build, dice), rebuild(build, dice)];
    this.#target = this.#lane.newFolder();
  }

  get #lane(): Lane {
    return this.#context.lane;
  }

  get #tally(): Tally {
    return this.#context.tally;
  }

  async live(): Promise<void> {
    for (const build of this.#builds) {
      const folder = this.#lane.newFolder();
      await writeBuild(folder, build);
      this.#folders.push(folder);
    }
    for (let left = this.#dice.between(1, MOST_IN_A_ROW); left > 0; left -= 1) await this.#killOne();
    await this.#expectAnswers();
    await this.#converge();
    this.#lane.resetClock();
  }

  async #killOne(): Promise<void> {
    const step = { ...this.#operation(), ...this.#nextRun() };
    const point = this.#point(step.mode);
    const result = await this.#run(step, point);
    this.#count(result, point);
    await this.#expectSealedWhole();
    await this.#expectNothingTorn();
    if (!result.isKilled) await this.#expectEnding(step, result);
    if (point.kind === 'time' && point.signal === 'SIGTERM' && result.exitCode === 1) await this.#expectGivenUp(step);
  }

  #count({ isKilled }: StepResult, point: KillPoint): void {
    const isAsked = point.kind === 'time' && point.signal === 'SIGTERM';
    if (!isKilled) this.#tally.add('operations that were faster than their kill');
    else this.#tally.add(isAsked ? 'cancellations' : 'kills');
  }

  #operation(): Omit<Step, 'runId' | 'attempt'> {
    const { prefix, codeHash } = { prefix: this.#prefix, codeHash: this.#codeHash };
    const which = this.#dice.below(2);
    const base = { prefix, codeHash, commit: this.#commits[which === 0 ? 0 : 1] };
    const concurrency = this.#dice.pick(['1', '4', '16']);
    const kind = this.#dice.pick(['upload', 'upload', 'overwrite', 'check', 'restore', 'check and restore']);
    if (kind === 'upload' || kind === 'overwrite') {
      const packages = this.#folders[which * 2 + this.#dice.below(2)] ?? '';
      return { ...base, mode: 'upload', packages, inputs: { concurrency, overwrite: String(kind === 'overwrite') } };
    }
    if (kind === 'restore') return { ...base, mode: 'restore', packages: this.#target, inputs: { concurrency } };
    const packages = kind === 'check' ? this.#lane.newFolder() : this.#target;
    return { ...base, mode: 'check', packages, inputs: { concurrency, restore: String(kind !== 'check') } };
  }

  /** A moment to kill: at a request, or after some time. */
  #point(mode: Step['mode']): KillPoint {
    const signal = this.#dice.chance(0.15) ? 'SIGTERM' : 'SIGKILL';
    if (signal === 'SIGTERM' || this.#dice.chance(0.5)) {
      return { kind: 'time', signal, afterMs: this.#dice.between(0, this.#context.pace.of(mode)) };
    }
    const number = this.#dice.between(1, MOST_REQUESTS[mode]);
    const isReached = ({ sequence }: TappedRequest): boolean => sequence === number;
    return { kind: 'request', isReached, time: this.#dice.pick(['before', 'after']) };
  }

  /** A later attempt of the same run or, once in a history, another run after every lease has lapsed. */
  #nextRun(): Pick<Step, 'runId' | 'attempt'> {
    this.#attempt += 1;
    if (this.#lane.store.local !== undefined && !this.#isLater && this.#dice.chance(0.3)) {
      this.#lane.lapse();
      this.#isLater = true;
      this.#runId = 2;
      this.#attempt = 1;
    }
    return { runId: this.#runId, attempt: this.#attempt };
  }

  async #run(step: Step, point?: KillPoint): Promise<StepResult> {
    this.#tally.add('processes');
    const startedMs = performance.now();
    const result = await this.#lane.run(step, point);
    if (!result.isKilled) this.#context.pace.note(step.mode, performance.now() - startedMs);
    const last = result.requests.at(-1);
    this.#witness.tell(`${describeRun(step, result)}\n      after ${last?.sequence ?? 0} requests: ${last?.target}`);
    return result;
  }

  #setOf(folder: SetName['folder'], id: string): SetName {
    return { prefix: this.#prefix, folder, id };
  }

  #judge(commit: string): Promise<JudgedSet> {
    return judgeSet(this.#lane.store, this.#setOf('artifacts', commit), this.#builds);
  }

  async #judgeAll(): Promise<JudgedSet[]> {
    const cache = judgeSet(this.#lane.store, this.#setOf('cache', this.#codeHash), this.#builds);
    return Promise.all([...this.#commits.map((commit) => this.#judge(commit)), cache]);
  }

  async #expectSealedWhole(): Promise<void> {
    for (const { faults } of await this.#judgeAll()) this.#witness.equal(faults, [], "a sealed set's faults");
  }

  /** Expects that every file with its final name is a whole file of some build. */
  async #expectNothingTorn(): Promise<void> {
    const { files, hidden } = await readDirectory(this.#target);
    const torn = [...files].filter(([path, { bytes }]) =>
      this.#builds.every((build) => !Buffer.from(bytes).equals(build.get(path)?.bytes ?? Buffer.from('not there'))),
    );
    this.#witness.equal([...torn.map(([path]) => path), ...strangers(hidden)], [], 'torn or strange files');
  }

  async #expectEnding({ mode, commit, packages, inputs }: Step, { exitCode, outputs }: StepResult): Promise<void> {
    const { record, build } = await this.#judge(commit);
    const isThere = record === 'complete';
    this.#witness.equal(exitCode, mode === 'restore' && !isThere ? 1 : 0, 'the exit code');
    this.#witness.equal(outputs.found, String(isThere), 'found');
    if (!isThere || (mode !== 'restore' && inputs?.restore !== 'true')) return;
    const { files } = await readDirectory(packages);
    const expected = build === undefined ? undefined : this.#builds[build];
    this.#witness.equal(expected && differences(expected, files), [], 'what was restored differently');
  }

  /** Expects that a run that was stopped and could end by itself released the set at once. */
  async #expectGivenUp({ runId, attempt }: Step): Promise<void> {
    const holders = (await this.#judgeAll()).map(({ holder }) => holder);
    this.#witness.expect(!holders.includes(`${runId}/${attempt}`), 'a cancelled run to have given up its records');
  }

  async #expectAnswers(): Promise<void> {
    for (const commit of this.#commits) {
      const { record, objects } = await this.#judge(commit);
      const packages = this.#lane.newFolder();
      const step = { mode: 'check', commit, prefix: this.#prefix, packages, ...this.#nextRun() } as const;
      const { outputs } = await this.#run(step);
      const absent = objects.size === 0 ? 'absent' : 'no objects without a record';
      const reasons = { complete: 'complete', uploading: 'incomplete', absent };
      this.#witness.equal(outputs.reason, reasons[record], "a check's reason after the last kill");
      this.#witness.equal(outputs.found, String(record === 'complete'), "a check's found after the last kill");
    }
  }

  async #converge(): Promise<void> {
    const { prefix, codeHash } = { prefix: this.#prefix, codeHash: this.#codeHash };
    const [first, second] = this.#commits;
    await this.#expectUpload({ mode: 'upload', prefix, codeHash, commit: first, packages: this.#folders[0] ?? '' });
    const check = { mode: 'check', prefix, codeHash, commit: second, packages: this.#lane.newFolder() } as const;
    const { exitCode, outputs } = await this.#run({ ...check, ...this.#nextRun() });
    this.#witness.equal([exitCode, outputs.found], [0, 'true'], 'how the last check ends');
    for (const { record, faults } of await this.#judgeAll())
      this.#witness.equal([record, faults], ['complete', []], 'a set in the end');
    const open = await this.#lane.store.openUploads(`${prefix}/`);
    this.#witness.equal(open, [], 'the open multipart uploads in the end');
    for (const commit of this.#commits) await this.#expectRestorable(commit);
  }

  async #expectUpload(upload: Omit<Step, 'runId' | 'attempt'>): Promise<void> {
    const left = await this.#judge(upload.commit);
    const result = await this.#run({ ...upload, ...this.#nextRun() });
    const { exitCode, outputs, requests } = result;
    this.#witness.equal([exitCode, outputs.found], [0, 'true'], 'how the last upload ends');
    const build = this.#builds[0] ?? new Map();
    const needed = filesToSend(build, left);
    const sent = sentTo(this.#setOf('artifacts', upload.commit), requests);
    this.#witness.equal(sent, { files: needed.size, bytes: sizeOf(needed) }, 'what the last upload sends');
  }

  async #expectRestorable(commit: string): Promise<void> {
    const packages = this.#lane.newFolder();
    const step = { mode: 'restore', prefix: this.#prefix, commit, packages, ...this.#nextRun() } as const;
    await this.#expectEnding(step, await this.#run(step));
  }
}
