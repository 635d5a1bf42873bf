import { CODES, COMMITS, digestsOf, isRecordKey, ROOTS } from './contents.ts';
import { placeOf, placeOfKey, recordIn } from './history.ts';
import { damage, forge, misplace } from './outside.ts';
import { PLAIN_UPLOAD, type ProcessPlan } from './plan.ts';
import type { World } from './world.ts';

const LONGER_THAN_ANY_LEASE_MS = 400_000;
/** Also longer than the pause before the epilogue. */
const LONGER_THAN_ANY_WAIT_MS = 3_600_000;
const HALF_AN_UPLOAD = 14;

/** Fills the bucket before the processes start. */
export async function runPrologue(world: World): Promise<void> {
  const { kind, root, build, isOld, hasForeignMultipart } = world.plan.prologue;
  const plan = { ...PLAIN_UPLOAD, root, build };
  const own = placeOf('artifacts', COMMITS[0], ROOTS[root]);
  if (kind === 'sealed') await world.runAlone(plan);
  if (kind === 'cached') await world.runAlone({ ...plan, commit: 1, caches: true });
  if (kind === 'half') await world.runAlone(plan, HALF_AN_UPLOAD + build * 2);
  if (kind === 'legacy') putLegacy(world, own.prefix);
  if (kind === 'legacy-cache') putLegacy(world, placeOf('cache', CODES[0], ROOTS[root]).prefix);
  if (kind === 'python-promoted') await promoteAsPython(world, { ...plan, commit: 1, caches: true });
  if (hasForeignMultipart) world.bucket.createMultipart(`${own.prefix}large`, { metadata: {} }, 'outsider');
  spoil(world);
  if (isOld) await world.pass(LONGER_THAN_ANY_LEASE_MS);
}

/** Damages objects as an outsider or a disk may have done. */
function spoil(world: World): void {
  const { bucket, plan } = world;
  const { build, damage: kind } = plan.prologue;
  const keys = [...bucket.objects.keys()].filter((key) => isRecordKey(key) === (kind === 'unrecord'));
  // The last upload does not rebuild the second commit's set, and a set without a record may have no digests.
  const rotting = keys.filter(
    (key) => placeOfKey(key).id !== COMMITS[1] && bucket.objects.has(placeOfKey(key).recordKey),
  );
  const key = keys[build % Math.max(1, keys.length)];
  const rotten = rotting[build % Math.max(1, rotting.length)];
  if (kind === 'forge') forge(world, build);
  if (kind === 'misplace') misplace(world, build);
  if (kind === 'rot' && rotten !== undefined) bucket.rot(rotten);
  if (kind === 'archive') archiveSomething(world, build);
  if (kind === 'postdate')
    for (const record of bucket.objects.keys().filter(isRecordKey)) bucket.postdate(record, LONGER_THAN_ANY_WAIT_MS);
  if (key === undefined) return;
  if (kind === 'unrecord') bucket.delete(key, 'outsider');
  if (kind === 'delete' || kind === 'overwrite') damage(world, key, kind === 'delete' ? undefined : 1);
}

/** Archives an object or the record of a set that nobody is writing. */
function archiveSomething({ bucket }: World, choice: number): void {
  const keys = [...bucket.objects.keys()].filter((key) => {
    const record = bucket.objects.get(placeOfKey(key).recordKey);
    return record === undefined || recordIn(record).state === 'complete';
  });
  const key = keys[choice % Math.max(1, keys.length)];
  if (key !== undefined) bucket.archive(key);
}

/** Stores a set like the Python tool or, if the set is new, like another tool, without digests. */
function putLegacy({ bucket, builds, plan }: World, prefix: string): void {
  const build = builds[plan.prologue.build];
  for (const [path, bytes] of build?.files ?? []) {
    const digest = plan.prologue.isOld ? { 'package-hash': digestsOf(bytes).sha256 } : undefined;
    const metadata = { 'commit-hash': COMMITS[0], ...digest };
    bucket.put({
      key: prefix + path,
      bytes,
      attributes: { metadata },
      condition: { kind: 'absent' },
      author: 'outsider',
    });
  }
}

/** Promotes a set of our cache like the Python tool, whose copies name the commit that was built. */
async function promoteAsPython(world: World, plan: ProcessPlan): Promise<void> {
  await world.runAlone(plan);
  const { bucket } = world;
  for (const [key, { etag, attributes }] of [...bucket.objects]) {
    const { folder, prefix, root } = placeOfKey(key);
    if (folder !== 'cache' || isRecordKey(key)) continue;
    const target = placeOf('artifacts', COMMITS[0], root).prefix + key.slice(prefix.length);
    bucket.copy({ source: { key, etag }, target, attributes, author: 'outsider' });
  }
}
