import { join } from 'node:path';
import { type Checkout, prepareActionCheck, preparePythonCheck } from '../checks.ts';
import type { Contender } from '../contest.ts';
import { writeSmallFiles } from '../folder.ts';
import type { Place } from '../place.ts';
import type { Stage } from '../stage.ts';
import { peakMemory, timeOver, timeRatio } from '../targets.ts';
import { transferPrograms } from '../transfer-programs.ts';
import { ACTION, PYTHON_TOOL, type Work } from '../work.ts';

const NODE = '`node -e 0`';
const ASSETS = { count: 10, sizeBytes: 1000 };

/** What most steps do most of the time: the set of the commit is there. */
export const CHECK_HIT: Work = {
  name: 'check-hit',
  title: () => '`check`, hit',
  withLatency: true,
  targets: () => [
    timeOver({ of: ACTION, than: NODE }, 30, ['loopback']),
    peakMemory(ACTION, 60),
    timeRatio({ of: ACTION, than: PYTHON_TOOL }, 0.25, ['loopback']),
  ],
  prepare: async (stage) => {
    const repository = await stage.repository();
    const { id: commit } = await repository.commit('sources', {});
    const bucket = await stage.bucket();
    await writeSmallFiles(join(repository.root, 'packages'), ASSETS);
    const checkout = { repository: repository.root, commit };
    await stage.storeSet({ place: stage.place(bucket), cwd: repository.root, commit, inputs: {} });
    return (endpoint) => lineup(stage, stage.place(bucket, endpoint), checkout);
  },
};

function lineup(stage: Stage, place: Place, checkout: Checkout): Contender[] {
  const expected = { found: 'true', source: 'artifact', reason: 'complete' };
  const { repository } = checkout;
  const { boto3: python } = stage.peers;
  const action = { name: ACTION, prepare: () => prepareActionCheck({ place, checkout, expected }) };
  const listings = transferPrograms(stage.peers).map((program) => {
    const command = program.list(place.bucket, `artifacts/${checkout.commit}/`);
    return plain(`${program.name}, a listing`, { command, env: program.env(place), place });
  });
  const node = plain(NODE, { command: [process.execPath, '-e', '0'], env: { PATH: process.env.PATH ?? '' }, place });
  if (python === undefined) return [node, action, ...listings];
  const pythonCheck = () => preparePythonCheck({ python, place, repository, isFound: true });
  return [node, action, { name: PYTHON_TOOL, prepare: pythonCheck }, ...listings];
}

/** A command that leaves nothing behind. */
function plain(
  name: string,
  {
    command,
    env,
    place,
  }: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>>; readonly place: Place },
): Contender {
  const timed = { commands: [command], env, cwd: place.home, output: join(place.home, 'plain.log') };
  return { name, prepare: async () => ({ timed, verify: async () => {}, clear: async () => {} }) };
}
