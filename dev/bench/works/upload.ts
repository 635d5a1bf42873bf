import { join } from 'node:path';
import { readableSize } from '../../../src/text.ts';
import { writeFiles } from '../folder.ts';
import { LINK_NAMES } from '../link.ts';
import { type FileSet, SET_NAMES, type SetName } from '../sizes.ts';
import { cpuRatio, peakMemory, type Target, timeRatio } from '../targets.ts';
import { uploadContenders } from '../uploads.ts';
import { ACTION, RCLONE, S5CMD, type Work } from '../work.ts';

export const UPLOADS: readonly Work[] = SET_NAMES.map((name) => ({
  name: `upload-${name}`,
  title: ({ sets }) => `\`upload\`, ${describe(sets[name])}`,
  links: LINK_NAMES,
  targets: () => [...timesOf(name), peakMemory(ACTION, 300)],
  prepare: async (stage) => {
    const files = stage.sizes.sets[name];
    const folder = join(stage.root, 'files');
    await writeFiles(folder, files);
    const repository = await stage.repository();
    const { id: commit } = await repository.commit('sources', {});
    const upload = { folder, files, repository: repository.root, commit };
    return (endpoint) => uploadContenders(stage, endpoint, upload);
  },
}));

function timesOf(name: SetName): Target[] {
  const pair = { of: ACTION, than: S5CMD };
  if (name === '1000x10kb') return [timeRatio(pair, 1.3, ['25ms'])];
  return [
    timeRatio(pair, 1.5, ['loopback']),
    cpuRatio({ of: ACTION, than: RCLONE }, 1.5, ['loopback']),
    timeRatio(pair, 1.1, ['2gbit']),
  ];
}

export function describe({ count, sizeBytes }: FileSet): string {
  return `${count.toLocaleString('en')} × ${readableSize(sizeBytes)}`;
}
