import { CancelledError, StoreError } from '../../../src/errors.ts';
import { isRecordKey } from './contents.ts';
import { recordIn } from './history.ts';
import { arrive, damageSomething, deleteRecord, forge, misplace, rewriteFile } from './outside.ts';
import type { ModelProcess } from './process.ts';
import type { Request } from './requests.ts';
import type { World } from './world.ts';

const SHORT_JUMPS_MS = [900, 2500, 15_000, 41_000] as const;
/** Moments before and after the lapse of a lease. */
const AROUND_LAPSE_MS = [-3000, -700, 300, 1200, 4300, 5100, 6200, 60_000] as const;
const MOST = {
  lose: 8,
  duplicate: 5,
  fault: 3,
  corrupt: 2,
  crash: 3,
  cancel: 1,
  pause: 4,
  jump: 8,
  damage: 4,
  unrecord: 2,
  forge: 2,
  misplace: 1,
  rewrite: 3,
};

type Hazard = keyof typeof MOST;

const NAMES: Readonly<Record<Hazard, string>> = {
  lose: 'lost replies',
  duplicate: 'requests sent twice',
  fault: 'faults',
  corrupt: 'corruptions',
  crash: 'crash picks',
  cancel: 'cancellations',
  pause: 'pauses',
  jump: 'time jumps',
  damage: 'objects changed by outsiders',
  unrecord: 'records deleted by outsiders',
  forge: 'objects forged by outsiders',
  misplace: 'sets copied elsewhere by outsiders',
  rewrite: 'files changed under an upload',
};

/** In some moods, hazards are this much more likely while a record is being written. */
export const AIMED = 4;

/** An event that may happen next, and its likelihood. */
export interface Option {
  readonly weight: number;
  readonly run: () => void | Promise<void>;
}

/** The faults between processes and the store, as often as the plan's mood says. */
export class Hazards {
  readonly #world: World;
  readonly #left: Record<Hazard, number> = { ...MOST };

  constructor(world: World) {
    this.#world = world;
  }

  /** The faults that may happen next. @param choice picks the details of each */
  options(choice: number): Option[] {
    const world = this.#world;
    const { requests, processes, plan } = world;
    const options: Option[] = [];
    const add = (hazard: Hazard, run: () => void | Promise<void>, factor = 1): void => {
      const left = this.#left[hazard];
      const weight = plan.mood[hazard] * factor;
      if (left === 0 || weight === 0) return;
      options.push({
        weight,
        run: () => {
          this.#left[hazard] -= 1;
          world.count(NAMES[hazard]);
          return run();
        },
      });
    };
    const request = this.#victim(choice);
    const process = this.#culprit(choice);
    if (request?.state === 'answered') add('lose', () => this.#lose(request));
    if (request?.state === 'sent') add('duplicate', () => this.#duplicate(request));
    if (request !== undefined) add('fault', () => this.#fault(request, choice));
    add('corrupt', () => {
      world.watch.corruptsNext = true;
    });
    if (process !== undefined) {
      add('crash', () => world.crash(process));
      if (process.plan.mode === 'upload') add('rewrite', () => rewriteFile(world, process, choice >>> 4));
      add('cancel', () => this.#cancel(process));
      add('pause', () => this.#pause(process, choice >>> 4));
    }
    add('jump', () => this.#jump(choice));
    add('damage', () => damageSomething(world, choice), this.isSealing ? AIMED : 1);
    // A forgery in a set without a record can't be detected, since such a set is trusted as it is.
    if (!world.hasForgeries) {
      add('unrecord', () => deleteRecord(world, choice));
      add('misplace', () => misplace(world, choice));
    }
    add('forge', () => forge(world, choice));
    for (const paused of processes)
      if (paused.isPaused) options.push({ weight: 2, run: () => this.#wake(paused, choice) });
    const abandoned = requests.abandoned[choice % Math.max(1, requests.abandoned.length)];
    if (abandoned !== undefined)
      options.push({ weight: 3, run: () => arrive(world, requests.abandoned.indexOf(abandoned)) });
    return options;
  }

  #lose(request: Request): void {
    this.#world.tell(`P${request.sender} #${request.number}: the reply is lost, and it is sent again`);
    this.#world.requests.lose(request);
  }

  #duplicate(request: Request): void {
    this.#world.tell(`P${request.sender} #${request.number} is abandoned, and sent again`);
    this.#world.requests.duplicate(request);
  }

  /** All retries of a request have failed. The request has taken effect, or not, or will take effect later. */
  async #fault(request: Request, choice: number): Promise<void> {
    const world = this.#world;
    const process = world.processOf(request.sender);
    if (process.isPaused) return;
    const when = choice % 3;
    world.tell(`P${request.sender} #${request.number} fails (${when})`);
    if (request.state === 'sent' && when === 1) request.apply();
    if (request.state === 'sent' && when === 2) world.requests.duplicate(request);
    process.faults += 1;
    const { verb, key } = request;
    // Of several concurrent requests, another one may already have had a definite answer.
    const isSmall = !isRecordKey(key) && !key.endsWith('large');
    const isCounted = verb === 'LIST' || verb === 'HEAD' || (verb === 'GET' && isSmall);
    const { mode, concurrency } = process.plan;
    const isAnswer = mode !== 'upload' && isCounted && concurrency === 1;
    // An archived record is reported at once, and the set is listed again.
    if (isAnswer && world.plan.prologue.damage !== 'archive') process.mustFail = true;
    request.fail(new StoreError('throttled', 'The store is too busy'));
    await world.settle();
  }

  async #cancel(process: ModelProcess): Promise<void> {
    this.#world.tell(`P${process.number} is cancelled`);
    process.isCancelled = true;
    process.abort.abort(new CancelledError('The step was cancelled'));
    await this.#world.settle();
  }

  /** Whether a record is being written, in a mood that aims faults at such moments. */
  get isSealing(): boolean {
    const { requests, plan } = this.#world;
    return plan.mood.aimsAtRecords && requests.open.some(({ key, isWrite }) => isWrite && isRecordKey(key));
  }

  /** A process; in some moods, preferably one that is writing a record. */
  #culprit(choice: number): ModelProcess | undefined {
    const { requests, processes, plan } = this.#world;
    const running = processes.filter(({ isRunning }) => isRunning);
    const writing = running.filter(({ number }) =>
      requests.open.some(({ sender, key, isWrite }) => sender === number && isWrite && isRecordKey(key)),
    );
    const aimed = plan.mood.aimsAtRecords && writing.length > 0 && choice % 4 > 0 ? writing : running;
    return aimed[(choice >>> 2) % Math.max(1, aimed.length)];
  }

  /** A request; in some moods, preferably a write of a record. */
  #victim(choice: number): Request | undefined {
    const { requests, plan } = this.#world;
    const { open } = requests;
    const writes = open.filter(({ key, isWrite }) => isWrite && isRecordKey(key));
    const aimed = plan.mood.aimsAtRecords && writes.length > 0 && choice % 4 > 0 ? writes : open;
    return aimed[(choice >>> 2) % Math.max(1, aimed.length)];
  }

  /** Sometimes for so long that its lease lapses. */
  async #pause(process: ModelProcess, choice: number): Promise<void> {
    this.#world.tell(`P${process.number} is paused`);
    process.isPaused = true;
    process.wasPaused = true;
    if (choice % 3 === 0) await this.#jump((choice >>> 2) * 3 + 1, process.number);
  }

  /** Resumes a process. Either a reply that has arrived or a timer that is due may come first. */
  async #wake(process: ModelProcess, choice: number): Promise<void> {
    const world = this.#world;
    world.tell(`P${process.number} wakes up`);
    process.isPaused = false;
    const arrived = world.requests.open.find(({ sender, state }) => sender === process.number && state === 'answered');
    if (arrived !== undefined && choice % 2 === 0) await world.move(arrived);
    await world.pass(0);
  }

  /** @param holder the process whose leases should lapse; undefined: any */
  async #jump(choice: number, holder?: number): Promise<void> {
    const world = this.#world;
    const lapses = [...world.bucket.objects]
      .filter(([key, { author }]) => isRecordKey(key) && (holder ?? author) === author)
      .map(([, version]) => ({ version, record: recordIn(version) }))
      .filter(({ record }) => record.state !== 'complete')
      .map(({ version, record }) => version.modifiedMs + record.leaseSeconds * 1000 - world.time.nowMs);
    const lapse = lapses[choice % Math.max(1, lapses.length)];
    const bits = choice >>> 3;
    const short = SHORT_JUMPS_MS[bits % SHORT_JUMPS_MS.length] ?? 0;
    const around = AROUND_LAPSE_MS[bits % AROUND_LAPSE_MS.length] ?? 0;
    const jumpMs = lapse === undefined || choice % 3 === 0 ? short : lapse + around;
    world.tell(`${Math.max(0, jumpMs)} ms pass`);
    await world.pass(Math.max(0, jumpMs));
  }
}
