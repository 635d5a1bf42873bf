import { Dice } from './dice.ts';
import { type BuiltAction, Lane } from './lane.ts';
import { Race } from './race.ts';
import { RACE_KINDS, type RaceKind } from './race-kinds.ts';
import type { Endpoint } from './store.ts';
import type { Tally } from './tally.ts';

// Several real processes at once on the same sets. Whatever happens between them, every sealed set is of one build,
// and every process succeeds or says why it did not.

export interface RacePlan {
  readonly action: BuiltAction;
  readonly seed: string;
  readonly tally: Tally;
  readonly rounds: number;
  readonly endpoint?: Endpoint | undefined;
  readonly progress?: (line: string) => void;
}

const REPORT_EVERY = 25;
/** In the local server, half of the requests take up to this long, so that the order of events varies between rounds. */
const MOST_DELAY_MS = 25;

export async function proveRaces({ action, seed, tally, rounds, endpoint, progress }: RacePlan): Promise<void> {
  await using lane = await Lane.open(action, endpoint);
  const kinds = RACE_KINDS.filter(({ needsClock }) => needsClock === undefined || lane.store.local !== undefined);
  for (let round = 1; round <= rounds; round += 1) {
    const kind = kinds[round % kinds.length] ?? RACE_KINDS[0];
    await runRound({ lane, kind, dice: new Dice(`${seed}/${round}`), tally });
    if (round % REPORT_EVERY === 0) progress?.(`${round} of ${rounds} rounds`);
  }
}

interface Round {
  readonly lane: Lane;
  readonly kind: RaceKind;
  readonly dice: Dice;
  readonly tally: Tally;
}

async function runRound({ lane, kind, dice, tally }: Round): Promise<void> {
  delayAtRandom(lane, dice.fork('delays'));
  const race = new Race(lane, dice, tally.witness(`${kind.name} (seed ${dice.seed})`));
  await kind.run(race);
  lane.resetClock();
  tally.add('rounds');
  tally.add(`rounds: ${kind.name}`);
  tally.add('processes', race.processes);
}

function delayAtRandom({ store }: Lane, dice: Dice): void {
  if (store.local === undefined) return;
  store.local.fault = () =>
    dice.chance(0.5)
      ? { kind: 'delay', ms: dice.below(MOST_DELAY_MS), when: dice.pick(['before', 'after']) }
      : undefined;
}
