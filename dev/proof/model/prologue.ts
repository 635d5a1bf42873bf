import { CODES, COMMITS, digestsOf } from './contents.ts';
import { damage } from './outside.ts';
import { PLAIN_UPLOAD, type ProcessPlan } from './plan.ts';
import type { World } from './world.ts';

const LONGER_THAN_ANY_LEASE_MS = 400_000;
const HALF_AN_UPLOAD = 14;

/** What the bucket holds before. */
export async function runPrologue(world: World): Promise<void> {
  const { kind, build, damage: kindOfDamage, isOld, hasForeignMultipart } = world.plan.prologue;
  if (kind === 'sealed') await world.runAlone({ ...PLAIN_UPLOAD, build });
  if (kind === 'cached') await world.runAlone({ ...PLAIN_UPLOAD, build, commit: 1, caches: true });
  if (kind === 'half') await world.runAlone({ ...PLAIN_UPLOAD, build }, HALF_AN_UPLOAD + build * 2);
  if (kind === 'legacy') putLegacy(world, `artifacts/${COMMITS[0]}/`);
  if (kind === 'legacy-cache') putLegacy(world, `cache/${CODES[0]}/`);
  if (kind === 'python-promoted') await promoteAsPython(world, { ...PLAIN_UPLOAD, build, commit: 1, caches: true });
  if (hasForeignMultipart) world.bucket.createMultipart(`artifacts/${COMMITS[0]}/large`, { metadata: {} }, 'outsider');
  const keys = [...world.bucket.objects.keys()].filter(
    (one) => one.startsWith('records/') === (kindOfDamage === 'unrecord'),
  );
  const key = keys[build % Math.max(1, keys.length)];
  if (key !== undefined && kindOfDamage === 'unrecord') world.bucket.delete(key, 'outsider');
  else if (key !== undefined && kindOfDamage !== 'none') damage(world, key, kindOfDamage === 'delete' ? undefined : 1);
  if (isOld) await world.pass(LONGER_THAN_ANY_LEASE_MS);
}

/** As the Python tool leaves a set; every other one as something else does, which tells no digests. */
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

/** As the Python tool promotes a set of our cache: copies that tell of the commit that was built. */
async function promoteAsPython(world: World, plan: ProcessPlan): Promise<void> {
  await world.runAlone(plan);
  const { bucket } = world;
  for (const [key, { etag, attributes }] of [...bucket.objects]) {
    const [folder, , path] = key.split('/');
    if (folder !== 'cache') continue;
    const target = `artifacts/${COMMITS[0]}/${path}`;
    bucket.copy({ source: { key, etag }, target, attributes, author: 'outsider' });
  }
}
