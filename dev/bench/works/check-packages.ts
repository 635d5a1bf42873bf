import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareStep } from '../action-step.ts';
import type { Bucket } from '../bucket.ts';
import type { Checkout } from '../checks.ts';
import type { Attempt, Contender } from '../contest.ts';
import { writeFiles } from '../folder.ts';
import type { Stage } from '../stage.ts';
import { timeRatio } from '../targets.ts';
import type { Work } from '../work.ts';

const MANY = 10;
const NAMES = Array.from({ length: MANY }, (_, index) => `package-${index}`);
const ASSETS = { count: 10, sizeBytes: 1000 };
const MOST = 1.5;

/** The same sources, as one package and as ten. */
const SPLITS = {
  one: { all: { sources: ['src/**'] } },
  ten: Object.fromEntries(NAMES.map((name) => [name, { sources: [`src/${name}/**`] }])),
} as const;
type Split = keyof typeof SPLITS;

/** One step for all packages of a monorepo must take little longer than for a single package. */
export const CHECK_PACKAGES: Work = {
  name: 'check-packages',
  title: ({ sources }) => `\`check\` of ${MANY} packages, ${sources.count.toLocaleString('en')} sources`,
  links: ['loopback', '25ms'],
  targets: () =>
    [true, false].map((isFound) => timeRatio({ of: nameOf('ten', isFound), than: nameOf('one', isFound) }, MOST)),
  prepare: async (stage) => {
    const repository = await stage.repository();
    const { count, sizeBytes } = stage.sizes.sources;
    for (const name of NAMES)
      await writeFiles(join(repository.root, 'src', name), { count: Math.ceil(count / MANY), sizeBytes });
    const { id: commit } = await repository.commit('sources', {});
    const checkout = { repository: repository.root, commit };
    const [full, empty] = [await stage.bucket(), await stage.bucket()];
    await storeAll(stage, full, checkout);
    return (endpoint) => lineup({ stage, full, empty, checkout }, endpoint);
  },
};

function nameOf(split: Split, isFound: boolean): string {
  return `${split === 'one' ? '1 package' : `${MANY} packages`}, ${isFound ? 'found' : 'missing'}`;
}

async function storeAll(stage: Stage, bucket: Bucket, { repository: cwd, commit }: Checkout): Promise<void> {
  const place = stage.place(bucket);
  const steps = Object.values(SPLITS).flatMap((packages) =>
    Object.keys(packages).map((name) => ({ name, packages: JSON.stringify({ packages }) })),
  );
  for (const { name } of steps) await writeFiles(join(cwd, 'packages', name), ASSETS);
  await stage.storeSets(
    steps.map(({ name, packages }) => ({ place, cwd, commit, inputs: { packages, package: name } })),
  );
}

interface Scene {
  readonly stage: Stage;
  readonly full: Bucket;
  readonly empty: Bucket;
  readonly checkout: Checkout;
}

function lineup(scene: Scene, endpoint: string): Contender[] {
  return [true, false].flatMap((isFound) =>
    (['ten', 'one'] as const).map((split) => ({
      name: nameOf(split, isFound),
      prepare: () => prepareCheck(scene, { endpoint, split, isFound }),
    })),
  );
}

async function prepareCheck(
  { stage, full, empty, checkout }: Scene,
  { endpoint, split, isFound }: { readonly endpoint: string; readonly split: Split; readonly isFound: boolean },
): Promise<Attempt> {
  const { repository: cwd, commit } = checkout;
  // Earlier steps left files in it.
  await rm(join(cwd, 'packages'), { recursive: true, force: true });
  const packages = SPLITS[split];
  const inputs = { mode: 'check', packages: JSON.stringify({ packages }) };
  const step = await prepareStep({ place: stage.place(isFound ? full : empty, endpoint), cwd, commit, inputs });
  const build = JSON.stringify(isFound ? [] : Object.keys(packages));
  return { timed: step.timed, verify: () => step.expectOutputs({ build }), clear: async () => {} };
}
