import { join } from 'node:path';
import type { Repository } from '../../demo/repository.ts';
import type { Bucket } from '../bucket.ts';
import { FILTER, prepareActionCheck, preparePythonCheck } from '../checks.ts';
import type { Attempt, Contender } from '../contest.ts';
import { writeSmallFiles } from '../folder.ts';
import type { Place } from '../place.ts';
import { timedPythonTool } from '../python-tool.ts';
import type { Sizes } from '../sizes.ts';
import type { Stage } from '../stage.ts';
import { timeRatio, timesFaster } from '../targets.ts';
import { type TransferProgram, transferPrograms } from '../transfer-programs.ts';
import { ACTION, PYTHON_TOOL, S5CMD, type Work } from '../work.ts';

/** The code was built for another commit: its assets are copied under this one, by the server. */
export const CHECK_PROMOTED: Work = {
  name: 'check-promoted',
  title: ({ small }) => `\`check\`, cache hit of ${small.count.toLocaleString('en')} assets, promoted`,
  withLatency: true,
  targets: () => [timesFaster({ of: ACTION, than: PYTHON_TOOL }, 6), timeRatio({ of: ACTION, than: S5CMD }, 1.1)],
  prepare: async (stage) => {
    const repository = await stage.repository();
    const { id: commit } = await repository.commit('built', {});
    await writeSmallFiles(join(repository.root, 'packages'), stage.sizes.small);
    const [bucket, pythonBucket] = [await stage.bucket(), await stage.bucket()];
    const inputs = { 'code-hash-filter': FILTER };
    await stage.storeSet({ place: stage.place(bucket), cwd: repository.root, commit, inputs });
    const scene = { stage, bucket, pythonBucket, repository, built: commit };
    await storeByPythonTool(scene);
    return (endpoint) => lineup(scene, endpoint);
  },
};

interface Scene {
  readonly stage: Stage;
  readonly bucket: Bucket;
  readonly pythonBucket: Bucket;
  readonly repository: Repository;
  /** The commit whose assets are there. */
  readonly built: string;
}

/** The tool finds only what is filed under its own hash of the sources, which a check leaves for the upload. */
async function storeByPythonTool({ stage, pythonBucket, repository }: Scene): Promise<void> {
  const { boto3: python } = stage.peers;
  if (python === undefined) return;
  const place = stage.place(pythonBucket);
  const check = await preparePythonCheck({ python, place, repository: repository.root, isFound: false });
  await stage.run(check.timed);
  const packages = join(repository.root, 'packages');
  await stage.run(timedPythonTool({ python, command: 'upload', place, repository: repository.root, packages }));
}

function lineup(scene: Scene, endpoint: string): Contender[] {
  const { stage, bucket, pythonBucket } = scene;
  const { boto3: python } = stage.peers;
  const place = stage.place(bucket, endpoint);
  const copies = transferPrograms(stage.peers).map((program) => ({
    name: program.name,
    fewIfLong: program.name !== S5CMD,
    prepare: async () => prepareCopy(scene, place, program),
  }));
  const action = { name: ACTION, prepare: () => prepareAction(scene, place) };
  if (python === undefined) return [action, ...copies];
  const pythonPlace = stage.place(pythonBucket, endpoint);
  return [
    action,
    ...copies,
    { name: PYTHON_TOOL, fewIfLong: true, prepare: () => preparePython(scene, pythonPlace, python) },
  ];
}

/** Another commit with the same sources; only what is told apart from the tree changes. */
async function nextCommit({ repository }: Scene): Promise<string> {
  const { id } = await repository.commit('documented', { 'README.md': `${performance.now()}\n` });
  return id;
}

async function prepareAction(scene: Scene, place: Place): Promise<Attempt> {
  const commit = await nextCommit(scene);
  const expected = { found: 'true', source: 'cache', 'cache-hit': 'true', 'built-from-commit': scene.built };
  const checkout = { repository: scene.repository.root, commit };
  const attempt = await prepareActionCheck({ place, checkout, expected });
  return promoted(attempt, { bucket: scene.bucket, prefix: `artifacts/${commit}/`, files: scene.stage.sizes.small });
}

async function preparePython(scene: Scene, place: Place, python: string): Promise<Attempt> {
  const commit = await nextCommit(scene);
  const attempt = await preparePythonCheck({ python, place, repository: scene.repository.root, isFound: true });
  return promoted(attempt, {
    bucket: scene.pythonBucket,
    prefix: `artifacts/${commit}/`,
    files: scene.stage.sizes.small,
  });
}

function prepareCopy({ stage, bucket, built }: Scene, place: Place, program: TransferProgram): Attempt {
  const prefix = 'copies/';
  const command = program.copy(place.bucket, `artifacts/${built}/`, prefix);
  const timed = { commands: [command], env: program.env(place), cwd: place.home, output: join(place.home, 'copy.log') };
  const attempt = { timed, verify: async () => {}, clear: async () => {} };
  return promoted(attempt, { bucket, prefix, files: stage.sizes.small });
}

interface Copies {
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly files: Sizes['small'];
}

/** Whoever copies has to have copied everything, to where there is nothing afterwards. */
function promoted({ timed, ...attempt }: Attempt, { bucket, prefix, files }: Copies): Attempt {
  return {
    timed,
    verify: async () => {
      await attempt.verify();
      await bucket.expectFiles(prefix, files);
    },
    clear: () => bucket.remove(prefix),
  };
}
