import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { CodeHash } from '../code-hash/code-hash.ts';
import { describeError, UserError } from '../errors.ts';
import type { ObjectStore, SourceListing } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { isObject, isText, parsedJson, readableSize } from '../text.ts';
import { sourcesKey } from './location.ts';

// What a code hash was computed from, stored beside the records so that a later miss can be explained: names and
// shortened digests, never the contents of a file or the value of a salt.

const SOURCES_SCHEMA = 's3-asset-manager/sources/v1';
/** Compressed or not; about 200,000 files. */
const MOST_BYTES = 16 * 1024 ** 2;
/** Ids hardly get shorter, and names are like those next to them: to try harder, or to look further back, takes longer. */
const COMPRESSION = { level: 3, windowBits: 13 } as const;
/** Enough to tell one content from another. */
const DIGEST_DIGITS = 16;

/** Git's mode, the first digits of git's id, and the path; a byte that is not UTF-8 is a code point from U+DC80. */
export type SourceEntry = readonly [mode: string, id: string, path: string];

export interface SaltLine {
  readonly name: string;
  /** The first hex digits of the line's SHA-256. */
  readonly digest: string;
}

export interface Sources {
  readonly patterns: readonly string[];
  readonly salt: readonly SaltLine[];
  /** In the order of the code hash. */
  readonly entries: readonly SourceEntry[];
}

/** @returns what is stored, as JSON, of what a code hash is computed from */
export async function sourcesText(
  { patterns, salt }: { readonly patterns: readonly string[]; readonly salt: string },
  listing: SourceListing,
): Promise<string> {
  const head = JSON.stringify({ schema: SOURCES_SCHEMA, patterns, salt: saltLines(salt) });
  return `${head.slice(0, -1)},"entries":[${await entriesText(listing)}]}`;
}

/** A name as of a variable; anything else before a `=` may be part of a value. */
const SALT_LINE = /^\s*([\w.-]{1,64})\s*=(?!=*\s*$)/;

function saltLines(salt: string): SaltLine[] {
  if (salt === '') return [];
  return salt.split('\n').map((line, index) => ({
    name: SALT_LINE.exec(line)?.[1] ?? `line ${index + 1}`,
    digest: hash('sha256', line, 'hex').slice(0, DIGEST_DIGITS),
  }));
}

/** By bytes: whether JSON has it in a text as it is. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => Number(/[ !#-[\]-~]/.test(String.fromCharCode(byte))));

/** All modes have six digits. */
const MODE = { at: 0, length: 6 } as const;
const ID = { at: MODE.length + 1, length: DIGEST_DIGITS } as const;
const BEFORE_MODE = Buffer.from('["');
const BETWEEN = Buffer.from('","');
const AFTER_NAME = Buffer.from('"],');

/**
 * Each `<mode> SP <id> SP 0 TAB <path> NUL`. There may be tens of thousands, so bytes are moved: to cut them as text takes
 * three times as long.
 *
 * @returns the entries as JSON
 */
async function entriesText(listing: SourceListing): Promise<string> {
  const bytes = Buffer.from(listing.buffer, listing.byteOffset, listing.byteLength);
  const decodeFileName = isUtf8(bytes) ? String : (await import('../code-hash/md5.ts')).decodeFileName;
  const nameAt = bytes.indexOf('\t') + 1;
  const pieces: string[] = [];
  // No entry is longer than its record, whose id has at least 40 digits.
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

/** `copy` of a buffer takes longer for so few bytes. */
function put(target: Buffer, at: number, source: Buffer, start = 0, length = source.length): number {
  for (let index = 0; index < length; index += 1) target[at + index] = source[start + index] ?? 0;
  return at + length;
}

/** @throws UserError for what is not the JSON of sources */
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

const compress = promisify(gzip);
const expand = promisify(gunzip);

/**
 * Stores what a code hash was computed from, unless somebody has. Nothing depends on it, so what goes wrong is told by a
 * debug line.
 *
 * @returns the SHA-256 (base64) of what is stored; undefined where nothing is
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
    const body = await compress(bytes, COMPRESSION);
    const write = { key, body, contentType: 'application/gzip', condition: { kind: 'absent' }, signal } as const;
    if ((await store.writeObject(write)).outcome === 'written') return digestOf(body);
    // Another version of zlib may have made other bytes of the same text.
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
  /** Base64, by the record. */
  readonly sha256: string;
  readonly signal: AbortSignal;
}

/** @throws UserError where there are none that this version can read, or others than the record means */
export async function readSources(
  store: ObjectStore,
  { prefix, codeHash, sha256, signal }: StoredSources,
): Promise<Sources> {
  const key = sourcesKey(prefix, codeHash);
  const body = await store.readObject({ key, mostBytes: MOST_BYTES, signal });
  const where = `s3://${store.bucket}/${key}`;
  if (body === undefined) throw new UserError(`There is nothing at ${where}`);
  if (digestOf(body) !== sha256) throw new UserError(`${where} is not what the record says`);
  try {
    return parseSources((await expanded(body)).toString());
  } catch (cause) {
    throw new UserError(`${where} can't be read: ${describeError(cause).line}`, { cause });
  }
}

function expanded(body: Buffer): Promise<Buffer> {
  return expand(body, { maxOutputLength: MOST_BYTES });
}

function digestOf(body: Buffer): string {
  return hash('sha256', body, 'base64');
}
