import { join } from 'node:path';
import type { Bucket } from '../bucket.ts';
import { type Checkout, prepareActionCheck, preparePythonCheck } from '../checks.ts';
import type { Contender } from '../contest.ts';
import { writeSmallFiles } from '../folder.ts';
import type { Stage } from '../stage.ts';
import { additionFaster, timeOver } from '../targets.ts';
import { ACTION, PYTHON_TOOL, type Work } from '../work.ts';

const HIT = { [ACTION]: `${ACTION}, hit`, [PYTHON_TOOL]: `${PYTHON_TOOL}, hit` } as const;
const ASSETS = { count: 10, sizeBytes: 1000 };

/** Neither the commit's set nor one of the same code: all sources have to be hashed to know. */
export const CHECK_MISS: Work = {
  name: 'check-miss',
  title: ({ sources }) => `\`check\`, miss, ${sources.count.toLocaleString('en')} sources hashed`,
  withLatency: true,
  targets: () => [
    timeOver({ of: ACTION, than: HIT[ACTION] }, 150, ['loopback']),
    additionFaster(
      {
        says: `what a miss takes more than a hit: than the ${PYTHON_TOOL}'s`,
        of: { with: ACTION, without: HIT[ACTION] },
        than: { with: PYTHON_TOOL, without: HIT[PYTHON_TOOL] },
      },
      8,
      ['loopback'],
    ),
  ],
  prepare: async (stage) => {
    const repository = await stage.repository();
    await writeSmallFiles(join(repository.root, 'src'), stage.sizes.sources);
    const { id: commit } = await repository.commit('sources', {});
    await writeSmallFiles(join(repository.root, 'packages'), ASSETS);
    const checkout = { repository: repository.root, commit };
    const [full, empty] = [await stage.bucket(), await stage.bucket()];
    await stage.storeSet({ place: stage.place(full), cwd: repository.root, commit, inputs: {} });
    return (endpoint) => lineup(stage, { endpoint, full, empty, checkout });
  },
};

interface Scene {
  readonly endpoint: string;
  readonly full: Bucket;
  readonly empty: Bucket;
  readonly checkout: Checkout;
}

function lineup(stage: Stage, { endpoint, full, empty, checkout }: Scene): Contender[] {
  const [hit, miss] = [stage.place(full, endpoint), stage.place(empty, endpoint)];
  const { boto3: python } = stage.peers;
  const found = { found: 'true', reason: 'complete' };
  const absent = { found: 'false', reason: 'absent' };
  const action: Contender[] = [
    { name: ACTION, prepare: () => prepareActionCheck({ place: miss, checkout, expected: absent }) },
    { name: HIT[ACTION], prepare: () => prepareActionCheck({ place: hit, checkout, expected: found }) },
  ];
  if (python === undefined) return action;
  const { repository } = checkout;
  return [
    ...action,
    { name: PYTHON_TOOL, prepare: () => preparePythonCheck({ python, place: miss, repository, isFound: false }) },
    { name: HIT[PYTHON_TOOL], prepare: () => preparePythonCheck({ python, place: hit, repository, isFound: true }) },
  ];
}
