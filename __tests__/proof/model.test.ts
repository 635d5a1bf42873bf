import { describe, expect, it } from '@jest/globals';
import { explore } from '../../dev/proof/model/explore.ts';
import { MUTANTS } from '../../dev/proof/model/mutants.ts';
import { Workbench } from '../../dev/proof/model/workbench.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const INTERLEAVINGS = 400;
const MOST_MS = 60_000;

describe('the model of the store protocol', () => {
  it(
    `keeps every promise in ${INTERLEAVINGS} interleavings (seed ${SEED})`,
    async () => {
      const { violation, counts } = await explore({ interleavings: INTERLEAVINGS, seed: SEED, shrinksForMs: 10_000 });
      expect(violation).toBeUndefined();
      const hazards = [
        'crashes',
        'lost replies',
        'late effects',
        'take-overs',
        'pauses',
        'objects forged by outsiders',
      ];
      for (const counted of [...hazards, 'sets copied elsewhere by outsiders', 'uploads that came across markers'])
        expect(counts.get(counted)).toBeGreaterThan(0);
      expect(counts.get('restored sets')).toBeGreaterThan(0);
    },
    MOST_MS,
  );

  const sample = MUTANTS.filter(({ guard }) =>
    /^(If-Match at renew|a live lease|list after seal|the code is not in the cache)/.test(guard),
  );

  it.each(sample)(
    'notices when a guard is gone: $guard',
    async (mutant) => {
      await using workbench = await Workbench.create();
      const noticed = await workbench.tryWithout(mutant, { interleavings: 10_000, seed: SEED });
      expect(noticed?.violation).toMatch(/\S/);
    },
    MOST_MS,
  );

  it('has every guard in its file exactly once', async () => {
    await using workbench = await Workbench.create();
    for (const mutant of MUTANTS) await workbench.assertThere(mutant);
    expect(sample).toHaveLength(4);
  });
});
