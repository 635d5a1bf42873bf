import { contentOf, digestsOf } from './contents.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

// What happens to the bucket and comes of no process that runs.

/** Somebody deletes an object, or replaces it. @param variant of what is there then; undefined: nothing */
export function damage(world: World, key: string, variant: number | undefined): void {
  world.tell(`somebody ${variant === undefined ? 'deletes' : 'overwrites'} ${key}`);
  if (variant === undefined) {
    world.bucket.delete(key, 'outsider');
    return;
  }
  const bytes = contentOf(key.split('/').at(-1) ?? '', variant);
  const metadata = { 'package-hash': digestsOf(bytes).sha256 };
  const condition = { kind: 'unchanged', etag: world.bucket.objects.get(key)?.etag ?? '' } as const;
  world.bucket.put({ key, bytes, attributes: { metadata }, condition, author: 'outsider' });
}

/** A request takes effect that nobody waits for any more. */
export function arrive(world: World, position: number): void {
  const [stray] = world.requests.strays.splice(position, 1);
  if (stray === undefined) return;
  world.tell(`P${stray.sender} ${stray.verb} ${stray.key} #${stray.number} takes effect, late`);
  world.count('late effects');
  stray.applyUnheard();
}

/** A build writes a file anew, of the same size: how soon that shows in its times is not to matter. */
export function rewriteFile(world: World, process: ModelProcess, choice: number): void {
  const paths = [...process.directory.files.keys()];
  const path = paths[choice % Math.max(1, paths.length)];
  if (path === undefined) return;
  const bytes = contentOf(path, (choice >>> 4) % 2);
  if (bytes.length !== process.directory.files.get(path)?.length) return;
  world.tell(`a build writes ${path} of P${process.number} anew`);
  process.directory.files.set(path, bytes);
  process.wasRewritten = true;
}

/** Somebody changes some asset. */
export function damageSomething(world: World, choice: number): void {
  const key = keyOf(world, choice, (one) => !one.startsWith('records/'));
  if (key !== undefined) damage(world, key, choice % 2 === 0 ? undefined : (choice >>> 4) % 3);
}

/** Somebody deletes some record alone. */
export function deleteRecord(world: World, choice: number): void {
  const key = keyOf(world, choice, (one) => one.startsWith('records/'));
  if (key === undefined) return;
  world.tell(`somebody deletes ${key}`);
  world.bucket.delete(key, 'outsider');
}

function keyOf({ bucket }: World, choice: number, isMeant: (key: string) => boolean): string | undefined {
  const keys = [...bucket.objects.keys()].filter(isMeant).sort();
  return keys[choice % Math.max(1, keys.length)];
}
