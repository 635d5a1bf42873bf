import { CODES, COMMITS, contentOf, digestsOf, isRecordKey } from './contents.ts';
import { isInPlace, placeOf, placeOfKey, recordIn } from './history.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

// Changes of the bucket that no running process makes.

/** An outsider deletes or replaces an object. @param variant of the new content; undefined: delete it */
export function damage(world: World, key: string, variant: number | undefined): void {
  world.tell(`somebody ${variant === undefined ? 'deletes' : 'overwrites'} ${key}`);
  if (variant === undefined) {
    world.bucket.delete(key, 'outsider');
    return;
  }
  const bytes = contentOf(pathIn(key), variant);
  const metadata = { 'package-hash': digestsOf(bytes).sha256 };
  const condition = { kind: 'unchanged', etag: world.bucket.objects.get(key)?.etag ?? '' } as const;
  world.bucket.put({ key, bytes, attributes: { metadata }, condition, author: 'outsider' });
}

/** An outsider replaces an object of a complete set by one of the same size with the same metadata. */
export function forge(world: World, choice: number): void {
  const { bucket } = world;
  const isOfComplete = (key: string): boolean => {
    const place = placeOfKey(key);
    const version = bucket.objects.get(place.recordKey);
    const record = version && recordIn(version);
    return !isRecordKey(key) && record?.state === 'complete' && isInPlace(record, place);
  };
  const key = keyOf(world, choice, isOfComplete);
  const version = key === undefined ? undefined : bucket.objects.get(key);
  if (key === undefined || version === undefined) return;
  const bytes = contentOf(pathIn(key), (choice >>> 4) % 2);
  if (bytes.length !== version.bytes.length || bytes.equals(version.bytes)) return;
  world.tell(`somebody replaces ${key} and keeps its metadata`);
  world.hasForgeries = true;
  const { attributes, etag } = version;
  bucket.put({ key, bytes, attributes, condition: { kind: 'unchanged', etag }, author: 'outsider' });
}

/** An outsider copies a complete set and its record unchanged to another commit or code hash. */
export function misplace(world: World, choice: number): void {
  const { bucket } = world;
  const isOfComplete = (one: string): boolean => {
    const version = bucket.objects.get(one);
    return isRecordKey(one) && version !== undefined && recordIn(version).state === 'complete';
  };
  const key = keyOf(world, choice, isOfComplete);
  if (key === undefined) return;
  const source = placeOfKey(key);
  const ids: readonly string[] = source.folder === 'cache' ? CODES : COMMITS.slice(0, 2);
  const target = placeOf(source.folder, ids.find((id) => id !== source.id) ?? '', source.root);
  world.tell(`somebody copies ${source.prefix} and its record to ${target.prefix}`);
  for (const [from, version] of [...bucket.objects]) {
    if (version.isArchived) continue;
    if (from.startsWith(source.prefix))
      bucket.store(target.prefix + from.slice(source.prefix.length), { ...version, author: 'outsider' });
    if (from === source.recordKey) bucket.store(target.recordKey, { ...version, author: 'outsider' });
  }
}

/** An abandoned request takes effect. */
export function arrive(world: World, position: number): void {
  const [request] = world.requests.abandoned.splice(position, 1);
  if (request === undefined) return;
  world.tell(`P${request.sender} ${request.verb} ${request.key} #${request.number} takes effect, late`);
  world.count('late effects');
  request.applyUnheard();
}

/** A build rewrites a file in the same size. It must not matter whether the file's times show that. */
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

/** An outsider changes an asset. */
export function damageSomething(world: World, choice: number): void {
  const key = keyOf(world, choice, (one) => !isRecordKey(one));
  if (key !== undefined) damage(world, key, choice % 2 === 0 ? undefined : (choice >>> 4) % 3);
}

/** An outsider deletes a record, and nothing else. */
export function deleteRecord(world: World, choice: number): void {
  const key = keyOf(world, choice, isRecordKey);
  if (key === undefined) return;
  world.tell(`somebody deletes ${key}`);
  world.bucket.delete(key, 'outsider');
}

function pathIn(key: string): string {
  return key.split('/').at(-1) ?? '';
}

function keyOf({ bucket }: World, choice: number, isMeant: (key: string) => boolean): string | undefined {
  const keys = [...bucket.objects.keys()].filter(isMeant).sort();
  return keys[choice % Math.max(1, keys.length)];
}
