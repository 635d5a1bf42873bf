import { UserError } from '../errors.ts';

import type { CodeHashAlgorithm } from './code-hash-request.ts';
import { defined } from './defined.ts';
import { comparePaths } from './path-order.ts';
import { printable } from './printable.ts';
import { ADVICE, Fields } from './record-fields.ts';

// The record of an asset set: the format, and what a reader may take from one. A record comes from a bucket, so it is
// an attacker's input until parsed.

export const RECORD_SCHEMA = 's3-asset-manager/record/v1';
export const LEASE_SECONDS = 120;
const MAX_LEASE_SECONDS = 21_600;
/** About 300,000 files: what a reader can still parse in a second. */
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
  /** What the user had added; the metadata that every asset carries follows from the record. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly executable?: true;
}

/** Who writes a record: told to whoever has to wait for it or lost it. */
export interface Writer {
  readonly nonce: string;
  readonly sequence: number;
  readonly repository?: string;
  readonly runId?: string;
  readonly runAttempt?: string;
  readonly workflow?: string;
  readonly ref?: string;
  readonly version?: string;
}

export type Origin =
  | { readonly kind: 'upload' }
  | { readonly kind: 'cache'; readonly codeHash?: string; readonly commit?: string; readonly legacy?: true };

interface RecordBase {
  readonly commit: string;
  readonly codeHash?: string;
  readonly codeHashAlgorithm?: CodeHashAlgorithm;
  readonly origin: Origin;
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

/** What a writer fills in when it begins; the rest follows from its state. */
export type RecordDraft = Pick<
  UploadingRecord,
  'commit' | 'codeHash' | 'codeHashAlgorithm' | 'origin' | 'sealedBefore'
>;

/** A record that is there, and what it says, unless it is archived, so that nothing can read it. */
export interface FoundRecord {
  readonly etag: string;
  readonly record?: AssetRecord;
  /** Why it does not count as complete, whatever it says. */
  readonly distrust?: string | undefined;
}

/** The record as stored: one JSON object, its files sorted by the UTF-8 bytes of their paths. */
export function recordText(record: AssetRecord): string {
  const { commit, codeHash, codeHashAlgorithm, origin, writer, leaseSeconds, createdAt } = record;
  const head = { schema: RECORD_SCHEMA, state: record.state, commit, codeHash, codeHashAlgorithm, origin, writer };
  const base = { ...head, leaseSeconds, createdAt };
  if (record.state !== 'complete') return JSON.stringify({ ...base, sealedBefore: record.sealedBefore });
  return JSON.stringify({ ...base, files: inOrder(record.files), totalSize: record.totalSize });
}

/** @returns the files sorted by the UTF-8 bytes of their paths */
export function inOrder(files: readonly AssetFile[]): AssetFile[] {
  return files.toSorted((left, right) => comparePaths(left.path, right.path));
}

/**
 * Reads a record. Fields it does not know are ignored, a state it does not know counts as `uploading`.
 *
 * @param text the object's body, or the marker `.record.json`
 * @param where names the place in messages
 * @throws UserError for what is no record, or one of a schema this version does not know
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
    origin: parseOrigin(fields.object('origin')),
    writer: parseWriter(fields.object('writer')),
    leaseSeconds: Math.min(fields.count('leaseSeconds'), MAX_LEASE_SECONDS),
    createdAt: fields.optionalText('createdAt'),
  });
  if (fields.text('state') !== 'complete')
    return defined({ ...base, state: 'uploading', sealedBefore: fields.flag('sealedBefore') || undefined });
  const files = fields.list('files').map((item, index) => parseFile(new Fields(item, where, `files[${index}]`)));
  return { ...base, state: 'complete', files, totalSize: fields.count('totalSize') };
}

/** @throws UserError for what is no JSON */
function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${where} is not a record (it is no JSON): ${ADVICE}`, { cause });
  }
}

function parseOrigin(fields: Fields): Origin {
  if (fields.text('kind') !== 'cache') return { kind: 'upload' };
  return defined({
    kind: 'cache',
    codeHash: fields.optionalCodeHash('codeHash'),
    commit: fields.optionalCommit('commit'),
    legacy: fields.flag('legacy') || undefined,
  });
}

function parseWriter(fields: Fields): Writer {
  return defined({
    nonce: fields.text('nonce'),
    sequence: fields.count('sequence'),
    repository: fields.optionalText('repository'),
    runId: fields.optionalText('runId'),
    runAttempt: fields.optionalText('runAttempt'),
    workflow: fields.optionalText('workflow'),
    ref: fields.optionalText('ref'),
    version: fields.optionalText('version'),
  });
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

/** Of all files, in bytes. */
export function totalSize(files: Iterable<Pick<AssetFile, 'size'>>): number {
  let sum = 0;
  for (const { size } of files) sum += size;
  return sum;
}

/** `run 12 (attempt 2) of o/r, workflow w`: who a writer is, as far as it said. */
export function describeWriter(writer: Writer): string {
  if (writer.runId === undefined) return `writer ${printable(writer.nonce)}`;
  const attempt = writer.runAttempt === undefined ? '' : ` (attempt ${writer.runAttempt})`;
  const repository = writer.repository === undefined ? '' : ` of ${writer.repository}`;
  const workflow = writer.workflow === undefined ? '' : `, workflow ${writer.workflow}`;
  return printable(`run ${writer.runId}${attempt}${repository}${workflow}`);
}
