import { join } from 'node:path';
import { prepareStep } from './action-step.ts';
import { BARE, prepareBareScript } from './bare-script.ts';
import type { Bucket } from './bucket.ts';
import type { Attempt, Contender } from './contest.ts';
import { pathsOf, removeMarkers } from './folder.ts';
import type { Timed } from './process-meter.ts';
import type { FileSet } from './sizes.ts';
import type { Stage } from './stage.ts';
import { type TransferProgram, transferPrograms } from './transfer-programs.ts';
import { ACTION, S5CMD } from './work.ts';

export interface Upload {
  readonly folder: string;
  readonly files: FileSet;
  /** Path; HEAD is the commit of the set. */
  readonly repository: string;
  readonly commit: string;
}

/** The action and each available peer, all of which upload the same folder to new buckets. */
export function uploadContenders(stage: Stage, endpoint: string, upload: Upload): Contender[] {
  const programs = transferPrograms(stage.peers).map((program) => ({
    name: program.name,
    fewIfLong: program.name !== S5CMD,
    prepare: () => prepareByProgram(stage, endpoint, { upload, program }),
  }));
  return [
    { name: ACTION, prepare: () => prepareByAction(stage, endpoint, upload) },
    { name: BARE, prepare: () => prepareByBareScript(stage, endpoint, upload) },
    ...programs,
  ];
}

export async function prepareByAction(stage: Stage, endpoint: string, upload: Upload): Promise<Attempt> {
  const { folder, repository, commit, files } = upload;
  await removeMarkers(folder);
  const bucket = await stage.freshBucket();
  const place = stage.place(bucket, endpoint);
  const inputs = { mode: 'upload', 'package-directory': folder };
  const step = await prepareStep({ place, cwd: repository, commit, inputs });
  const outputs = { uploaded: 'true', 'file-count': String(files.count) };
  return uploading(step.timed, { upload, bucket, verify: () => step.expectOutputs(outputs) });
}

async function prepareByProgram(
  stage: Stage,
  endpoint: string,
  { upload, program }: { readonly upload: Upload; readonly program: TransferProgram },
): Promise<Attempt> {
  await removeMarkers(upload.folder);
  const bucket = await stage.freshBucket();
  const place = stage.place(bucket, endpoint);
  const commands = [program.upload(upload.folder, bucket.name, `artifacts/${upload.commit}/`)];
  const output = join(place.home, `${program.name}.log`);
  return uploading({ commands, env: program.env(place), cwd: place.home, output }, { upload, bucket });
}

async function prepareByBareScript(stage: Stage, endpoint: string, upload: Upload): Promise<Attempt> {
  await removeMarkers(upload.folder);
  const bucket = await stage.freshBucket();
  const writes = pathsOf(upload.files.count).map(
    (path) => ({ method: 'PUT', key: `artifacts/${upload.commit}/${path}`, file: join(upload.folder, path) }) as const,
  );
  const { timed } = await prepareBareScript(stage.place(bucket, endpoint), writes);
  return uploading(timed, { upload, bucket });
}

interface Uploading {
  readonly upload: Upload;
  readonly bucket: Bucket;
  readonly verify?: () => Promise<void>;
}

function uploading(timed: Timed, { upload: { commit, files }, bucket, verify }: Uploading): Attempt {
  return {
    timed,
    verify: async () => {
      await verify?.();
      await bucket.expectFiles(`artifacts/${commit}/`, files);
    },
    clear: () => bucket.delete(),
  };
}
