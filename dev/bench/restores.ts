import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareStep } from './action-step.ts';
import type { Attempt, Contender } from './contest.ts';
import { contentOf } from './folder.ts';
import type { Place } from './place.ts';
import type { Timed } from './process-meter.ts';
import type { Stage } from './stage.ts';
import { type TransferProgram, transferPrograms } from './transfer-programs.ts';
import { ACTION, S5CMD } from './work.ts';

/** A set that is stored. */
export interface Restore {
  readonly commit: string;
  readonly files: { readonly count: number; readonly sizeBytes: number };
}

/** The action and each peer that is there, all of them bringing the same set to new folders; only the action verifies it. */
export function restoreContenders(stage: Stage, place: Place, restore: Restore): Contender[] {
  return [
    { name: ACTION, prepare: () => restoreByAction(stage, place, restore) },
    ...transferPrograms(stage.peers).map((program) => ({
      name: program.name,
      fewIfLong: program.name !== S5CMD,
      prepare: () => restoreByProgram(stage, place, { program, restore }),
    })),
  ];
}

export async function restoreByAction(stage: Stage, place: Place, restore: Restore): Promise<Attempt> {
  const folder = await freshFolder(stage);
  const { commit, files } = restore;
  const inputs = { mode: 'restore', 'package-directory': join(folder, 'packages') };
  const step = await prepareStep({ place, cwd: folder, commit, inputs });
  const outputs = { restored: 'true', reason: 'complete', 'file-count': String(files.count) };
  return restoring(step.timed, { folder, files, verify: () => step.expectOutputs(outputs) });
}

async function restoreByProgram(
  stage: Stage,
  place: Place,
  { program, restore }: { readonly program: TransferProgram; readonly restore: Restore },
): Promise<Attempt> {
  const folder = await freshFolder(stage);
  const command = program.download(place.bucket, `artifacts/${restore.commit}/`, join(folder, 'packages'));
  const output = join(place.home, `${program.name}.log`);
  const timed = { commands: [command], env: program.env(place), cwd: place.home, output };
  return restoring(timed, { folder, files: restore.files });
}

async function freshFolder(stage: Stage): Promise<string> {
  const folder = await mkdtemp(join(stage.root, 'restored-'));
  await mkdir(join(folder, 'packages'));
  return folder;
}

interface Restoring {
  readonly folder: string;
  readonly files: Restore['files'];
  readonly verify?: () => Promise<void>;
}

function restoring(timed: Timed, { folder, files, verify }: Restoring): Attempt {
  return {
    timed,
    verify: async () => {
      await verify?.();
      const { count, sizeBytes } = await contentOf(join(folder, 'packages'));
      if (count !== files.count || sizeBytes !== files.count * files.sizeBytes)
        throw new Error(`${count} files of ${sizeBytes} bytes instead of ${files.count} of ${files.sizeBytes} each`);
    },
    clear: () => rm(folder, { recursive: true }),
  };
}
