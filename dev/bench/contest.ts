import { readFile } from 'node:fs/promises';
import type { MeteredRun, ProcessMeter, Timed } from './process-meter.ts';
import { type Cost, type Summary, summarize } from './statistics.ts';

const LAST_WORDS_CHARACTERS = 2000;

const LONG_MS = 5000;
const FEW_RUNS = 3;

/** One program that does one work. */
export interface Contender {
  readonly name: string;
  /** Maximum of runs, if one takes too long to do as many as the others. */
  readonly mostRuns?: number;
  /** Whether few runs suffice if one takes long: for a peer that is far behind, or that no target refers to. */
  readonly fewIfLong?: boolean;
  /** Makes a fresh destination, untimed. */
  prepare(): Promise<Attempt>;
}

export interface Attempt {
  readonly timed: Timed;
  /** @throws Error if the run did not do its work, and is therefore not a measurement */
  verify(): Promise<void>;
  /** Removes the leftovers of the run. */
  clear(): Promise<void>;
}

export type Results = ReadonlyMap<string, Summary>;

export interface ContestOptions {
  readonly runs: number;
  readonly meter: Pick<ProcessMeter, 'run'>;
  readonly cancelled: AbortSignal;
}

/**
 * Runs contenders in turn, so that all of them see the same conditions; each round begins with another one.
 *
 * @throws Error if a run fails or does not do its work
 */
export async function holdContest(
  contenders: readonly Contender[],
  { runs, meter, cancelled }: ContestOptions,
): Promise<Results> {
  const costs = new Map<string, Cost[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < runs; round += 1) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const before = costs.get(contender.name) ?? [];
      if (round >= runsOf(contender, before)) continue;
      cancelled.throwIfAborted();
      before.push(await runOnce(contender, meter));
    }
  }
  return new Map([...costs].map(([name, each]) => [name, summarize(each)]));
}

function runsOf(
  { mostRuns = Number.POSITIVE_INFINITY, fewIfLong = false }: Contender,
  [first]: readonly Cost[],
): number {
  return fewIfLong && first !== undefined && first.wallMs > LONG_MS ? Math.min(FEW_RUNS, mostRuns) : mostRuns;
}

async function runOnce(contender: Contender, meter: ContestOptions['meter']): Promise<MeteredRun> {
  const attempt = await contender.prepare();
  try {
    const run = await meter.run(attempt.timed);
    if (run.exitCode !== 0) throw new Error(`exit code ${run.exitCode}`);
    await attempt.verify();
    return run;
  } catch (cause) {
    const said = await readFile(attempt.timed.output, 'utf8').catch(() => '');
    const why = Error.isError(cause) ? cause.message : cause;
    throw new Error(`${contender.name}: ${why}\n${said.slice(-LAST_WORDS_CHARACTERS)}`, { cause });
  } finally {
    await attempt.clear();
  }
}
