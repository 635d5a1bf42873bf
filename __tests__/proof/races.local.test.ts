import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dice } from '../../dev/proof/dice.ts';
import { type BuiltAction, copyAction, Lane } from '../../dev/proof/lane.ts';
import { Race } from '../../dev/proof/race.ts';
import { RACE_KINDS, raceLate } from '../../dev/proof/race-kinds.ts';
import { Tally } from '../../dev/proof/tally.ts';

const MOST_MS = 120_000;
const SEED = process.env.PROOF_SEED ?? 'sample';

describe('processes of the built action at once', () => {
  let action: BuiltAction;
  let lane: Lane;
  beforeAll(async () => {
    action = await copyAction();
    lane = await Lane.open(action);
  });
  afterAll(async () => {
    await lane[Symbol.asyncDispose]();
    await action[Symbol.asyncDispose]();
  });

  const sample = RACE_KINDS.filter(({ name }) => /different builds|promotions|repair/.test(name));

  it.each(sample)(
    'come to one whole set: $name',
    async ({ name, run }) => {
      const tally = new Tally();
      await run(new Race(lane, new Dice(`${SEED}/${name}`), tally.witness(`${name} (seed ${SEED})`)));
      expect(tally.violations).toEqual([]);
    },
    MOST_MS,
  );

  it(
    'leave the set to the one that has taken it over, though that removes the parts of the other',
    async () => {
      const tally = new Tally();
      const race = new Race(lane, new Dice(SEED), tally.witness(`a late part (seed ${SEED})`), { isLarge: true });
      const late = await race.upload(0, { concurrency: '1' });
      const other = await race.upload(race.rebuild());
      const { result } = await raceLate(race, {
        late,
        other,
        isHeld: ({ operation }) => operation === 'UploadPart',
        releases: () => false,
      });
      expect(tally.violations).toEqual([]);
      expect(result.outputs).toMatchObject({ found: 'true', uploaded: 'false', reason: 'lost-race' });
    },
    MOST_MS,
  );
});
