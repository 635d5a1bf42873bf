import { createHash } from 'node:crypto';
import { type Build, differences, PART_BYTES } from './build.ts';
import type { ProvenStore, SeenObject } from './store.ts';

// Judges the contents of a bucket only by the text of the protocol: nothing here imports a line of the action.

/** The id of a set, in the terms of the protocol. */
export interface SetName {
  readonly prefix: string;
  readonly folder: 'artifacts' | 'cache';
  readonly id: string;
}

export interface JudgedSet {
  readonly record: 'absent' | 'uploading' | 'complete';
  /** Run and attempt, as `1/2`, that hold a record in state `uploading`; undefined if it is released. */
  readonly holder: string | undefined;
  /** Whether the record is in state `uploading`, and was `complete` before. */
  readonly isReopened: boolean;
  readonly origin: string | undefined;
  /** The files under the set's prefix, whatever the record says. */
  readonly objects: ReadonlyMap<string, SeenObject>;
  /** The position, in the given builds, of the one that a complete record describes. */
  readonly build: number | undefined;
  /** How a complete record contradicts the bytes in the bucket; empty if it does not, or is not complete. */
  readonly faults: readonly string[];
}

/**
 * @param builds every build whose bytes may be in the bucket
 * @returns the state of the set, judged byte for byte
 */
export async function judgeSet(store: ProvenStore, set: SetName, builds: readonly Build[]): Promise<JudgedSet> {
  const root = set.prefix === '' ? '' : `${set.prefix}/`;
  const folder = `${root}${set.folder}/${set.id}/`;
  const objects = new Map(
    [...(await store.objects(folder))].map(([key, object]) => [key.slice(folder.length), object] as const),
  );
  const recordKey = `${root}records/${set.folder}/${set.id}.json`;
  const record = (await store.objects(recordKey)).get(recordKey);
  const nothing = { holder: undefined, isReopened: false, origin: undefined, build: undefined, faults: [], objects };
  if (record === undefined) return { ...nothing, record: 'absent' };
  const fields: unknown = JSON.parse(Buffer.from(record.bytes).toString('utf8'));
  const origin = textIn(objectIn(fields, 'origin'), 'kind');
  if (textIn(fields, 'state') !== 'complete') {
    const holder = valueIn(fields, 'leaseSeconds') === 0 ? undefined : writerOf(fields);
    return { ...nothing, record: 'uploading', holder, isReopened: valueIn(fields, 'sealedBefore') === true, origin };
  }
  return { ...nothing, record: 'complete', origin, ...judgeFiles(fields, objects, { set, builds }) };
}

function writerOf(record: unknown): string {
  const writer = objectIn(record, 'writer');
  return `${textIn(writer, 'runId')}/${textIn(writer, 'runAttempt')}`;
}

interface Expectation {
  readonly set: SetName;
  readonly builds: readonly Build[];
}

function judgeFiles(
  record: unknown,
  objects: ReadonlyMap<string, SeenObject>,
  { set, builds }: Expectation,
): Pick<JudgedSet, 'build' | 'faults'> {
  const listed = valueIn(record, 'files');
  const files: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const faults = files.flatMap((file) => faultsOf(file, objects, set));
  const total = files.reduce((sum: number, file) => sum + Number(valueIn(file, 'size')), 0);
  if (valueIn(record, 'totalSize') !== total) faults.push(`totalSize is not ${total}`);
  const sealed: Build = new Map(
    files.map((file) => {
      const path = textIn(file, 'path') ?? '';
      const bytes = objects.get(path)?.bytes ?? new Uint8Array();
      return [path, { bytes, executable: valueIn(file, 'executable') === true }];
    }),
  );
  const build = builds.findIndex((candidate) => differences(candidate, sealed).length === 0);
  if (build < 0) faults.push('its files are not those of one build');
  return { build: build < 0 ? undefined : build, faults };
}

function faultsOf(file: unknown, objects: ReadonlyMap<string, SeenObject>, { folder, id }: SetName): string[] {
  const path = textIn(file, 'path') ?? '';
  const object = objects.get(path);
  if (object === undefined) return [`${path} is missing`];
  const sha256 = createHash('sha256').update(object.bytes).digest('base64');
  const expected = { size: object.bytes.length, sha256, etag: object.etag };
  const faults = Object.entries(expected)
    .filter(([name, value]) => valueIn(file, name) !== value)
    .map(([name]) => `${path} has another ${name} than its record says`);
  if (object.metadata['package-hash'] !== sha256) faults.push(`the package-hash of ${path} is not its SHA-256`);
  const owner = object.metadata[folder === 'artifacts' ? 'commit-hash' : 'code-hash'];
  if (owner !== id) faults.push(`${path} says it belongs to ${owner}`);
  return faults;
}

/** The files of a build that are not in the bucket with exactly the same bytes. */
export function missingFiles(build: Build, { objects }: JudgedSet): Build {
  return new Map(
    [...build].filter(([path, { bytes }]) => {
      const stored = objects.get(path);
      return stored === undefined || !Buffer.from(bytes).equals(stored.bytes);
    }),
  );
}

/**
 * The files that an upload of a build must send. Once a set was sealed, metadata no longer shows what an object is, and
 * of one that was sent in parts, the store has no SHA-256 either.
 */
export function filesToSend(build: Build, left: JudgedSet): Build {
  if (left.record === 'complete') return new Map();
  const missing = missingFiles(build, left);
  const isUnknown = (bytes: Uint8Array) => left.isReopened && bytes.length > PART_BYTES;
  return new Map([...build].filter(([path, { bytes }]) => missing.has(path) || isUnknown(bytes)));
}

function valueIn(fields: unknown, name: string): unknown {
  return typeof fields === 'object' && fields !== null && Object.hasOwn(fields, name)
    ? Object.getOwnPropertyDescriptor(fields, name)?.value
    : undefined;
}

function objectIn(fields: unknown, name: string): object | undefined {
  const value = valueIn(fields, name);
  return typeof value === 'object' && value !== null ? value : undefined;
}

function textIn(fields: unknown, name: string): string | undefined {
  const value = valueIn(fields, name);
  return typeof value === 'string' ? value : undefined;
}
