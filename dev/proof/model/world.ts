import { Bucket } from './bucket.ts';
import { clientOf } from './client.ts';
import { type Build, contentOf } from './contents.ts';
import type { BuildPlan, Plan, ProcessPlan } from './plan.ts';
import { ModelProcess } from './process.ts';
import { type Request, Requests } from './requests.ts';
import { VirtualTime } from './time.ts';
import { Watch } from './watch.ts';

const STEP_MS = 20;
const PATHS = ['a', 'b', 'large'] as const;
const LEFT_OUT = 3;

/** Counts the events, and checks how each process ended. */
export interface Onlooker {
  readonly counts: Map<string, number>;
  readonly verify: (world: World, process: ModelProcess) => void;
}

/** One running interleaving: the bucket, the processes, and the violations. */
export class World {
  readonly plan: Plan;
  readonly time = new VirtualTime();
  readonly bucket = new Bucket(() => this.time.nowMs);
  readonly requests = new Requests();
  readonly processes: ModelProcess[] = [];
  readonly builds: readonly Build[];
  readonly violations: string[] = [];
  readonly story: string[] = [];
  readonly counts: Map<string, number>;
  readonly watch: Watch;
  readonly #verify: Onlooker['verify'];
  /** Whether some objects have the metadata of others. */
  hasForgeries = false;
  readonly #appliedMs = new WeakMap<Request, number>();
  #nonces = 0;

  constructor(plan: Plan, { counts, verify }: Onlooker) {
    this.plan = plan;
    this.counts = counts;
    this.#verify = verify;
    this.bucket.checksCopies = plan.checksCopies;
    this.builds = plan.builds.map(buildOf);
    this.watch = new Watch({
      bucket: this.bucket,
      requests: this.requests,
      processOf: (number) => this.processOf(number),
      now: () => this.time.nowMs,
      violate: (promise) => this.violate(promise),
      count: (what) => this.count(what),
    });
  }

  /** Whether nothing goes wrong except lost replies and an arbitrary order of events. */
  get isCalm(): boolean {
    const { lose: _lose, stick: _stick, aimsAtRecords: _aims, tickMs, ...hazards } = this.plan.mood;
    const { kind, damage } = this.plan.prologue;
    const isSlow = tickMs > STEP_MS;
    return !isSlow && damage === 'none' && kind !== 'half' && Object.values(hazards).every((weight) => weight === 0);
  }

  processOf(number: number): ModelProcess {
    const process = this.processes[number];
    if (process === undefined) throw new Error(`There is no process ${number}`);
    return process;
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  tell(line: string): void {
    this.story.push(`${((this.time.nowMs % 10_000_000) / 1000).toFixed(3)} ${line}`);
  }

  violate(promise: string): void {
    this.violations.push(promise);
    this.tell(`VIOLATION: ${promise}`);
  }

  /** Adds a process, which has not started yet. */
  add(plan: ProcessPlan, kin?: { runId: number; attempt: number }): ModelProcess {
    const number = this.processes.length;
    const build = this.builds[plan.build];
    const code = plan.mode === 'upload' ? ((build?.code ?? 0) === 0 ? 0 : 1) : plan.code;
    const holds = plan.mode === 'upload' || (plan.mode === 'restore' && plan.overwrite) ? build : undefined;
    const process = new ModelProcess(
      number,
      { ...plan, code },
      { build: holds, runId: kin?.runId ?? number, attempt: kin?.attempt ?? 1 },
    );
    this.processes.push(process);
    return process;
  }

  async start(process: ModelProcess): Promise<void> {
    const { number, plan } = process;
    this.tell(`P${number} starts: ${JSON.stringify(plan)}, run ${process.runId}, attempt ${process.attempt}`);
    this.count('processes');
    if (plan.mode === 'upload' && plan.hints.kind !== 'none') this.count('uploads that came across markers');
    process.startedAt = this.bucket.changes.length;
    process.startedMs = this.time.nowMs;
    const line = {
      sender: number,
      bucket: this.bucket,
      requests: this.requests,
      watch: this.watch,
      now: () => this.time.nowMs,
    };
    const random = { nonce: () => `P${number}-${this.#nextNonce()}` };
    process.start(
      { store: clientOf(line, process.plan), clock: this.time.clockOf(process), random },
      {
        onEnd: () => this.#end(process),
        onLine: (line) => process.log.push(line),
      },
    );
    await this.settle();
  }

  #nextNonce(): number {
    this.#nonces += 1;
    return this.#nonces;
  }

  #end(process: ModelProcess): void {
    process.endedAt = this.bucket.changes.length;
    process.endedMs = this.time.nowMs;
    this.#verify(this, process);
  }

  crash(process: ModelProcess): void {
    process.state = 'crashed';
    this.requests.abandon(process.number);
    this.time.forget(process);
    this.tell(`P${process.number} crashes`);
    this.count('crashes');
  }

  /** Resolves when all work waits for the store or for time to pass. */
  settle(): Promise<void> {
    return new Promise((done) => setImmediate(done));
  }

  async pass(durationMs: number): Promise<void> {
    await this.time.advanceTo(this.time.nowMs + durationMs, () => this.settle());
  }

  /** Lets a request take effect, or its reply arrive. */
  async move(request: Request): Promise<void> {
    const isSent = request.state === 'sent';
    this.tell(
      `P${request.sender} ${request.verb} ${request.key} #${request.number} ${isSent ? 'takes effect' : 'is answered'}`,
    );
    this.count('events');
    if (isSent) {
      this.#appliedMs.set(request, this.time.nowMs);
      return request.apply();
    }
    const process = this.processOf(request.sender);
    const replyMs = this.time.nowMs - (this.#appliedMs.get(request) ?? this.time.nowMs);
    process.slowestReplyMs = Math.max(process.slowestReplyMs, replyMs);
    request.deliver();
    await this.settle();
  }

  /** Performs the next event of an undisturbed run. @returns whether there was one */
  async stepPlainly(): Promise<boolean> {
    const request = this.requests.open.find(({ sender }) => !this.processOf(sender).isPaused);
    if (request !== undefined) {
      await this.move(request);
      await this.pass(STEP_MS);
      return true;
    }
    const due = this.time.nextDueMs;
    if (due === undefined) return false;
    await this.pass(Math.max(0, due - this.time.nowMs));
    return true;
  }

  /** Runs a process undisturbed from start to end. @param mostSteps the number of events after which it crashes */
  async runAlone(plan: ProcessPlan, mostSteps = Number.POSITIVE_INFINITY): Promise<ModelProcess> {
    const process = this.add(plan);
    await this.start(process);
    for (let step = 0; process.isAlive; step += 1) {
      if (step >= mostSteps) this.crash(process);
      else if (!(await this.stepPlainly())) {
        this.violate(`P${process.number} waits for nothing`);
        return process;
      }
    }
    return process;
  }
}

function buildOf({ code, variants }: BuildPlan): Build {
  const files = PATHS.flatMap((path, index) => {
    const variant = variants[index] ?? LEFT_OUT;
    return variant === LEFT_OUT ? [] : [[path, contentOf(path, variant)] as const];
  });
  return { code, files: new Map(files) };
}
