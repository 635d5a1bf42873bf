import { COMMITS } from './contents.ts';
import { isWhole, momentsOf, placeOf } from './history.ts';
import { arrive } from './outside.ts';
import { PLAIN_UPLOAD, type ProcessPlan } from './plan.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

const LONGER_THAN_ANY_LEASE_MS = 400_000;

/** Without further disturbances, one more upload makes everything complete again. */
export async function runEpilogue(world: World): Promise<void> {
  const { prologue, epilogue } = world.plan;
  const { lateRequestsArrive, build, legacy } = epilogue;
  const isRotten = prologue.damage === 'rot';
  // Only overwriting replaces bytes that the store itself has lost.
  const overwrite = epilogue.overwrite || isRotten;
  while (lateRequestsArrive && world.requests.abandoned.length > 0) arrive(world, 0);
  world.requests.abandoned.length = 0;
  verifyMultiparts(world);
  await world.pass(LONGER_THAN_ANY_LEASE_MS);
  world.watch.corruptsNext = false;
  const last = await world.runAlone({ ...PLAIN_UPLOAD, build, legacy, overwrite, caches: true });
  const { ending } = last;
  const isLacking =
    ending !== undefined &&
    'error' in ending &&
    /is complete without|without a record|and this upload none/.test(String(ending.error));
  if (ending !== undefined && 'error' in ending && !isLacking) world.violate('the last upload fails');
  const isCached = ending !== undefined && 'outcome' in ending && ending.outcome.cached;
  verifyCached(world, isCached);
  const check = { ...PLAIN_UPLOAD, mode: 'check', legacy, code: last.plan.code } as const;
  const found = [await findInTheEnd(world, check)];
  if (isCached && !isRotten) await findInTheEnd(world, { ...check, commit: 1, caches: true });
  if (isCached) found.push(await findInTheEnd(world, { ...check, commit: 2, caches: true }));
  if (overwrite) for (const process of found) verifyReplaced(world, process, build);
  if (world.violations.length === 0) verifyWhole(world);
}

async function findInTheEnd(world: World, plan: ProcessPlan): Promise<ModelProcess | undefined> {
  if (world.violations.length > 0) return undefined;
  const process = await world.runAlone(plan);
  const { ending } = process;
  const isFound = ending !== undefined && 'outcome' in ending && ending.outcome.found && ending.outcome.restored;
  if (!isFound) world.violate(`the set of commit ${plan.commit} is not found in the end`);
  return process;
}

/** Nobody gets a build that an upload with `overwrite` has replaced. */
function verifyReplaced(world: World, process: ModelProcess | undefined, build: number): void {
  if (process === undefined || world.violations.length > 0) return;
  const { files } = process.directory;
  const wanted = world.builds[build]?.files ?? new Map<string, Buffer>();
  const isSame = files.size === wanted.size && [...wanted].every(([path, bytes]) => files.get(path)?.equals(bytes));
  if (!isSame) world.violate(`the set of commit ${process.plan.commit} is the one that was replaced`);
}

/** In the end, every set with a record is whole. */
function verifyWhole(world: World): void {
  const { bucket } = world;
  const place = placeOf('artifacts', COMMITS[0], '');
  const now = bucket.changes.length;
  for (const moment of momentsOf(bucket, place, now, now))
    if (moment.record !== undefined && !isWhole(moment, place)) world.violate('the set is not whole in the end');
}

function verifyCached(world: World, isCached: boolean): void {
  const last = world.processes.at(-1);
  if (isCached || last?.ending === undefined || !('outcome' in last.ending)) return;
  const mayLack = last.log.some((line) => line.includes('is not cached under'));
  if (!mayLack && last.recordText !== undefined) world.violate('the cache is not complete in the end');
}

/** A run that was not killed leaves no multipart upload open. */
function verifyMultiparts(world: World): void {
  for (const { id, key, author, isUnknown } of world.bucket.multiparts.values())
    if (typeof author === 'number' && !isUnknown && world.processOf(author).state === 'ended')
      world.violate(`P${author} has ended, but leaves its upload ${id} of ${key} open`);
}
