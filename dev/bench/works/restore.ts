import { join } from 'node:path';
import { readableSize } from '../../../src/text.ts';
import { writeLargeFile, writeSmallFiles } from '../folder.ts';
import { type Restore, restoreContenders } from '../restores.ts';
import type { Stage } from '../stage.ts';
import { peakMemory, timeRatio } from '../targets.ts';
import { ACTION, type Lineup, S5CMD, type Work } from '../work.ts';
import { describe } from './upload.ts';

const PAIR = { of: ACTION, than: S5CMD };
const TARGETS = [timeRatio(PAIR, 1, ['latency']), timeRatio(PAIR, 1.2, ['loopback']), peakMemory(ACTION, 200)];

export const RESTORE_SMALL: Work = {
  name: 'restore-small',
  title: ({ small }) => `\`restore\`, ${describe(small)}, verified`,
  withLatency: true,
  targets: () => TARGETS,
  prepare: async (stage) => {
    const folder = join(stage.root, 'small');
    await writeSmallFiles(folder, stage.sizes.small);
    return lineup(stage, { folder, files: stage.sizes.small });
  },
};

export const RESTORE_LARGE: Work = {
  name: 'restore-large',
  title: ({ largeBytes }) => `\`restore\`, one file of ${readableSize(largeBytes)}, verified`,
  withLatency: true,
  targets: () => TARGETS,
  prepare: async (stage) => {
    const folder = join(stage.root, 'large');
    await writeLargeFile(folder, stage.sizes.largeBytes);
    return lineup(stage, { folder, files: { count: 1, sizeBytes: stage.sizes.largeBytes } });
  },
};

const COMMIT = 'c'.repeat(40);

async function lineup(
  stage: Stage,
  { folder, files }: { readonly folder: string; readonly files: Restore['files'] },
): Promise<Lineup> {
  const bucket = await stage.bucket();
  const inputs = { 'package-directory': folder };
  await stage.storeSet({ place: stage.place(bucket), cwd: stage.root, commit: COMMIT, inputs });
  return (endpoint) => restoreContenders(stage, stage.place(bucket, endpoint), { commit: COMMIT, files });
}
