import { holdContest } from './contest.ts';
import type { Link } from './link.ts';
import type { Measured } from './report.ts';
import { Stage, type StageOptions } from './stage.ts';
import type { Work } from './work.ts';

export interface Measuring extends StageOptions {
  readonly runs: number;
  readonly cancelled: AbortSignal;
  readonly links: readonly Link[];
  readonly progress: (line: string) => void;
}

/**
 * Prepares a work once, and measures it over each of its links.
 *
 * @throws Error if a run fails, in which case no result of the work counts
 */
export async function measureWork(work: Work, measuring: Measuring): Promise<Measured[]> {
  const links = measuring.links.filter(({ name }) => work.links.includes(name));
  if (links.length === 0) return [];
  await using stage = await Stage.open(measuring);
  const title = work.title(measuring.sizes);
  measuring.progress(`${title}: preparing`);
  const lineup = await work.prepare(stage);
  const measured: Measured[] = [];
  for (const { name: link, endpoint, slowDown } of links) {
    measuring.progress(`${title}: ${link}`);
    await using _ = await slowDown?.();
    measured.push({ title, link, results: await holdContest(lineup(endpoint), measuring) });
  }
  return measured;
}
