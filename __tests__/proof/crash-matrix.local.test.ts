import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { proveCrashes } from '../../dev/proof/crash-matrix.ts';
import { type BuiltAction, copyAction } from '../../dev/proof/lane.ts';
import { proveRandomKills } from '../../dev/proof/random-kills.ts';
import { Tally } from '../../dev/proof/tally.ts';

// A sample of `npm run proof`, the same each time; PROOF_SEED draws another.

const MOST_MS = 120_000;
const SEED = process.env.PROOF_SEED ?? 'sample';

describe('the built action, killed at some of its requests', () => {
  let action: BuiltAction;
  beforeAll(async () => {
    action = await copyAction();
  });
  afterAll(async () => {
    await action[Symbol.asyncDispose]();
  });

  // A restore makes few requests, so more of them are tried.
  it.each([
    ['upload', 16],
    ['promotion', 8],
    ['restore', 2],
  ] as const)(
    'leaves nothing behind that the next run does not make good: %s',
    async (scene, stride) => {
      const tally = new Tally();
      await proveCrashes({ action, seed: SEED, tally, lanes: 2, scenes: [scene], stride });
      expect(tally.violations).toEqual([]);
      expect(tally.counts.get('kills')).toBeGreaterThan(0);
    },
    MOST_MS,
  );

  it(
    'converges after kills at any moment',
    async () => {
      const tally = new Tally();
      await proveRandomKills({ action, seed: SEED, tally, lanes: 2, kills: 3 });
      expect(tally.violations).toEqual([]);
    },
    MOST_MS,
  );
});
