import { join } from 'node:path';
import { writeFiles } from '../folder.ts';
import { LINK_NAMES } from '../link.ts';
import { restoreContenders, S5CMD_AND_DIGESTS } from '../restores.ts';
import { SET_NAMES, type SetName } from '../sizes.ts';
import { cpuRatio, peakMemory, type Target, timeRatio } from '../targets.ts';
import { ACTION, RCLONE, S5CMD, type Work } from '../work.ts';
import { describe } from './upload.ts';

const COMMIT = 'c'.repeat(40);

export const RESTORES: readonly Work[] = SET_NAMES.map((name) => ({
  name: `restore-${name}`,
  title: ({ sets }) => `\`restore\`, ${describe(sets[name])}, verified`,
  links: LINK_NAMES,
  targets: () => [...timesOf(name), peakMemory(ACTION, 300)],
  prepare: async (stage) => {
    const files = stage.sizes.sets[name];
    const folder = join(stage.root, 'files');
    await writeFiles(folder, files);
    const bucket = await stage.bucket();
    const inputs = { 'package-directory': folder };
    await stage.storeSet({ place: stage.place(bucket), cwd: stage.root, commit: COMMIT, inputs });
    return (endpoint) => restoreContenders(stage, stage.place(bucket, endpoint), { commit: COMMIT, files });
  },
}));

function timesOf(name: SetName): Target[] {
  const pair = { of: ACTION, than: S5CMD };
  if (name === '1000x10kb') return [timeRatio(pair, 1.3, ['25ms'])];
  return [
    timeRatio({ of: ACTION, than: S5CMD_AND_DIGESTS }, 1.5, ['loopback']),
    cpuRatio({ of: ACTION, than: RCLONE }, 1.5, ['loopback']),
    timeRatio(pair, 1.2, ['2gbit']),
  ];
}
