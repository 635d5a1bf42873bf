import { join } from 'node:path';
import { prepareActionCheck } from '../checks.ts';
import type { Contender } from '../contest.ts';
import { writeFiles } from '../folder.ts';
import { restoreByAction } from '../restores.ts';
import type { Sizes } from '../sizes.ts';
import type { Stage } from '../stage.ts';
import { peakMemory, type Target, timeAFileStays } from '../targets.ts';
import { prepareByAction } from '../uploads.ts';
import type { Lineup, Work } from '../work.ts';

const MODES = ['upload', 'check', 'restore'] as const;
type Mode = (typeof MODES)[number];
const FILE_BYTES = 1000;

/** Limit of the peak memory with 100,000 files. */
const MOST_MB = 600;

/** Ten times as many files take ten times as long, so fewer runs suffice. */
const MOST_RUNS = [3, 3, 1] as const;

export const GROWTH: Work = {
  name: 'growth',
  title: ({ growth }) => `growth, ${growth.map((count) => count.toLocaleString('en')).join(' → ')} × 1 KB`,
  links: ['loopback'],
  targets: ({ growth }) => MODES.flatMap((mode) => targetsOf(mode, growth)),
  prepare: async (stage) => {
    const lineups: Lineup[] = [];
    for (const [index, count] of stage.sizes.growth.entries())
      lineups.push(await prepareSize(stage, { count, mostRuns: MOST_RUNS[index] ?? 1 }));
    return (endpoint) => lineups.flatMap((lineup) => lineup(endpoint));
  },
};

function nameOf(mode: Mode, count: number): string {
  return `${mode} of ${count.toLocaleString('en')}`;
}

function targetsOf(mode: Mode, [least, , most]: Sizes['growth']): Target[] {
  const [small, large] = [least, most].map((files) => ({ name: nameOf(mode, files), files }));
  if (small === undefined || large === undefined) return [];
  const growth = { says: `\`${mode}\``, small, large };
  return [timeAFileStays(growth), peakMemory(large.name, MOST_MB)];
}

async function prepareSize(
  stage: Stage,
  { count, mostRuns }: { readonly count: number; readonly mostRuns: number },
): Promise<Lineup> {
  const { root: repository, commit } = await checkOut(stage, count);
  const folder = join(stage.root, `assets-${count}`);
  const files = { count, sizeBytes: FILE_BYTES };
  await writeFiles(folder, files);
  const bucket = await stage.bucket();
  const inputs = { 'package-directory': folder };
  await stage.storeSet({ place: stage.place(bucket), cwd: repository, commit, inputs });
  const upload = { folder, files, repository, commit };
  const expected = { found: 'true', reason: 'complete', 'file-count': String(count) };
  return (endpoint): Contender[] => {
    const place = stage.place(bucket, endpoint);
    const prepare = {
      upload: () => prepareByAction(stage, endpoint, upload),
      check: () => prepareActionCheck({ place, checkout: { repository, commit }, expected }),
      restore: () => restoreByAction(stage, place, { commit, files }),
    };
    return MODES.map((mode) => ({ name: nameOf(mode, count), mostRuns, prepare: prepare[mode] }));
  };
}

async function checkOut(stage: Stage, count: number): Promise<{ readonly root: string; readonly commit: string }> {
  const repository = await stage.repository(`repository-${count}`);
  const { id } = await repository.commit('sources', {});
  return { root: repository.root, commit: id };
}
