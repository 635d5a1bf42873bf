import { join } from 'node:path';
import type { Repository } from '../../demo/repository.ts';
import { BARE, prepareBareScript } from '../bare-script.ts';
import type { Bucket } from '../bucket.ts';
import { FILTER, prepareActionCheck } from '../checks.ts';
import type { Attempt, Contender } from '../contest.ts';
import { pathsOf, writeFiles } from '../folder.ts';
import type { Place } from '../place.ts';
import type { FileSet, SetName } from '../sizes.ts';
import type { Stage } from '../stage.ts';
import { timeRatio } from '../targets.ts';
import { type TransferProgram, transferPrograms } from '../transfer-programs.ts';
import { ACTION, S5CMD, type Work } from '../work.ts';
import { describe } from './upload.ts';

const SETS: readonly SetName[] = ['20x2mb', '1000x10kb'];

/** The code was built for another commit: the server copies its assets to this one. */
export const PROMOTIONS: readonly Work[] = SETS.map((name) => ({
  name: `promotion-${name}`,
  title: ({ sets }) => `\`check\`, cache hit of ${describe(sets[name])}, promoted`,
  links: ['loopback', '25ms'],
  targets: () => [timeRatio({ of: ACTION, than: S5CMD }, 1.3)],
  prepare: async (stage) => {
    const files = stage.sizes.sets[name];
    const repository = await stage.repository();
    const { id: built } = await repository.commit('built', {});
    await writeFiles(join(repository.root, 'packages'), files);
    const bucket = await stage.bucket();
    const inputs = { 'code-hash-filter': FILTER };
    await stage.storeSet({ place: stage.place(bucket), cwd: repository.root, commit: built, inputs });
    return (endpoint) => lineup({ stage, bucket, repository, built, files }, endpoint);
  },
}));

interface Scene {
  readonly stage: Stage;
  readonly bucket: Bucket;
  readonly repository: Repository;
  /** The commit whose assets exist. */
  readonly built: string;
  readonly files: FileSet;
}

function lineup(scene: Scene, endpoint: string): Contender[] {
  const place = scene.stage.place(scene.bucket, endpoint);
  const copies = transferPrograms(scene.stage.peers).map((program) => ({
    name: program.name,
    fewIfLong: program.name !== S5CMD,
    prepare: async () => prepareCopy(scene, place, program),
  }));
  return [
    { name: ACTION, prepare: () => prepareAction(scene, place) },
    { name: BARE, prepare: () => prepareBareCopy(scene, place) },
    ...copies,
  ];
}

async function prepareAction(scene: Scene, place: Place): Promise<Attempt> {
  const { repository, built } = scene;
  // Another commit with the same sources.
  const { id: commit } = await repository.commit('documented', { 'README.md': `${performance.now()}\n` });
  const expected = { found: 'true', source: 'cache', 'cache-hit': 'true', 'built-from-commit': built };
  const attempt = await prepareActionCheck({ place, checkout: { repository: repository.root, commit }, expected });
  return promoted(attempt, scene, `artifacts/${commit}/`);
}

const COPIES = 'copies/';

async function prepareBareCopy(scene: Scene, place: Place): Promise<Attempt> {
  const requests = pathsOf(scene.files.count).map((path) => {
    const headers = { 'x-amz-copy-source': `${place.bucket}/artifacts/${scene.built}/${path}` };
    return { method: 'PUT', key: COPIES + path, headers } as const;
  });
  return promoted(await prepareBareScript(place, requests), scene, COPIES);
}

function prepareCopy(scene: Scene, place: Place, program: TransferProgram): Attempt {
  const command = program.copy(place.bucket, `artifacts/${scene.built}/`, COPIES);
  const timed = { commands: [command], env: program.env(place), cwd: place.home, output: join(place.home, 'copy.log') };
  return promoted({ timed, verify: async () => {}, clear: async () => {} }, scene, COPIES);
}

/** Verifies that all files were copied, and removes the copies before the next run. */
function promoted({ timed, verify }: Attempt, { bucket, files }: Scene, prefix: string): Attempt {
  return {
    timed,
    verify: async () => {
      await verify();
      await bucket.expectFiles(prefix, files);
    },
    clear: () => bucket.remove(prefix),
  };
}
