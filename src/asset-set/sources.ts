import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import type { CodeHash } from '../code-hash/code-hash.ts';
import { describeError, UserError } from '../errors.ts';
import type { ObjectStore, SourceListing } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { isObject, isText, parsedJson, readableSize } from '../text.ts';
import { sourcesKey } from './location.ts';

// The sources of a code hash, stored beside the records so that a later miss can be explained: names and shortened
// digests, never the contents of a file or the value of a salt.

const SOURCES_SCHEMA = 's3-asset-manager/sources/v1';
/** Applies to compressed and to expanded sources; enough for about 200,000 files. */
const MOST_BYTES = 16 * 1024 ** 2;
/** Ids hardly compress, and names resemble their neighbours, so a higher level or a larger window only takes longer. */
const COMPRESSION = { level: 3, windowBits: 13 } as const;
/** Enough digits to distinguish contents. */
const DIGEST_DIGITS = 16;

/**
 * Git's mode, the first digits of git's id, and the path, in which a byte that is not UTF-8 is a code point from
 * U+DC80.
 */
export type SourceEntry = readonly [mode: string, id: string, path: string];

export interface SaltLine {
  readonly name: string;
  /** The first hex digits of the line's SHA-256. */
  readonly digest: string;
}

export interface Sources {
  readonly patterns: readonly string[];
  readonly salt: readonly SaltLine[];
  /** In the order in which they are hashed. */
  readonly entries: readonly SourceEntry[];
}

/** @returns the JSON that is stored for a code hash: its patterns, the digests of its salt, and its entries */
export async function sourcesText(
  { patterns, salt }: { readonly patterns: readonly string[]; readonly salt: string },
  listing: SourceListing,
): Promise<string> {
  const head = JSON.stringify({ schema: SOURCES_SCHEMA, patterns, salt: saltLines(salt) });
  return `${head.slice(0, -1)},"entries":[${await entriesText(listing)}]}`;
}

/** A possible variable name, `=` and a value. Text before any other `=` may be part of a secret. */
const SALT_LINE = /^\s*([\w.-]{1,64})\s*=(?!=*\s*$)/;

function saltLines(salt: string): SaltLine[] {
  if (salt === '') return [];
  return salt.split('\n').map((line, index) => ({
    name: SALT_LINE.exec(line)?.[1] ?? `line ${index + 1}`,
    digest: hash('sha256', line, 'hex').slice(0, DIGEST_DIGITS),
  }));
}

/** By byte: 1 for printable ASCII that JSON does not escape. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => Number(/[ !#-[\]-~]/.test(String.fromCharCode(byte))));

/** All modes have six digits. */
const MODE = { at: 0, length: 6 } as const;
const ID = { at: MODE.length + 1, length: DIGEST_DIGITS } as const;
const BEFORE_MODE = Buffer.from('["');
const BETWEEN = Buffer.from('","');
const AFTER_NAME = Buffer.from('"],');

/**
 * Converts a listing of records `<mode> SP <id> SP 0 TAB <path> NUL`. There may be tens of thousands, so bytes are
 * copied: splitting them as text takes more than twice as long.
 *
 * @returns the entries as the items of a JSON array
 */
async function entriesText(listing: SourceListing): Promise<string> {
  const bytes = Buffer.from(listing.buffer, listing.byteOffset, listing.byteLength);
  const decodeFileName = isUtf8(bytes) ? String : (await import('../code-hash/md5.ts')).decodeFileName;
  const nameAt = bytes.indexOf('\t') + 1;
  const pieces: string[] = [];
  // A JSON entry is never longer than its record, whose id has at least 40 digits.
  const target = Buffer.allocUnsafe(bytes.length);
  let at = 0;
  for (let start = 0, end = 0; start < bytes.length && end !== -1; start = end + 1) {
    at = put(target, at, BEFORE_MODE);
    at = put(target, at, bytes, start + MODE.at, MODE.length);
    at = put(target, at, BETWEEN);
    at = put(target, at, bytes, start + ID.at, ID.length);
    at = put(target, at, BETWEEN);
    const quoteAt = at - 1;
    end = start + nameAt;
    while (IS_PLAIN[bytes[end] ?? 0] === 1) target[at++] = bytes[end++] ?? 0;
    if ((bytes[end] ?? 0) === 0) at = put(target, at, AFTER_NAME);
    else {
      end = bytes.indexOf(0, end);
      const name = decodeFileName(bytes.subarray(start + nameAt, end));
      pieces.push(target.toString('latin1', 0, quoteAt), JSON.stringify(name), '],');
      at = 0;
    }
  }
  pieces.push(target.toString('latin1', 0, at));
  return pieces.join('').slice(0, -1);
}

/** Copies bytes, since `Buffer.copy` is slower for so few. @returns the position after them in the target */
function put(target: Buffer, at: number, source: Buffer, start = 0, length = source.length): number {
  for (let index = 0; index < length; index += 1) target[at + index] = source[start + index] ?? 0;
  return at + length;
}

/** @throws UserError if the text is not a list of sources that this version knows */
export function parseSources(text: string): Sources {
  const value = parsedJson(text);
  if (isSources(value)) return value;
  throw new UserError('it is not a list of sources that this version knows');
}

function isSources(value: unknown): value is Sources {
  if (!isObject(value) || value.schema !== SOURCES_SCHEMA) return false;
  const { patterns, salt, entries } = value;
  if (!Array.isArray(patterns) || !patterns.every(isText)) return false;
  if (!Array.isArray(salt) || !salt.every(isSaltLine)) return false;
  return Array.isArray(entries) && entries.every(isEntry);
}

function isSaltLine(value: unknown): value is SaltLine {
  return isObject(value) && isText(value.name) && isText(value.digest);
}

function isEntry(value: unknown): value is SourceEntry {
  return Array.isArray(value) && value.length === 3 && value.every(isText);
}

/**
 * Stores the sources of a code hash, unless they are already stored. Nothing depends on them, so a failure is only a
 * debug line.
 *
 * @returns the SHA-256 of the stored object in base64; undefined if there is none
 */
export async function storeSources(
  { store, prefix, explain, signal, log }: RunContext,
  codeHash: CodeHash | undefined,
): Promise<string | undefined> {
  if (!explain || codeHash?.sources === undefined) return undefined;
  const key = sourcesKey(prefix, codeHash.value);
  try {
    const text = await codeHash.sources();
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text);
    if (bytes.length > MOST_BYTES) throw new UserError(`they are more than ${readableSize(MOST_BYTES)}`);
    const body = await promisify(zlib().gzip)(bytes, COMPRESSION);
    const write = { key, body, contentType: 'application/gzip', condition: { kind: 'absent' }, signal } as const;
    if ((await store.writeObject(write)).outcome === 'written') return digestOf(body);
    // Another version of zlib may have compressed the same text to other bytes.
    const stored = await store.readObject({ key, mostBytes: MOST_BYTES, signal });
    return stored && (await expanded(stored)).equals(bytes) ? digestOf(stored) : undefined;
  } catch (error) {
    log.debug(`The sources of ${codeHash.value} are not stored: ${describeError(error).line}`);
    return undefined;
  }
}

interface StoredSources {
  readonly prefix: string;
  readonly codeHash: string;
  /** The base64 digest in the record. */
  readonly sha256: string;
  readonly signal: AbortSignal;
}

/** @throws UserError if there is no object, if its digest is not the given one, or if this version can't read it */
export async function readSources(
  store: ObjectStore,
  { prefix, codeHash, sha256, signal }: StoredSources,
): Promise<Sources> {
  const key = sourcesKey(prefix, codeHash);
  const body = await store.readObject({ key, mostBytes: MOST_BYTES, signal });
  const where = `s3://${store.bucket}/${key}`;
  if (body === undefined) throw new UserError(`Nothing is stored at ${where}`);
  if (digestOf(body) !== sha256) throw new UserError(`${where} is not what the record says`);
  try {
    return parseSources((await expanded(body)).toString());
  } catch (cause) {
    throw new UserError(`${where} can't be read: ${describeError(cause).line}`, { cause });
  }
}

function expanded(body: Buffer): Promise<Buffer> {
  return promisify(zlib().gunzip)(body, { maxOutputLength: MOST_BYTES });
}

/** Loaded on demand, since a check that only hashes its sources does not need it. */
function zlib() {
  return process.getBuiltinModule('node:zlib');
}

function digestOf(body: Buffer): string {
  return hash('sha256', body, 'base64');
}
