import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareStep } from './action-step.ts';
import { BARE, prepareBareScript } from './bare-script.ts';
import type { Attempt, Contender } from './contest.ts';
import { contentOf, pathsOf } from './folder.ts';
import type { Place } from './place.ts';
import type { Timed } from './process-meter.ts';
import type { FileSet } from './sizes.ts';
import type { Stage } from './stage.ts';
import { type TransferProgram, transferPrograms } from './transfer-programs.ts';
import { ACTION, S5CMD } from './work.ts';

/** Does the same work as the action, since s5cmd verifies nothing. */
export const S5CMD_AND_DIGESTS = 's5cmd, then `openssl dgst`';

/** A stored set. */
export interface Restore {
  readonly commit: string;
  readonly files: FileSet;
}

/**
 * The action and each available peer, all of which restore the same set into new folders. The bare script only receives
 * it.
 */
export function restoreContenders(stage: Stage, place: Place, restore: Restore): Contender[] {
  const { openssl } = stage.peers;
  const programs = transferPrograms(stage.peers);
  const s5cmd = programs.find(({ name }) => name === S5CMD);
  const prefix = `artifacts/${restore.commit}/`;
  const reads = pathsOf(restore.files.count).map((path) => ({ method: 'GET', key: prefix + path }) as const);
  const contenders: Contender[] = [
    { name: ACTION, prepare: () => restoreByAction(stage, place, restore) },
    { name: BARE, prepare: () => prepareBareScript(place, reads) },
    ...programs.map((program) => ({
      name: program.name,
      fewIfLong: program.name !== S5CMD,
      prepare: () => restoreByProgram(stage, place, { program, restore }),
    })),
  ];
  if (s5cmd === undefined || openssl === undefined) return contenders;
  const prepare = () => restoreByProgram(stage, place, { program: s5cmd, restore, openssl });
  return [...contenders, { name: S5CMD_AND_DIGESTS, prepare }];
}

export async function restoreByAction(stage: Stage, place: Place, restore: Restore): Promise<Attempt> {
  const folder = await freshFolder(stage);
  const { commit, files } = restore;
  const inputs = { mode: 'restore', 'package-directory': join(folder, 'packages') };
  const step = await prepareStep({ place, cwd: folder, commit, inputs });
  const outputs = { restored: 'true', reason: 'complete', 'file-count': String(files.count) };
  return restoring(step.timed, { folder, files, verify: () => step.expectOutputs(outputs) });
}

interface ProgramRestore {
  readonly program: TransferProgram;
  readonly restore: Restore;
  /** Path of the program that hashes the files afterwards, if any. */
  readonly openssl?: string;
}

async function restoreByProgram(
  stage: Stage,
  place: Place,
  { program, restore: { commit, files }, openssl }: ProgramRestore,
): Promise<Attempt> {
  const folder = await freshFolder(stage);
  const packages = join(folder, 'packages');
  const commands = [program.download(place.bucket, `artifacts/${commit}/`, packages)];
  if (openssl !== undefined)
    commands.push([openssl, 'dgst', '-sha256', ...pathsOf(files.count).map((path) => join(packages, path))]);
  const output = join(place.home, `${program.name}.log`);
  return restoring({ commands, env: program.env(place), cwd: place.home, output }, { folder, files });
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
