import { holdContest } from './contest.ts';
import type { Measured } from './report.ts';
import { Stage, type StageOptions } from './stage.ts';
import type { LinkName } from './targets.ts';
import type { Work } from './work.ts';

export interface Measuring extends StageOptions {
  readonly runs: number;
  readonly cancelled: AbortSignal;
  /** Where each link leads: the server's own endpoint, and the delaying proxy's where it is wanted. */
  readonly endpoints: ReadonlyMap<LinkName, string>;
  readonly progress: (line: string) => void;
}

/**
 * Prepares a work once, and measures it over each link that it is for.
 *
 * @throws Error where a run fails: nothing of the work counts then
 */
export async function measureWork(work: Work, measuring: Measuring): Promise<Measured[]> {
  await using stage = await Stage.open(measuring);
  const title = work.title(measuring.sizes);
  measuring.progress(`${title}: preparing`);
  const lineup = await work.prepare(stage);
  const measured: Measured[] = [];
  for (const [link, endpoint] of measuring.endpoints) {
    if (link === 'latency' && !work.withLatency) continue;
    measuring.progress(`${title}: ${link}`);
    measured.push({ title, link, results: await holdContest(lineup(endpoint), measuring) });
  }
  return measured;
}
