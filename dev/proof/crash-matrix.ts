import { type Build, differences, readDirectory, sizeOf } from './build.ts';
import { Dice } from './dice.ts';
import { type JudgedSet, judgeSet, missingFiles } from './judge.ts';
import { type BuiltAction, describeRun, type KillPoint, Lane, type Step, type StepResult } from './lane.ts';
import { sentTo, strangers } from './leftovers.ts';
import { type Scene, type SceneName, SceneSetter } from './scenes.ts';
import type { Endpoint } from './store.ts';
import type { Tally, Witness } from './tally.ts';
import type { TappedRequest, TapTime } from './tap.ts';

// Every single request of every operation: the process is killed before it takes effect, and after it did but before
// its reply. Then the contents of the bucket are judged, and the next run must succeed.

export interface CrashPlan {
  readonly action: BuiltAction;
  readonly seed: string;
  readonly tally: Tally;
  /** Number of points in progress at once. */
  readonly lanes: number;
  readonly scenes: readonly SceneName[];
  /** 1: every request; 5: every fifth. */
  readonly stride: number;
  readonly endpoint?: Endpoint | undefined;
  readonly progress?: (line: string) => void;
}

/** Another run that checks, and a third one that continues. */
const ONLOOKER = { runId: 2, attempt: 1 };
const SUCCESSOR = { runId: 3, attempt: 1 };

export async function proveCrashes(plan: CrashPlan): Promise<void> {
  const lanes: CrashLane[] = [];
  await using resources = new AsyncDisposableStack();
  for (let index = 0; index < plan.lanes; index += 1) {
    const lane = resources.use(await Lane.open(plan.action, plan.endpoint));
    lanes.push(new CrashLane(lane, plan));
  }
  for (const scene of plan.scenes)
    for (const time of ['before', 'after'] as const) {
      const count = await killAtEvery(lanes, plan, { scene, time });
      plan.tally.add(`points: ${scene}, ${time}`, count);
      plan.progress?.(`${scene}, killed ${time} each request: ${count} points`);
    }
}

/** Repeats until an operation ends before the point is reached. @returns how often it was killed */
async function killAtEvery(
  lanes: readonly CrashLane[],
  { seed, stride }: CrashPlan,
  { scene, time }: { scene: SceneName; time: TapTime },
): Promise<number> {
  let next = 1 + new Dice(`${seed}/${scene}/${time}`).below(stride);
  let isOver = false;
  let count = 0;
  await Promise.all(
    lanes.map(async (lane) => {
      while (!isOver) {
        const number = next;
        next += stride;
        if (await lane.prove({ scene, time, number })) count += 1;
        else isOver = true;
      }
    }),
  );
  return count;
}

interface CrashPoint {
  readonly scene: SceneName;
  readonly time: TapTime;
  readonly number: number;
}

class CrashLane {
  readonly #lane: Lane;
  readonly #plan: CrashPlan;
  readonly #setter: SceneSetter;

  constructor(lane: Lane, plan: CrashPlan) {
    this.#lane = lane;
    this.#plan = plan;
    this.#setter = new SceneSetter(lane, new Dice(`${plan.seed}/scenes`));
  }

  /** @returns whether the operation got as far as the point */
  async prove({ scene: name, time, number }: CrashPoint): Promise<boolean> {
    const { seed, tally } = this.#plan;
    const label = `${name}, killed ${time} request ${number}`;
    const scene = await this.#setter.set(name, new Dice(`${seed}/${label}`));
    const aftermath = new Aftermath(this.#lane, scene, tally.witness(`${label} (seed ${seed})`));
    const isReached = ({ sequence }: TappedRequest): boolean => sequence === number;
    const isKilled = await aftermath.kill({ kind: 'request', isReached, time });
    if (isKilled) {
      const isLater = number % 2 === 0 || this.#lane.store.local === undefined;
      if (name === 'restore') await aftermath.proveRestore();
      else await aftermath.proveWrite(isLater);
      this.#lane.resetClock();
      tally.add('kills');
    }
    tally.add('processes', aftermath.processes);
    return isKilled;
  }
}

/** The leftovers of a killed operation, and their fate. */
class Aftermath {
  processes = 0;
  readonly #lane: Lane;
  readonly #scene: Scene;
  readonly #witness: Witness;

  constructor(lane: Lane, scene: Scene, witness: Witness) {
    this.#lane = lane;
    this.#scene = scene;
    this.#witness = witness;
  }

  async #run(step: Step, point?: KillPoint): Promise<StepResult> {
    this.processes += 1;
    const result = await this.#lane.run(step, point);
    this.#witness.tell(describeRun(step, result));
    return result;
  }

  async kill(point: KillPoint): Promise<boolean> {
    const result = await this.#run(this.#scene.victim, point);
    if (!result.isKilled) this.#witness.equal(result.exitCode, 0, 'the exit code of a run that nobody killed');
    return result.isKilled;
  }

  /** @param isLater whether the next run is a later attempt of the same run; otherwise another run after the lease */
  async proveWrite(isLater: boolean): Promise<void> {
    const left = await this.#judgeSealed();
    if (left.record === 'uploading' && left.origin === 'cache') await this.#expectPatience(left);
    else await this.#expectAnswer(left, ONLOOKER, 'live');
    const { runId, attempt } = this.#scene.victim;
    const successor = isLater ? { runId, attempt: attempt + 1 } : SUCCESSOR;
    if (!isLater) this.#lane.lapse();
    await this.#expectAnswer(left, successor, 'lapsed');
    await this.#expectConvergence(left, successor);
    await this.#expectRestorable();
  }

  /** A sealed set must be whole at any moment. */
  async #judgeSealed(): Promise<JudgedSet> {
    const { own, cache, builds } = this.#scene;
    const left = await judgeSet(this.#lane.store, own, builds);
    this.#witness.equal(left.faults, [], "the sealed set's faults after the kill");
    if (cache !== undefined) {
      const { faults, build } = await judgeSet(this.#lane.store, cache, builds);
      this.#witness.equal(faults, [], "the cache set's faults after the kill");
      const isBegun = missingFiles(builds[0], left).size > 0;
      if (this.#overwrites && isBegun) this.#witness.expect(build !== 0, 'the replaced build to be out of the cache');
    }
    return left;
  }

  get #overwrites(): boolean {
    return this.#scene.next.inputs?.overwrite === 'true';
  }

  async #expectAnswer(
    left: JudgedSet,
    reader: Pick<Step, 'runId' | 'attempt'>,
    lease: 'live' | 'lapsed',
  ): Promise<void> {
    const { exitCode, outputs } = await this.#run(this.#checkBy(reader));
    this.#witness.equal(exitCode, 0, "a check's exit code");
    this.#witness.equal(outputs.reason, reasonOf(left, lease), `a check's reason, the lease being ${lease}`);
    this.#witness.equal(outputs.found, String(left.record === 'complete'), "a check's found");
  }

  #checkBy(reader: Pick<Step, 'runId' | 'attempt'>): Step {
    const { commit, prefix } = this.#scene.next;
    return { mode: 'check', commit, prefix, packages: this.#lane.newFolder(), ...reader };
  }

  /** A check waits for a promotion, however little time it has: here until the lease has lapsed. */
  async #expectPatience(left: JudgedSet): Promise<void> {
    this.processes += 1;
    const step = this.#checkBy(ONLOOKER);
    const result = await this.#lane.runUnder(step, async ({ operation }, time) => {
      if (operation === 'GetObject' && time === 'after') this.#lane.lapse();
      return 'pass';
    });
    this.#lane.resetClock();
    this.#witness.tell(describeRun(step, result));
    const isWaiting = result.lines.some((line) => /^Waiting up to 1[0-5] s for run 1 \(attempt /.test(line));
    this.#witness.expect(isWaiting, 'a check to wait for the promotion');
    if (this.#lane.store.local !== undefined)
      this.#witness.equal(result.outputs.reason, reasonOf(left, 'lapsed'), 'its reason in the end');
  }

  async #expectConvergence(left: JudgedSet, successor: Pick<Step, 'runId' | 'attempt'>): Promise<void> {
    const { own, cache, builds, target, next } = this.#scene;
    const step = { ...next, ...successor };
    const result = await this.#run(step);
    this.#witness.equal(result.exitCode, 0, "the next run's exit code");
    this.#witness.equal(result.outputs.found, 'true', "the next run's found");
    const missing = this.#overwrites ? target : missingFiles(target, left);
    this.#expectOnlyMissing(result, next.mode === 'check' ? new Map() : missing);
    await this.#expectWhole(await judgeSet(this.#lane.store, own, builds), target);
    if (cache !== undefined) {
      const cached = await judgeSet(this.#lane.store, cache, builds);
      this.#witness.equal([cached.record, cached.faults], ['complete', []], 'the cache set in the end');
    }
    const open = await this.#lane.store.openUploads(`${own.prefix}/artifacts/${own.id}/`);
    this.#witness.equal(open, [], 'the open multipart uploads in the end');
  }

  /** Bytes of assets are sent once, and only if they were missing; all of them if a set is overwritten. */
  #expectOnlyMissing({ requests }: StepResult, missing: Build): void {
    const sent = sentTo(this.#scene.own, requests);
    this.#witness.equal(sent, { files: missing.size, bytes: sizeOf(missing) }, 'what the next run sends');
  }

  async #expectWhole(judged: JudgedSet, target: Build): Promise<void> {
    this.#witness.equal([judged.record, judged.faults], ['complete', []], 'the set in the end');
    this.#witness.equal([...judged.objects.keys()].sort(), [...target.keys()].sort(), 'its objects');
    this.#witness.equal([...missingFiles(target, judged).keys()], [], 'what it lacks of the build');
  }

  async #expectRestorable(): Promise<void> {
    const step = { ...this.#checkBy(ONLOOKER), inputs: { restore: 'true' } };
    const { outputs } = await this.#run(step);
    this.#witness.equal([outputs.found, outputs.restored], ['true', 'true'], 'found and restored in the end');
    const { files } = await readDirectory(step.packages);
    this.#witness.equal(differences(this.#scene.target, files), [], 'what was restored differently');
  }

  async proveRestore(): Promise<void> {
    const { own, builds, target, victim, next } = this.#scene;
    await this.#expectWhole(await judgeSet(this.#lane.store, own, builds), target);
    const { files, hidden } = await readDirectory(victim.packages);
    const torn = differences(target, files).filter((path) => files.has(path));
    this.#witness.equal(torn, [], 'the torn files that the kill has left');
    this.#witness.equal(strangers(hidden), [], 'the other hidden files that it has left');
    const result = await this.#run({ ...next, runId: victim.runId, attempt: victim.attempt + 1 });
    this.#witness.equal([result.exitCode, result.outputs.restored], [0, 'true'], 'how the next restore ends');
    this.#expectOnlyMissingFetched(result, files);
    const restored = await readDirectory(victim.packages);
    this.#witness.equal(differences(target, restored.files), [], 'what was restored differently');
  }

  /** An executable file is always fetched, since its bytes do not show that it is executable. */
  #expectOnlyMissingFetched({ requests }: StepResult, there: Build): void {
    const folder = `/artifacts/${this.#scene.own.id}/`;
    const fetched = requests.filter(({ operation, target }) => operation === 'GetObject' && target.includes(folder));
    const paths = new Set(
      fetched.map(({ target }) => target.slice(target.indexOf(folder) + folder.length).split('?')[0]),
    );
    const missing = [...this.#scene.target]
      .filter(([path, { executable }]) => executable || !there.has(path))
      .map(([path]) => path);
    this.#witness.equal([...paths].sort(), missing.sort(), 'what the next restore fetches');
  }
}

function reasonOf({ record, holder, objects }: JudgedSet, lease: 'live' | 'lapsed'): string {
  if (record === 'complete') return 'complete';
  if (record === 'absent') return objects.size === 0 ? 'absent' : 'no objects without a record';
  return lease === 'live' && holder !== undefined ? 'in-progress' : 'incomplete';
}
