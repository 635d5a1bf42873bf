import type { Bucket, Version } from './bucket.ts';
import { digestsOf, sha256OfEtag } from './contents.ts';

// The state of a set at each moment, judged only by the text of the protocol: nothing here imports code of the action.

/** The location of a set and its record. */
export interface SetPlace {
  /** The `prefix` input. */
  readonly root: string;
  readonly folder: 'artifacts' | 'cache';
  /** A commit, or a code hash. */
  readonly id: string;
  readonly prefix: string;
  readonly recordKey: string;
}

export function placeOf(folder: SetPlace['folder'], id: string, root: string): SetPlace {
  const start = root === '' ? '' : `${root}/`;
  return { root, folder, id, prefix: `${start}${folder}/${id}/`, recordKey: `${start}records/${folder}/${id}.json` };
}

/** The set that a key of the bucket belongs to. */
export function placeOfKey(key: string): SetPlace {
  const [, root = '', folder, id = ''] = /^(?:(.+?)\/)??(?:records\/)?(artifacts|cache)\/([^./]+)/.exec(key) ?? [];
  return placeOf(folder === 'cache' ? 'cache' : 'artifacts', id, root);
}

export interface RecordedFile {
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  readonly sha256?: string;
}

/** The fields of a record that are judged. */
export interface ModelRecord {
  readonly state: string;
  readonly leaseSeconds: number;
  readonly commit: string;
  readonly codeHash?: string;
  readonly origin: { readonly kind: string; readonly codeHash?: string; readonly legacy?: boolean };
  readonly writer: { readonly nonce: string; readonly sequence: number };
  readonly files: readonly RecordedFile[];
}

const parsed = new WeakMap<Version, ModelRecord>();

export function recordIn(version: Version): ModelRecord {
  const before = parsed.get(version);
  if (before !== undefined) return before;
  const record: ModelRecord = { files: [], ...JSON.parse(version.bytes.toString()) };
  parsed.set(version, record);
  return record;
}

/** The SHA-256 of each file, by path; if the record has none, that of the bytes with the file's ETag. */
export function digestsIn({ files }: ModelRecord): Digests {
  return new Map(files.map(({ path, sha256, etag }) => [path, sha256 ?? sha256OfEtag(etag)]));
}

export function digestsOfFiles(files: Iterable<readonly [string, { readonly bytes: Buffer }]>): Digests {
  return new Map([...files].map(([path, { bytes }]) => [path, digestsOf(bytes).sha256]));
}

export type Digests = ReadonlyMap<string, string | undefined>;

export function areSame(left: Digests, right: Digests): boolean {
  return left.size === right.size && [...left].every(([path, sha256]) => right.get(path) === sha256);
}

/** Identifies a write of a record: its writer, and the number of the write. */
export function writeOf({ writer }: ModelRecord): string {
  return `${writer.nonce}#${writer.sequence}`;
}

/** The state of a set between two changes. */
export interface Moment {
  readonly record: Version | undefined;
  /** By path. */
  readonly objects: ReadonlyMap<string, Version>;
}

/** Each moment of a set from one position in the bucket's changes to another, both included. */
export function* momentsOf({ changes }: Bucket, place: SetPlace, from: number, to: number): Generator<Moment> {
  let record: Version | undefined;
  const objects = new Map<string, Version>();
  let isNew = true;
  for (let position = 0; position <= to; position += 1) {
    if (position >= from && isNew) yield { record, objects };
    if (position >= from) isNew = false;
    const change = changes[position];
    if (change === undefined) continue;
    const { key, version } = change;
    if (key === place.recordKey) record = version;
    else if (!key.startsWith(place.prefix)) continue;
    else if (version === undefined) objects.delete(key.slice(place.prefix.length));
    else objects.set(key.slice(place.prefix.length), version);
    isNew = true;
  }
}

/** Whether any object of a set, or its record, is archived. */
export function isArchived({ record, objects }: Moment): boolean {
  return record?.isArchived === true || [...objects.values()].some((object) => object.isArchived);
}

/** Whether every file of a complete record can be read, with exactly the recorded bytes. */
export function isIntact({ files }: ModelRecord, objects: Moment['objects']): boolean {
  return files.every(({ path, size, etag, sha256 }) => {
    const object = objects.get(path);
    if (object === undefined || object.isArchived || object.etag !== etag || object.bytes.length !== size) return false;
    return sha256 === undefined || object.isRotten || digestsOf(object.bytes).sha256 === sha256;
  });
}

/** Whether a record is at the location that it was written for. */
export function isInPlace({ commit, codeHash }: ModelRecord, { folder, id }: SetPlace): boolean {
  return (folder === 'cache' ? codeHash : commit) === id;
}

/** Whether a set is complete and agrees with its record. */
export function isWhole({ record, objects }: Moment, place: SetPlace): boolean {
  if (record === undefined || record.isArchived) return false;
  const content = recordIn(record);
  return content.state === 'complete' && isInPlace(content, place) && isIntact(content, objects);
}

/** Whether a set comes from a tool without records: this project has not stored the first of its objects. */
export function isLegacy({ record, objects }: Moment, place: SetPlace): boolean {
  if (record !== undefined) return false;
  const [first] = [...objects].sort(([left], [right]) => (left < right ? -1 : 1));
  if (first === undefined || [...objects.values()].some(({ isArchived }) => isArchived)) return false;
  const { metadata } = first[1].attributes;
  const isRecorded = metadata['asset-record'] === 'v1';
  return !isRecorded || (place.folder === 'artifacts' && metadata['commit-hash'] !== place.id);
}
