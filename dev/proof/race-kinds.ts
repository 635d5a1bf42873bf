import type { Build } from './build.ts';
import type { JudgedSet } from './judge.ts';
import type { Step } from './lane.ts';
import type { Ending, Race } from './race.ts';
import type { TappedRequest } from './tap.ts';

// The kinds of races, and their allowed results.

export interface RaceKind {
  readonly name: string;
  /** Moves the server's clock. */
  readonly needsClock?: true;
  readonly run: (race: Race) => Promise<void>;
}

export const RACE_KINDS: readonly [RaceKind, ...RaceKind[]] = [
  { name: 'uploads of one build', run: (race) => uploadsOf(race, { isReproducible: true }) },
  { name: 'uploads of different builds', run: (race) => uploadsOf(race, { isReproducible: false }) },
  { name: 'uploads of different files', run: uploadsOfDifferentFiles },
  { name: 'uploads and promotions', run: uploadsAndPromotions },
  { name: 'commits of the same code', run: commitsOfSameCode },
  { name: 'restores during a repair', run: restoresDuringRepair },
  { name: 'overwriting uploads and restores', run: overwrites },
  { name: 'a late writer', needsClock: true, run: lateWriter },
];

async function uploadsOf(race: Race, { isReproducible }: { isReproducible: boolean }): Promise<void> {
  const steps: Step[] = [];
  for (let count = race.dice.between(2, 5); count > 0; count -= 1) {
    const build = isReproducible || steps.length === 0 ? 0 : race.rebuild();
    steps.push(await race.upload(build));
  }
  const endings = await race.run(steps);
  const sealed = await race.expectSealed();
  await race.expectSealed('cache');
  for (const ending of endings) {
    race.witness.equal(ending.result.exitCode, 0, 'the exit code of an upload');
    race.expectNamed(ending, sealed);
  }
  expectOneUpload(race, endings);
  if (!isReproducible)
    race.witness.equal(steps[sealed.build ?? -1], uploaders(endings)[0]?.step, 'whose build is sealed');
}

function uploaders(endings: readonly Ending[]): Ending[] {
  return endings.filter(({ result }) => result.outputs.uploaded === 'true');
}

/** The other runs report that they were too late. */
function expectOneUpload(race: Race, endings: readonly Ending[]): void {
  const reasons = endings.map(({ result }) => result.outputs.reason ?? '').sort();
  race.witness.equal(uploaders(endings).length, 1, 'how many say that they stored the set');
  const others = reasons.filter((reason) => reason !== 'uploaded');
  race.witness.expect(
    others.length === endings.length - 1 && others.every((reason) => reason === 'lost-race' || reason === 'complete'),
    `the others to have lost the race or found it over, not ${reasons}`,
  );
}

/** Each run has a file that no other has: a matrix whose legs share a prefix. */
async function uploadsOfDifferentFiles(race: Race): Promise<void> {
  const common = race.builds[0];
  const steps: Step[] = [];
  for (let count = race.dice.between(2, 4); count > 0; count -= 1) {
    const own = { bytes: race.dice.bytes(100), executable: false };
    const build: Build = new Map([...common, [`leg-${count}.zip`, own]]);
    steps.push(await race.upload(race.builds.push(build) - 1));
  }
  const endings = await race.run(steps);
  const sealed = await race.expectSealed();
  race.witness.equal(uploaders(endings).length, 1, 'how many say that they stored the set');
  race.witness.equal(steps[(sealed.build ?? 0) - 1], uploaders(endings)[0]?.step, 'whose build is sealed');
  for (const { result } of endings.filter((ending) => !uploaders(endings).includes(ending)))
    race.witness.equal(result.exitCode, 1, 'the exit code of an upload whose file is left out');
}

async function uploadsAndPromotions(race: Race): Promise<void> {
  const source = await race.upload(0);
  await race.succeed({ ...source, commit: race.dice.hex(40) });
  const steps: Step[] = [race.step('check')];
  for (let count = race.dice.between(1, 3); count > 0; count -= 1)
    steps.push(race.dice.chance(0.5) ? race.step('check') : await race.upload(race.rebuild()));
  const endings = await race.run(steps);
  const sealed = await race.expectSealed();
  for (const ending of endings) race.expectNamed(ending, sealed);
  const [winner, ...others] = uploaders(endings);
  race.witness.equal(others, [], 'further uploads of the set');
  race.witness.equal(sealed.origin, winner === undefined ? 'cache' : 'upload', 'the origin of the set');
  if (winner === undefined) race.witness.equal(sealed.build, 0, 'the build that was promoted');
}

async function commitsOfSameCode(race: Race): Promise<void> {
  const steps: Step[] = [];
  for (let count = race.dice.between(2, 4); count > 0; count -= 1)
    steps.push({ ...(await race.upload(steps.length === 0 ? 0 : race.rebuild())), commit: race.dice.hex(40) });
  const endings = await race.run(steps);
  for (const ending of endings) {
    race.witness.equal(ending.result.outputs.uploaded, 'true', 'uploaded');
    race.expectNamed(ending, await race.expectSealed('artifacts', ending.step.commit));
  }
  await race.expectSealed('cache');
}

async function restoresDuringRepair(race: Race): Promise<void> {
  await race.succeed(await race.upload(0));
  await damage(race);
  const steps: Step[] = [await race.upload(race.dice.chance(0.5) ? 0 : race.rebuild())];
  for (let count = race.dice.between(1, 3); count > 0; count -= 1) {
    // Without a code hash, only the damaged set can be restored.
    const { codeHash, ...step } = race.step('restore');
    steps.push(race.dice.chance(0.5) ? step : { ...step, codeHash });
  }
  const endings = await race.run(steps);
  await race.expectSealed();
  for (const ending of endings) {
    if (ending.step.mode === 'restore') await race.expectRestored(ending);
    else race.witness.equal(ending.result.exitCode, 0, 'the exit code of the repair');
  }
}

/** Another client deletes or overwrites the record or an object that it describes. */
async function damage({ lane, dice, prefix, commit, builds }: Race): Promise<void> {
  const paths = [...builds[0].keys()];
  const key = `${prefix}/artifacts/${commit}/${paths[dice.below(paths.length)]}`;
  const kind = dice.pick(['deleted', 'overwritten', 'without a record']);
  if (kind === 'deleted') await lane.store.delete(key);
  else if (kind === 'overwritten') await lane.store.put(key, dice.bytes(10));
  else await lane.store.delete(`${prefix}/records/artifacts/${commit}.json`);
}

async function overwrites(race: Race): Promise<void> {
  await race.succeed(await race.upload(0));
  const steps: Step[] = [];
  for (let count = race.dice.between(1, 3); count > 0; count -= 1)
    steps.push(await race.upload(race.rebuild(), { overwrite: 'true' }));
  for (let count = race.dice.between(1, 2); count > 0; count -= 1) steps.push(race.step('restore'));
  const endings = await race.run(steps);
  const sealed = await race.expectSealed();
  race.witness.expect(uploaders(endings).length > 0, 'one of them to have stored the set');
  race.witness.expect(
    uploaders(endings).some(({ step }) => steps.indexOf(step) === (sealed.build ?? 0) - 1),
    'the build that is sealed to be one of those that were stored',
  );
  for (const ending of endings) if (ending.step.mode === 'restore') await race.expectRestored(ending);
}

const MOST_HELD_REQUEST = 20;

async function lateWriter(race: Race): Promise<void> {
  const source = await race.upload(0);
  if (race.dice.chance(0.5)) await race.succeed({ ...source, commit: race.dice.hex(40) });
  const late = race.dice.chance(0.5) ? race.step('check') : await race.upload(race.rebuild());
  const other = await race.upload(race.rebuild());
  const isHeld = numbered(race.dice.between(1, MOST_HELD_REQUEST));
  const releases = numbered(race.dice.between(1, MOST_HELD_REQUEST * 2));
  await raceLate(race, { late, other, isHeld, releases });
}

function numbered(number: number): (request: TappedRequest) => boolean {
  return ({ sequence }) => sequence === number;
}

export interface LateRace {
  readonly late: Step;
  readonly other: Step;
  /** The request of the late writer to delay. */
  readonly isHeld: (request: TappedRequest) => boolean;
  /** The request of the other run before which that takes effect; at the end if undefined. */
  readonly releases: (request: TappedRequest) => boolean;
}

/**
 * Delays a writer in the middle of a request; its lease lapses, and another run takes the set over. The request
 * takes effect at some moment while that run is working, or after it has ended.
 *
 * @returns how the late writer ended
 */
export async function raceLate(race: Race, { late, other, isHeld, releases }: LateRace): Promise<Ending> {
  const { lane } = race;
  const endings: Ending[] = [];
  const released = Promise.withResolvers<void>();
  const landed = Promise.withResolvers<void>();
  let others: Promise<unknown> = Promise.resolve();
  const runOther = async (): Promise<void> => {
    const result = await lane.runUnder(other, async (request, time) => {
      if (time === 'before' && releases(request)) {
        released.resolve();
        await landed.promise;
      }
      return 'pass';
    });
    released.resolve();
    endings.push({ step: other, result });
  };
  let held: TappedRequest | undefined;
  const result = await lane.runUnder(late, async (request, time) => {
    if (time === 'after' && request === held) landed.resolve();
    if (time === 'after' || held !== undefined || !isHeld(request)) return 'pass';
    held = request;
    lane.lapse();
    others = runOther();
    await released.promise;
    return 'pass';
  });
  await others;
  endings.push({ step: late, result });
  for (const ending of endings) race.expectSensible(ending);
  race.witness.expect(uploaders(endings).length <= 1, 'no more than one to say that it stored the set');
  await expectRepairable(race, await race.judge());
  return { step: late, result };
}

/** A set is found only if it is whole, and the next upload makes it whole. */
async function expectRepairable(race: Race, left: JudgedSet): Promise<void> {
  const isWhole = left.record === 'complete' && left.faults.length === 0;
  const { codeHash: _, ...check } = race.step('check', { 'wait-timeout-seconds': '0' });
  const { outputs } = await race.succeed(check);
  race.witness.equal(outputs.found, String(isWhole), 'found after the late write');
  if (left.record === 'complete' && !isWhole) race.witness.equal(outputs.reason, 'damaged', 'the reason of the miss');
  const { outputs: last } = await race.succeed(await race.upload(0));
  race.witness.equal(last.found, 'true', 'found in the end');
  await race.expectSealed();
}
