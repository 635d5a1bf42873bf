import { RESERVED_METADATA } from '../asset-set/attributes.ts';
import { isCodeHash, isCommit } from '../asset-set/location.ts';
import { InputError } from '../errors.ts';
import { printable } from '../text.ts';

type ReadVariable = (name: string) => string | undefined;

/**
 * Reads an input's text.
 *
 * @param name of the input, for messages
 * @throws InputError that shows the value and says what would be right
 */
export type Parser<Value> = (name: string, text: string, variable: ReadVariable) => Value;

/** @param advice what to give instead */
export function refused(name: string, text: string, advice: string): InputError {
  return new InputError(`${name} is '${printable(text)}': ${advice}`);
}

export function plainText(_name: string, text: string): string {
  return text;
}

/** Only `true` and `false`: a typo must not turn into one of them. */
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

/** A text of a given form. */
export function matching(form: RegExp, advice: string) {
  return (name: string, text: string): string => {
    if (form.test(text)) return text;
    throw refused(name, text, advice);
  };
}

/** One item a line; blank lines and the white space around an item do not count. */
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

/** `name=value` a line. */
export function pairs(name: string, text: string): ReadonlyMap<string, string> {
  const entries = lines(text).map((line): [string, string] => {
    const equals = line.indexOf('=');
    if (equals < 1) throw refused(name, line, "give one 'name=value' a line");
    return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
  });
  return new Map(entries);
}

/** A path of this machine. No shell has read it, so a `~` at its beginning is expanded here. */
export function localPath(name: string, text: string, variable: ReadVariable): string {
  if (!text.startsWith('~')) return text;
  if (!/^~([\\/]|$)/.test(text)) throw refused(name, text, "give the full path, or './~...' for a name with a '~'");
  const home = variable('HOME') || variable('USERPROFILE');
  if (!home) throw refused(name, text, 'give the full path, since HOME is not set');
  return `${home.replace(/[\\/]$/, '')}/${text.slice(2)}`;
}

/** Relative to the package directory: nothing outside it is ever an asset. */
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

/** A set under such a prefix would lie within another set. */
const SET_FOLDERS: ReadonlySet<string> = new Set(['artifacts', 'cache', 'records']);

/** A key prefix: segments divided by `/`; one trailing `/` is dropped. */
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

/** One a line. `/` is the bucket's root: a scope may have a prefix where the one it falls back to has none. */
export function keyPrefixes(name: string, text: string): string[] {
  return lines(text).map((prefix) => (prefix === '/' ? '' : keyPrefix(name, prefix)));
}

/** Which names are allowed depends on the server. */
export function bucketName(name: string, text: string): string {
  if (/^arn:/i.test(text)) throw refused(name, text, "give a bucket's name, or an access point's alias, not an ARN");
  // Their access points' names end much alike.
  if (/--xa?-+s3$/.test(text))
    throw refused(name, text, 'directory buckets need sessions, which this action has none of: use another bucket');
  return text;
}

/** An http or https URL without credentials or query; some servers have S3 under a path. */
export function endpointUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return text;
  throw refused(name, text.replace(/^([^@]*?:\/\/)?.*@/s, '$1***@'), "give a URL such as 'https://s3.example.com'");
}

/** S3 takes 2 KB of metadata; what this action adds is at most 400 bytes. */
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

/** @returns the tags as S3's header has them: a query string */
export function tagging(name: string, text: string): string {
  const tags = pairs(name, text);
  if (tags.size > 10) throw new InputError(`${name} has ${tags.size} tags: S3 takes at most 10`);
  return new URLSearchParams([...tags]).toString().replaceAll('+', '%20');
}
