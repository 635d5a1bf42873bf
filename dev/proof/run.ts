import { parseArgs } from 'node:util';
import { answerHelp } from '../help.ts';
import { proveCrashes } from './crash-matrix.ts';
import { Dice } from './dice.ts';
import { type Figures, type PartFigures, publishFigures } from './figures.ts';
import { proveByFuzz } from './fuzz.ts';
import { type BuiltAction, copyAction } from './lane.ts';
import { MUTANTS } from './model/mutants.ts';
import { proveModel } from './model.ts';
import { proveRaces } from './races.ts';
import { proveRandomKills } from './random-kills.ts';
import { SCENES } from './scenes.ts';
import { proveServerSizes } from './server-sizes.ts';
import { proveSizes } from './sizes.ts';
import type { Endpoint } from './store.ts';
import { Tally } from './tally.ts';

answerHelp(`npm run proof -- [--quick] [--only crash,kills,races,fuzz,sizes,server,model] [--seed text] [--lanes 2]
                 [--endpoint url --access-key key --secret-key key]

Tries to make the built action break a promise: by kills, races, senseless inputs, large sets and a model checker.
Prints the figures as JSON in the end, and puts those of full parts into docs/internals/reliability.md. Exits with 1 where a promise
was broken. With --endpoint, kills and races go against that server, whose clock can't be moved.`);

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now()) },
    lanes: { type: 'string', default: '2' },
    endpoint: { type: 'string' },
    'access-key': { type: 'string', default: 'test' },
    'secret-key': { type: 'string', default: 'testsecret1' },
  },
});

const FULL = {
  stride: 1,
  kills: 500,
  rounds: 208,
  cases: 1_000_000,
  files: 10_000,
  largeMib: 2048,
  served: { files: 5000, largeMib: 6144 },
  interleavings: 100_000,
  mutants: MUTANTS,
};
const QUICK = {
  stride: 16,
  kills: 12,
  rounds: 8,
  cases: 10_000,
  files: 1000,
  largeMib: 64,
  served: { files: 200, largeMib: 64 },
  interleavings: 500,
  mutants: MUTANTS.filter(({ guard }) => /^(If-Match at renew|a live lease|list after seal)/.test(guard)),
};
const MOST_SHOWN = 20;

const { seed, quick } = values;
const size = quick ? QUICK : FULL;
const lanes = Number(values.lanes);

interface Work {
  readonly action: BuiltAction;
  readonly tally: Tally;
  readonly seed: string;
  readonly endpoint?: Endpoint;
  readonly progress: (line: string) => void;
}

const PARTS: Readonly<Record<string, (work: Work) => Promise<void>>> = {
  crash: (work) => proveCrashes({ ...work, lanes, scenes: SCENES, stride: size.stride }),
  kills: (work) => proveRandomKills({ ...work, lanes, kills: size.kills }),
  races: (work) => proveRaces({ ...work, rounds: size.rounds }),
  fuzz: ({ tally }) => proveByFuzz({ tally, cases: size.cases, seed: new Dice(seed).below(2 ** 31) }),
  sizes: (work) => proveSizes({ ...work, files: size.files, largeMib: size.largeMib }),
  server: (work) => proveServerSizes({ ...work, ...size.served }),
  model: (work) => proveModel({ ...work, lanes, interleavings: size.interleavings, mutants: size.mutants }),
};

const asked = values.only?.split(',') ?? Object.keys(PARTS);
const unknown = asked.find((name) => !(name in PARTS));
if (unknown !== undefined) throw new Error(`--only has '${unknown}': give some of ${Object.keys(PARTS).join(',')}`);

console.log(`Seed ${seed}${quick ? ', a sample of everything' : ''}`);
const parts: Record<string, PartFigures> = {};
await using action = await copyAction();
for (const name of asked) parts[name] = await provePart(name);

const figures: Figures = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  seed,
  isQuick: quick,
  parts,
};
console.log(`\n${JSON.stringify(figures, undefined, 2)}`);
const violations = Object.values(parts).reduce((sum, part) => sum + part.violations, 0);
console.log(violations === 0 ? '\nEvery promise was kept.' : `\n${violations} promises were broken.`);
if (!quick && values.endpoint === undefined) await publishFigures(figures);
process.exitCode = violations === 0 ? 0 : 1;

async function provePart(name: string): Promise<PartFigures> {
  const tally = new Tally();
  const startedMs = performance.now();
  const progress = (line: string): void => console.log(`  ${line}, ${tally.violations.length} broken promises`);
  console.log(`\n${name}`);
  const { endpoint: url, 'access-key': accessKeyId, 'secret-key': secretAccessKey } = values;
  const endpoint = url === undefined ? {} : { endpoint: { url, accessKeyId, secretAccessKey } };
  await PARTS[name]?.({ action, tally, progress, seed: `${seed}/${name}`, ...endpoint });
  for (const violation of tally.violations.slice(0, MOST_SHOWN)) console.log(`\nBROKEN: ${violation}`);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const { violations, mutants, skipped } = tally;
  if (skipped !== undefined) console.log(`  Skipped: ${skipped}`);
  return { seconds, violations: violations.length, counts: Object.fromEntries(tally.counts), mutants, skipped };
}
