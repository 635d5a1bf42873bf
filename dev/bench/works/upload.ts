import { join } from 'node:path';
import { readableSize } from '../../../src/text.ts';
import { writeLargeFile, writeSmallFiles } from '../folder.ts';
import type { Sizes } from '../sizes.ts';
import type { Stage } from '../stage.ts';
import { peakMemory, timeRatio } from '../targets.ts';
import { type Upload, uploadContenders } from '../uploads.ts';
import { ACTION, type Lineup, S5CMD, type Work } from '../work.ts';

const PAIR = { of: ACTION, than: S5CMD };

export const UPLOAD_SMALL: Work = {
  name: 'upload-small',
  title: ({ small }) => `\`upload\`, ${describe(small)}`,
  withLatency: true,
  targets: () => [timeRatio(PAIR, 1, ['latency']), timeRatio(PAIR, 1.2, ['loopback'])],
  prepare: (stage) => prepareSmall(stage, { withCache: false }),
};

export const UPLOAD_CACHED: Work = {
  name: 'upload-cached',
  title: ({ small }) => `\`upload\`, ${describe(small)}, with caching (peers: up, then bucket to bucket)`,
  withLatency: true,
  targets: () => [timeRatio(PAIR, 1.1)],
  prepare: (stage) => prepareSmall(stage, { withCache: true }),
};

export const UPLOAD_LARGE: Work = {
  name: 'upload-large',
  title: ({ largeBytes }) => `\`upload\`, one file of ${readableSize(largeBytes)}`,
  withLatency: true,
  targets: () => [timeRatio(PAIR, 1), peakMemory(ACTION, 200)],
  prepare: async (stage) => {
    const folder = join(stage.root, 'large');
    const { largeBytes } = stage.sizes;
    await writeLargeFile(folder, largeBytes);
    return lineup(stage, { folder, files: { count: 1, sizeBytes: largeBytes }, withCache: false });
  },
};

export function describe({ count, sizeBytes }: Sizes['small']): string {
  return `${count.toLocaleString('en')} × ${readableSize(sizeBytes)}`;
}

async function prepareSmall(stage: Stage, { withCache }: { readonly withCache: boolean }): Promise<Lineup> {
  const folder = join(stage.root, 'small');
  await writeSmallFiles(folder, stage.sizes.small);
  return lineup(stage, { folder, files: stage.sizes.small, withCache });
}

async function lineup(stage: Stage, upload: Omit<Upload, 'repository' | 'commit'>): Promise<Lineup> {
  const repository = await stage.repository();
  const { id: commit } = await repository.commit('sources', {});
  return (endpoint) => uploadContenders(stage, endpoint, { ...upload, repository: repository.root, commit });
}
