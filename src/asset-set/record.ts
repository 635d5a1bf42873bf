import type { CodeHashAlgorithm } from '../code-hash/code-hash.ts';
import { UserError } from '../errors.ts';
import type { RunIdentity } from '../run-context.ts';
import { comparePaths, counted, defined, isObject, isText, printable, readableSize, textIn } from '../text.ts';
import { isCodeHash, isCommit } from './location.ts';

// The format of a set's record, and how to read one. A record comes from a bucket, so it is untrusted input until
// parsed.

const RECORD_SCHEMA = 's3-asset-manager/record/v1';
export const LEASE_SECONDS = 120;
const MAX_LEASE_SECONDS = 21_600;
/** A week: longer than any job may take. */
const MOST_BUILD_SECONDS = 604_800;
/** For each field; much longer than any real one. */
const MOST_BUILDER_CHARACTERS = 500;
/** Of a writer and of a builder. */
const RUN_FIELDS = ['repository', 'runId', 'runNumber', 'runAttempt', 'workflow', 'ref', 'url', 'version'] as const;
/** About 300,000 files, which a reader can still parse in a second. */
export const MOST_RECORD_BYTES = 64 * 1024 ** 2;

/** One asset of a complete set. */
export interface AssetFile {
  readonly path: string;
  readonly size: number;
  /** Base64; absent only for a legacy file that had no `package-hash`. */
  readonly sha256?: string;
  readonly etag: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
  /** Metadata that the user added; the metadata that every asset carries follows from the record. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly executable?: true;
}

/** Who writes a record, for the messages of runs that wait for it or lost it. */
export interface Writer extends RunIdentity {
  readonly nonce: string;
  readonly sequence: number;
}

type Origin =
  | { readonly kind: 'upload' }
  | {
      readonly kind: 'cache';
      readonly codeHash?: string;
      readonly commit?: string;
      readonly legacy?: true;
      /** The prefix that the sources are stored under, if it is not the record's own. */
      readonly prefix?: string;
    };

interface RecordBase {
  readonly commit: string;
  readonly codeHash?: string;
  readonly codeHashAlgorithm?: CodeHashAlgorithm;
  /** Base64 SHA-256 of the object that lists the sources of the code hash. */
  readonly sources?: string;
  /** Whole seconds from the check that found nothing to the upload in the same job. */
  readonly buildSeconds?: number;
  readonly origin: Origin;
  /** The run that built the set, if another one made this copy of it. */
  readonly builder?: RunIdentity;
  readonly writer: Writer;
  readonly leaseSeconds: number;
  readonly createdAt?: string;
}

export interface UploadingRecord extends RecordBase {
  readonly state: 'uploading';
  /** The set was complete once, so its objects may have been replaced since. */
  readonly sealedBefore?: true;
}

export interface CompleteRecord extends RecordBase {
  readonly state: 'complete';
  readonly files: readonly AssetFile[];
  readonly totalSize: number;
}

export type AssetRecord = UploadingRecord | CompleteRecord;

/** The fields that a writer sets when it begins; the others follow from its state. */
export type RecordDraft = Pick<
  UploadingRecord,
  'commit' | 'codeHash' | 'codeHashAlgorithm' | 'sources' | 'buildSeconds' | 'origin' | 'builder' | 'sealedBefore'
>;

/** An existing record. `record` is absent if the object is archived and can't be read. */
export interface FoundRecord {
  readonly etag: string;
  readonly record?: AssetRecord;
  /** Why it does not count as complete, even if its state is `complete`. */
  readonly distrust?: string | undefined;
  /** Time since it was written, measured only by the server's clock. */
  readonly ageMs?: number;
}

/** The record as stored: one JSON object, its files sorted by the UTF-8 bytes of their paths. */
export function recordText(record: AssetRecord): string {
  const { commit, codeHash, codeHashAlgorithm, sources, buildSeconds, origin } = record;
  const { builder, writer, leaseSeconds, createdAt } = record;
  const head = { schema: RECORD_SCHEMA, state: record.state, commit, codeHash, codeHashAlgorithm };
  const base = { ...head, sources, buildSeconds, origin, builder, writer, leaseSeconds, createdAt };
  if (record.state !== 'complete') return JSON.stringify({ ...base, sealedBefore: record.sealedBefore });
  return JSON.stringify({ ...base, files: inOrder(record.files), totalSize: record.totalSize });
}

/** @returns the files sorted by the UTF-8 bytes of their paths */
export function inOrder(files: readonly AssetFile[]): AssetFile[] {
  return files.toSorted((left, right) => comparePaths(left.path, right.path));
}

/**
 * Parses a record. Ignores unknown fields, and takes an unknown state for `uploading`.
 *
 * @param text the object's body
 * @param where names the place in messages
 * @throws UserError if the text is not a record, or has a schema that this version does not know
 */
export function parseRecord(text: string, where: string): AssetRecord {
  const fields = new Fields(parseJson(text, where), where);
  const schema = fields.text('schema');
  if (schema !== RECORD_SCHEMA)
    throw new UserError(
      `${where} has the schema '${printable(schema)}', which this version does not know: use a newer version of the action`,
    );
  const base: RecordBase = defined({
    commit: fields.commit('commit'),
    codeHash: fields.optionalCodeHash('codeHash'),
    codeHashAlgorithm: algorithmOf(fields.optionalText('codeHashAlgorithm')),
    sources: fields.optionalText('sources'),
    buildSeconds: buildSecondsOf(fields.any('buildSeconds')),
    origin: parseOrigin(fields.object('origin')),
    builder: parseBuilder(fields.any('builder')),
    writer: parseWriter(fields.object('writer')),
    leaseSeconds: Math.min(fields.count('leaseSeconds'), MAX_LEASE_SECONDS),
    createdAt: fields.optionalText('createdAt'),
  });
  if (fields.text('state') !== 'complete')
    return defined({ ...base, state: 'uploading', sealedBefore: fields.flag('sealedBefore') || undefined });
  const files = fields.list('files').map((item, index) => parseFile(new Fields(item, where, `files[${index}]`)));
  return { ...base, state: 'complete', files, totalSize: fields.count('totalSize') };
}

/** @throws UserError if the text is not JSON */
function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${where} is not a record (it is not JSON): ${ADVICE}`, { cause });
  }
}

function parseOrigin(fields: Fields): Origin {
  if (fields.text('kind') !== 'cache') return { kind: 'upload' };
  return defined({
    kind: 'cache',
    codeHash: fields.optionalCodeHash('codeHash'),
    commit: fields.optionalCommit('commit'),
    legacy: fields.flag('legacy') || undefined,
    prefix: fields.optionalText('prefix'),
  });
}

function parseWriter(fields: Fields): Writer {
  const run = runIn((name) => fields.optionalText(name));
  return { nonce: fields.text('nonce'), sequence: fields.count('sequence'), ...run };
}

/** @param textOf returns the text of a field; undefined if it is absent */
function runIn(textOf: (name: (typeof RUN_FIELDS)[number]) => string | undefined): RunIdentity {
  return defined(Object.fromEntries(RUN_FIELDS.map((name) => [name, textOf(name)])));
}

function parseFile(fields: Fields): AssetFile {
  return defined({
    path: fields.text('path'),
    size: fields.count('size'),
    sha256: fields.optionalText('sha256'),
    etag: fields.text('etag'),
    contentType: fields.optionalText('contentType'),
    cacheControl: fields.optionalText('cacheControl'),
    metadata: fields.optionalTexts('metadata'),
    executable: fields.flag('executable') || undefined,
  });
}

function algorithmOf(text: string | undefined): CodeHashAlgorithm | undefined {
  return text === 'git-sha256' || text === 'md5' ? text : undefined;
}

/** Nothing depends on the builder, so fields that are invalid or too long to be copied again count as absent. */
function parseBuilder(value: unknown): RunIdentity | undefined {
  if (!isObject(value)) return undefined;
  return runIn((name) => {
    const text = textIn(value[name]);
    return text === undefined || text.length > MOST_BUILDER_CHARACTERS ? undefined : text;
  });
}

/** @returns undefined for an invalid value, which counts as absent since nothing depends on it */
export function buildSecondsOf(value: unknown): number | undefined {
  const isRight = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_BUILD_SECONDS;
  return isRight ? value : undefined;
}

/** @returns the size of all files in bytes */
export function totalSize(files: Iterable<Pick<AssetFile, 'size'>>): number {
  let sum = 0;
  for (const { size } of files) sum += size;
  return sum;
}

/** `3 files, 5.2 MB`, of a set that may have none. */
export function amountOf(files: readonly Pick<AssetFile, 'size'>[]): string {
  return files.length === 0
    ? 'a set without files'
    : `${counted(files.length, 'file')}, ${readableSize(totalSize(files))}`;
}

/** Whether another run built the set, so that the record's age is only that of a copy. */
export function isCopy({ origin, builder }: RecordBase): boolean {
  return origin.kind === 'cache' || builder !== undefined;
}

/** @returns the run that built a set, by its record's account; undefined if it does not say */
export function builderOf(record: RecordBase): RunIdentity | undefined {
  return isCopy(record) ? record.builder : parseBuilder(record.writer);
}

/** @returns the commit that a set was built from; undefined if only a tool without records knew it */
export function builtCommitOf({ origin, commit }: RecordBase): string | undefined {
  return origin.kind === 'cache' ? origin.commit : commit;
}

/** @returns the run as its system's pages name it: `#76`, or else its id; undefined if the writer gives neither */
export function runLabel({ runId, runNumber }: RunIdentity): string | undefined {
  return runNumber === undefined ? runId : `#${runNumber}`;
}

/** Names a writer by its own account: `run 12 (attempt 2) of o/r, workflow w, https://…`. */
export function describeWriter(writer: Writer): string {
  if (writer.runId === undefined) return `writer ${printable(writer.nonce)}`;
  const attempt = writer.runAttempt === undefined ? '' : ` (attempt ${writer.runAttempt})`;
  const repository = writer.repository === undefined ? '' : ` of ${writer.repository}`;
  const workflow = writer.workflow === undefined ? '' : `, workflow ${writer.workflow}`;
  const link = writer.url === undefined ? '' : `, ${writer.url}`;
  return printable(`run ${writer.runId}${attempt}${repository}${workflow}${link}`);
}

/** What to do about an object that is not a record. */
const ADVICE = 'find out who wrote it, and delete it to start anew';

/**
 * Typed access to the fields of a parsed JSON object. Every mismatch is an error that names the place and the field.
 */
class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #path: string;

  /** @param path of the object within the record; undefined for the record itself */
  constructor(value: unknown, where: string, path?: string) {
    this.#where = where;
    this.#path = path === undefined ? '' : `${path}.`;
    this.#fields = isObject(value) ? value : this.#refuse(path ?? 'it', 'an object');
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#fail(name, 'a text');
  }

  optionalText(name: string): string | undefined {
    return this.#textThat(() => true, name, 'a text');
  }

  commit(name: string): string {
    return this.optionalCommit(name) ?? this.#fail(name, 'a full commit id');
  }

  optionalCommit(name: string): string | undefined {
    return this.#textThat(isCommit, name, 'a full commit id');
  }

  optionalCodeHash(name: string): string | undefined {
    return this.#textThat(isCodeHash, name, 'a code hash');
  }

  optionalTexts(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    return isObject(value) && isTexts(value) ? value : this.#fail(name, 'an object of texts');
  }

  /** A whole number, 0 or more. */
  count(name: string): number {
    const value = this.any(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#fail(name, 'a whole number');
  }

  any(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  flag(name: string): boolean {
    return this.any(name) === true;
  }

  object(name: string): Fields {
    return new Fields(this.any(name), this.#where, name);
  }

  list(name: string): readonly unknown[] {
    const value = this.any(name);
    return Array.isArray(value) ? value : this.#fail(name, 'a list');
  }

  #textThat(isRight: (text: string) => boolean, name: string, wanted: string): string | undefined {
    const value = this.any(name);
    return value === undefined || (isText(value) && isRight(value)) ? value : this.#fail(name, wanted);
  }

  #fail(name: string, wanted: string): never {
    return this.#refuse(`${this.#path}${name}`, wanted);
  }

  #refuse(what: string, wanted: string): never {
    throw new UserError(`${this.#where} is not a record this version can read (${what} is not ${wanted}): ${ADVICE}`);
  }
}

function isTexts(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, string>> {
  return Object.values(value).every(isText);
}

/** Records of unfinished sets are never larger. The contents of a larger one don't matter, since it does not count. */
const MOST_BYTES = 64 * 1024;

/** Stands in for a body that is too large or not a record. It is `complete`, so nobody waits for its writer. */
const UNKNOWN: AssetRecord = {
  state: 'complete',
  commit: '',
  origin: { kind: 'upload' },
  writer: { nonce: 'unknown', sequence: 0 },
  leaseSeconds: 0,
  files: [],
  totalSize: 0,
};

/**
 * Reads a record without a trusted signature. It does not count, since anybody may have written it, but it says who is
 * working on the set. Never throws, and takes little memory for any body.
 */
export function parseUnsigned(body: Buffer, where: string): AssetRecord {
  if (body.length > MOST_BYTES) return UNKNOWN;
  try {
    return parseRecord(body.toString('utf8'), where);
  } catch {
    return UNKNOWN;
  }
}
