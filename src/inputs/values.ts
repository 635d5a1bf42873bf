import { RESERVED_METADATA } from '../asset-set/attributes.ts';
import { isCodeHash, isCommit } from '../asset-set/location.ts';
import { InputError } from '../errors.ts';
import { printable } from '../text.ts';

type ReadVariable = (name: string) => string | undefined;

/**
 * Parses the text of an input.
 *
 * @param name the input's name, for messages
 * @throws InputError that shows the value and says what to give instead
 */
export type Parser<Value> = (name: string, text: string, variable: ReadVariable) => Value;

/** @param advice what to give instead */
export function refused(name: string, text: string, advice: string): InputError {
  return new InputError(`${name} is '${printable(text)}': ${advice}`);
}

export function plainText(_name: string, text: string): string {
  return text;
}

/** Accepts only `true` and `false`: a typo must not count as one of them. */
export function flag(name: string, text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw refused(name, text, "give 'true' or 'false'");
}

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number) {
  return (name: string, text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw refused(name, text, `give a whole number from ${min} to ${max}`);
  };
}

/** One of a few words. */
export function choice<const Choice extends string>(...choices: readonly Choice[]) {
  return (name: string, text: string): Choice => {
    const found = choices.find((candidate) => candidate === text);
    if (found !== undefined) return found;
    throw refused(name, text, `give one of ${choices.join(', ')}`);
  };
}

/** A text that matches a pattern. */
export function matching(form: RegExp, advice: string) {
  return (name: string, text: string): string => {
    if (form.test(text)) return text;
    throw refused(name, text, advice);
  };
}

/** One item per line; blank lines and white space around items are ignored. */
export function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Patterns, separated by any white space. */
export function patterns(text: string): string[] {
  return text.split(/\s+/).filter((pattern) => pattern !== '');
}

/** One `name=value` per line. */
export function pairs(name: string, text: string): ReadonlyMap<string, string> {
  const entries = lines(text).map((line): [string, string] => {
    const equals = line.indexOf('=');
    if (equals < 1) throw refused(name, line, "give one 'name=value' a line");
    return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
  });
  return new Map(entries);
}

/** A path on this machine. A leading `~` is expanded here, since no shell has done so. */
export function localPath(name: string, text: string, variable: ReadVariable): string {
  if (!text.startsWith('~')) return text;
  if (!/^~([\\/]|$)/.test(text)) throw refused(name, text, "give the full path, or './~...' for a name with a '~'");
  const home = variable('HOME') || variable('USERPROFILE');
  if (!home) throw refused(name, text, 'give the full path, since HOME is not set');
  return `${home.replace(/[\\/]$/, '')}/${text.slice(2)}`;
}

/** Patterns relative to the package directory: files outside it are never assets. */
export function filePatterns(name: string, text: string): string[] {
  const items = lines(text);
  const outside = items.find((item) => /^!?([\\/~]|[a-z]:)|(^!?|[\\/])\.\.([\\/]|$)/i.test(item));
  if (outside !== undefined) throw refused(name, outside, 'give patterns relative to package-directory');
  return items;
}

export function commitSha(name: string, text: string): string {
  if (text === 'HEAD' || isCommit(text)) return text;
  throw refused(name, text, "give a full commit id (40 or 64 lowercase hex digits) or 'HEAD'");
}

export function codeHash(name: string, text: string): string {
  if (isCodeHash(text)) return text;
  throw refused(name, text, 'give 32 to 128 lowercase hex digits');
}

/** A set under such a prefix would be inside another set. */
const SET_FOLDERS: ReadonlySet<string> = new Set(['artifacts', 'cache', 'records']);

/** A key prefix: segments separated by `/`; one trailing `/` is dropped. */
export function keyPrefix(name: string, text: string): string {
  const prefix = text.endsWith('/') ? text.slice(0, -1) : text;
  const isBad = prefix.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
  if (isBad || /[\p{Cc}\\]/u.test(prefix))
    throw refused(name, text, "give segments divided by '/', none of them empty, '.' or '..', and no leading '/'");
  const folder = prefix.split('/').find((segment) => SET_FOLDERS.has(segment));
  if (folder !== undefined)
    throw refused(name, text, `this action keeps its own objects under '${folder}', so give that segment another name`);
  return prefix;
}

/** One prefix per line; `/` is the bucket's root, for fallbacks without a prefix. */
export function keyPrefixes(name: string, text: string): string[] {
  return lines(text).map((prefix) => (prefix === '/' ? '' : keyPrefix(name, prefix)));
}

/** Only rules out what no server can use; the rules for names depend on the server. */
export function bucketName(name: string, text: string): string {
  if (/^arn:/i.test(text)) throw refused(name, text, "give a bucket's name, or an access point's alias, not an ARN");
  // Directory buckets end in `--x-s3`, and their access points in `--xa-s3`.
  if (/--xa?-+s3$/.test(text))
    throw refused(
      name,
      text,
      'directory buckets need sessions, which this action does not support: use another bucket',
    );
  return text;
}

/** An http or https URL without credentials or query. It may have a path, since some servers offer S3 under one. */
export function endpointUrl(name: string, text: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return text;
  throw refused(name, text.replace(/^([^@]*?:\/\/)?.*@/s, '$1***@'), "give a URL such as 'https://s3.example.com'");
}

/** S3 allows 2 KB of metadata, and this action adds up to 400 bytes. */
const MOST_METADATA_BYTES = 1500;

export function userMetadata(name: string, text: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of pairs(name, text)) {
    if (!/^[a-z0-9-]+$/.test(key)) throw refused(name, key, 'names are lowercase letters, digits and hyphens');
    if (RESERVED_METADATA.has(key)) throw refused(name, key, 'this action sets it itself');
    if (!/^[\x20-\x7e]+$/.test(value)) throw refused(name, value, 'values are printable ASCII, and not empty');
    metadata[key] = value;
  }
  const sizeBytes = Buffer.byteLength(Object.entries(metadata).flat().join(''));
  if (sizeBytes > MOST_METADATA_BYTES)
    throw new InputError(`${name} has ${sizeBytes} bytes: S3 leaves room for ${MOST_METADATA_BYTES}`);
  return metadata;
}

/** @returns the tags in the format of S3's header: a query string */
export function tagging(name: string, text: string): string {
  const tags = pairs(name, text);
  if (tags.size > 10) throw new InputError(`${name} has ${tags.size} tags: S3 takes at most 10`);
  return new URLSearchParams([...tags]).toString().replaceAll('+', '%20');
}
