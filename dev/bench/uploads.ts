import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareStep } from './action-step.ts';
import type { Bucket } from './bucket.ts';
import type { Attempt, Contender } from './contest.ts';
import { removeMarkers } from './folder.ts';
import type { Timed } from './process-meter.ts';
import { timedPythonTool } from './python-tool.ts';
import type { Stage } from './stage.ts';
import { type TransferProgram, transferPrograms } from './transfer-programs.ts';
import { ACTION, PYTHON_TOOL, S5CMD } from './work.ts';

/** Any will do: each upload goes to a bucket of its own. */
const CODE_HASH = 'c0de'.repeat(16);

/** A folder that is uploaded, and how often its files are stored: under the commit, and under the code hash too. */
export interface Upload {
  readonly folder: string;
  readonly files: { readonly count: number; readonly sizeBytes: number };
  readonly withCache: boolean;
  /** Its HEAD is the commit. */
  readonly repository: string;
  readonly commit: string;
}

/** The action and each peer that is there, all of them uploading the same folder to new buckets. */
export function uploadContenders(stage: Stage, endpoint: string, upload: Upload): Contender[] {
  const { boto3: python } = stage.peers;
  const programs = transferPrograms(stage.peers).map((program) => ({
    name: program.name,
    fewIfLong: program.name !== S5CMD,
    prepare: () => prepareByProgram(stage, endpoint, { upload, program }),
  }));
  const action = { name: ACTION, prepare: () => prepareByAction(stage, endpoint, upload) };
  if (python === undefined) return [action, ...programs];
  return [
    action,
    ...programs,
    { name: PYTHON_TOOL, fewIfLong: true, prepare: () => prepareByPythonTool(stage, endpoint, { upload, python }) },
  ];
}

export async function prepareByAction(stage: Stage, endpoint: string, upload: Upload): Promise<Attempt> {
  const { folder, repository, commit, withCache, files } = upload;
  await leaveMarkers(upload);
  const bucket = await stage.freshBucket();
  const place = stage.place(bucket, endpoint);
  const inputs = {
    mode: 'upload',
    'package-directory': folder,
    ...(withCache ? { 'code-hash-filter': 'src/**' } : {}),
  };
  const step = await prepareStep({ place, cwd: repository, commit, inputs });
  const outputs = { uploaded: 'true', cached: String(withCache), 'file-count': String(files.count) };
  return uploading(step.timed, { upload, bucket, verify: () => step.expectOutputs(outputs) });
}

async function prepareByPythonTool(
  stage: Stage,
  endpoint: string,
  { upload, python }: { readonly upload: Upload; readonly python: string },
): Promise<Attempt> {
  await leaveMarkers(upload);
  const bucket = await stage.freshBucket();
  const { repository, folder: packages } = upload;
  const place = stage.place(bucket, endpoint);
  const timed = timedPythonTool({ python, command: 'upload', place, repository, packages });
  return uploading(timed, { upload, bucket });
}

async function prepareByProgram(
  stage: Stage,
  endpoint: string,
  { upload, program }: { readonly upload: Upload; readonly program: TransferProgram },
): Promise<Attempt> {
  await removeMarkers(upload.folder);
  const bucket = await stage.freshBucket();
  const place = stage.place(bucket, endpoint);
  const own = `artifacts/${upload.commit}/`;
  const commands = [program.upload(upload.folder, bucket.name, own)];
  if (upload.withCache) commands.push(program.copy(bucket.name, own, `cache/${CODE_HASH}/`));
  const output = join(place.home, `${program.name}.log`);
  return uploading({ commands, env: program.env(place), cwd: place.home, output }, { upload, bucket });
}

/** What a check leaves for the upload after it: the commit, and the code hash where there is one. */
async function leaveMarkers({ folder, commit, withCache }: Upload): Promise<void> {
  await removeMarkers(folder);
  await writeFile(join(folder, '.commit-hash'), commit);
  if (withCache) await writeFile(join(folder, '.code-hash'), CODE_HASH);
}

interface Uploading {
  readonly upload: Upload;
  readonly bucket: Bucket;
  readonly verify?: () => Promise<void>;
}

function uploading(timed: Timed, { upload, bucket, verify }: Uploading): Attempt {
  const { commit, withCache, files } = upload;
  return {
    timed,
    verify: async () => {
      await verify?.();
      await bucket.expectFiles(`artifacts/${commit}/`, files);
      if (withCache) await bucket.expectFiles(`cache/${CODE_HASH}/`, files);
    },
    clear: () => bucket.delete(),
  };
}
