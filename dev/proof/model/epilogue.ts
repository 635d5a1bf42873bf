import { COMMITS } from './contents.ts';
import { isWhole, momentsOf, placeOf } from './history.ts';
import { arrive } from './outside.ts';
import { PLAIN_UPLOAD, type ProcessPlan } from './plan.ts';
import type { World } from './world.ts';

const LONGER_THAN_ANY_LEASE_MS = 400_000;

/** All is quiet: one more upload, and everything is found again. */
export async function runEpilogue(world: World): Promise<void> {
  const { straysArrive, build, legacy } = world.plan.epilogue;
  while (straysArrive && world.requests.strays.length > 0) arrive(world, 0);
  world.requests.strays.length = 0;
  verifyMultiparts(world);
  await world.pass(LONGER_THAN_ANY_LEASE_MS);
  world.watch.corruptsNext = false;
  const process = await world.runAlone({ ...PLAIN_UPLOAD, build, legacy, caches: true });
  const { ending } = process;
  const isLacking =
    ending !== undefined && 'error' in ending && /is complete without|without a record/.test(String(ending.error));
  if (ending !== undefined && 'error' in ending && !isLacking) world.violate('the last upload fails');
  const isCached = ending !== undefined && 'outcome' in ending && ending.outcome.cached;
  verifyCached(world, isCached);
  await expectFound(world, { ...PLAIN_UPLOAD, mode: 'check', legacy, code: process.plan.code });
  if (isCached)
    await expectFound(world, {
      ...PLAIN_UPLOAD,
      mode: 'check',
      legacy,
      commit: 1,
      caches: true,
      code: process.plan.code,
    });
  if (world.violations.length === 0) verifyWhole(world);
}

async function expectFound(world: World, plan: ProcessPlan): Promise<void> {
  if (world.violations.length > 0) return;
  const { ending } = await world.runAlone(plan);
  const isFound = ending !== undefined && 'outcome' in ending && ending.outcome.found && ending.outcome.restored;
  if (!isFound) world.violate(`the set of commit ${plan.commit} is not found in the end`);
}

/** A set with a record is whole in the end. */
function verifyWhole(world: World): void {
  const { bucket } = world;
  const place = placeOf('artifacts', COMMITS[0]);
  const now = bucket.changes.length;
  for (const moment of momentsOf(bucket, place, now, now))
    if (moment.record !== undefined && !isWhole(moment)) world.violate('the set is not whole in the end');
}

function verifyCached(world: World, isCached: boolean): void {
  const last = world.processes.at(-1);
  if (isCached || last?.ending === undefined || !('outcome' in last.ending)) return;
  const mayLack = last.log.some((line) => line.includes('so it is not cached under'));
  if (!mayLack && last.directory.markers.has('.record.json')) world.violate('the cache is not complete in the end');
}

/** What a run that ended by itself began, it also ended. */
function verifyMultiparts(world: World): void {
  for (const { id, key, author, isUnknown } of world.bucket.multiparts.values())
    if (typeof author === 'number' && !isUnknown && world.processOf(author).state === 'ended')
      world.violate(`P${author} has ended, and leaves its upload ${id} of ${key} open`);
}
