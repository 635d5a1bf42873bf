import { AIMED, Hazards, type Option } from './hazards.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

const ORDINARY = 8;
const MOST_STEPS = 6000;
const TICK_BITS = 8;
/** The events between the prologue and the epilogue, picked by the schedule. */
export class Interleaving {
  readonly #world: World;
  readonly #hazards: Hazards;
  #last = -1;

  constructor(world: World) {
    this.#world = world;
    this.#hazards = new Hazards(world);
    this.#addProcesses();
  }

  #addProcesses(): void {
    const { plan } = this.#world;
    let before: ModelProcess | undefined;
    for (const process of plan.processes) {
      const kin = before === undefined || process.kin === 'none' ? undefined : kinOf(before, process.kin);
      before = this.#world.add(process, kin);
    }
  }

  async run(): Promise<void> {
    const world = this.#world;
    for (const choice of world.plan.schedule) {
      if (world.violations.length > 0 || !world.processes.some(({ isAlive }) => isAlive)) return;
      await this.#step(choice);
    }
    await this.#runOut();
  }

  /** The schedule has ended: from here on nothing goes wrong. */
  async #runOut(): Promise<void> {
    const world = this.#world;
    for (let step = 0; step < MOST_STEPS && world.violations.length === 0; step += 1) {
      const alive = world.processes.filter(({ isAlive }) => isAlive);
      if (alive.length === 0) return;
      for (const process of alive) process.isPaused = false;
      const next = alive.find((process) => process.state === 'waiting' && this.#mayStart(process));
      if (next !== undefined) await world.start(next);
      else if (!(await world.stepPlainly())) return world.violate('the processes wait for nothing');
    }
    if (world.violations.length === 0) world.violate('the processes do not come to an end');
  }

  async #step(choice: number): Promise<void> {
    const options = [...this.#ordinary(), ...this.#hazards.options(choice >>> TICK_BITS)];
    const total = options.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) {
      await this.#world.stepPlainly();
      return;
    }
    let rest = choice % total;
    for (const { weight, run } of options) {
      if (rest < weight) {
        await run();
        return;
      }
      rest -= weight;
    }
  }

  /** The ordinary events: requests, replies, starts, and late effects of processes that have ended. */
  #ordinary(): Option[] {
    const world = this.#world;
    const { stick, tickMs } = world.plan.mood;
    const options: Option[] = [];
    for (const request of world.requests.open) {
      if (world.processOf(request.sender).isPaused) continue;
      const weight = request.sender === this.#last ? ORDINARY * (1 + stick) : ORDINARY;
      options.push({
        weight,
        run: async () => {
          this.#last = request.sender;
          await world.move(request);
          await world.pass(tickMs);
        },
      });
    }
    for (const process of world.processes)
      if (process.state === 'waiting' && this.#mayStart(process))
        options.push({ weight: ORDINARY * (this.#hazards.isSealing ? AIMED : 1), run: () => world.start(process) });
    return options;
  }

  /** A later attempt of a run starts only after the earlier one has ended. */
  #mayStart({ runId, attempt }: ModelProcess): boolean {
    return !this.#world.processes.some((one) => one.runId === runId && one.attempt < attempt && one.isAlive);
  }
}

function kinOf({ runId, attempt }: ModelProcess, kin: 'attempt' | 'job') {
  return { runId, attempt: kin === 'attempt' ? attempt + 1 : attempt };
}
