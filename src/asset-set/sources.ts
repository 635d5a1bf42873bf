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
/** Ids hardly get shorter, so more effort would only take longer. */
const COMPRESSION_LEVEL = 3;
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
  return `${head.slice(0, -1)},"entries":[${(await entryTexts(listing)).join()}]}`;
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

/** What JSON has otherwise, or what no listing needs: to look for it name by name would take twice as long. */
const SPECIAL = /[^\0\t !#-[\]-~]/;

/** Each `<mode> SP <id> SP 0 TAB <path> NUL`. There may be tens of thousands, so they are cut and not parsed. */
async function entryTexts(listing: SourceListing): Promise<string[]> {
  const bytes = Buffer.from(listing.buffer, listing.byteOffset, listing.byteLength);
  const isText = isUtf8(bytes);
  const text = bytes.toString(isText ? 'utf8' : 'latin1');
  const isPlain = !SPECIAL.test(text);
  const { decodeFileName } = isText ? {} : await import('../code-hash/md5.ts');
  const records = text.split('\0');
  records.pop();
  return records.map((record) => {
    const idAt = record.indexOf(' ') + 1;
    const nameAt = record.indexOf('\t') + 1;
    const head = `["${record.slice(0, idAt - 1)}","${record.slice(idAt, idAt + DIGEST_DIGITS)}",`;
    const name = record.slice(nameAt);
    if (isPlain && !name.includes('\t')) return `${head}"${name}"]`;
    return `${head}${JSON.stringify(decodeFileName?.(Buffer.from(name, 'latin1')) ?? name)}]`;
  });
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
    const body = await compress(bytes, { level: COMPRESSION_LEVEL });
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
