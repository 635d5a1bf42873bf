import { InputError } from '../errors.ts';
import { printable } from '../text.ts';

// What an input's text may be. Each parser takes the name for its message, and throws an InputError that shows the
// value and says what would be right.

/** A whole number within a range, both ends included. */
interface Range {
  readonly min: number;
  readonly max: number;
}

/** Only `true` and `false`: a typo must not turn into one of them. */
export function flag(name: string, text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw refused(name, text, "give 'true' or 'false'");
}

export function wholeNumber(name: string, text: string, { min, max }: Range): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw refused(name, text, `give a whole number from ${min} to ${max}`);
}

/** One of a few words. */
export function choice<const Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((candidate) => candidate === text);
  if (found !== undefined) return found;
  throw refused(name, text, `give one of ${choices.join(', ')}`);
}

/** A text of a given form. */
export function matching(name: string, text: string, { form, advice }: { form: RegExp; advice: string }): string {
  if (form.test(text)) return text;
  throw refused(name, text, advice);
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

/**
 * A path of this machine. No shell has read it, so a `~` at its beginning is expanded here.
 *
 * @param findHome the home directory, where it is known
 */
export function localPath(name: string, text: string, findHome: () => string | undefined): string {
  if (!text.startsWith('~')) return text;
  if (!/^~([\\/]|$)/.test(text)) throw refused(name, text, "give the full path, or './~...' for a name with a '~'");
  const home = findHome();
  if (home === undefined) throw refused(name, text, 'give the full path, since HOME is not set');
  return `${home.replace(/[\\/]$/, '')}/${text.slice(2)}`;
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

/** An http or https URL without credentials or query; some servers have S3 under a path. */
export function endpointUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return text;
  throw refused(name, text.replace(/^([^@]*?:\/\/)?.*@/s, '$1***@'), "give a URL such as 'https://s3.example.com'");
}

/** @param advice what to give instead */
export function refused(name: string, text: string, advice: string): InputError {
  return new InputError(`${name} is '${printable(text)}': ${advice}`);
}

/** How an input is found. */
export interface InputSpec {
  /** Environment variables that stand in for it, the first that is set. */
  readonly variables: readonly string[];
}

/** Where texts come from; an empty one counts as not set. */
export interface InputSource<Name extends string> {
  readonly input: (name: Name) => string;
  readonly variable: (name: string) => string | undefined;
}

/** The texts of inputs, resolved: input, then variable; empty is not set. */
export class Texts<Name extends string> {
  readonly #source: InputSource<Name>;
  readonly #specs: Readonly<Record<Name, InputSpec>>;

  constructor(source: InputSource<Name>, specs: Readonly<Record<Name, InputSpec>>) {
    this.#source = source;
    this.#specs = specs;
  }

  get(name: Name, { variablesCount = true } = {}): string | undefined {
    const given = this.#source.input(name).trim();
    if (given !== '' || !variablesCount) return given || undefined;
    return this.#specs[name].variables.map((variable) => this.variable(variable)).find(Boolean);
  }

  /** A variable that stands in for no input, too. */
  variable(name: string): string | undefined {
    return this.#source.variable(name)?.trim() || undefined;
  }

  required(name: Name): string {
    const [variable] = this.#specs[name].variables;
    const text = this.get(name);
    if (text !== undefined) return text;
    throw new InputError(`${name} is not set: give it${variable === undefined ? '' : `, or the variable ${variable}`}`);
  }

  parsed<Value>(
    name: Name,
    parse: (name: string, text: string) => Value,
    options?: { readonly variablesCount: boolean },
  ): Value | undefined {
    const text = this.get(name, options);
    return text === undefined ? undefined : parse(name, text);
  }

  path(name: Name): string | undefined {
    const home = () => this.#source.variable('HOME') || this.#source.variable('USERPROFILE') || undefined;
    return this.parsed(name, (_, text) => localPath(name, text, home));
  }

  oneOf<const Choice extends string>(name: Name, choices: readonly Choice[]): Choice | undefined {
    return this.parsed(name, (_, text) => choice(name, text, choices));
  }

  number(name: Name, range: { min: number; max: number }): number | undefined {
    return this.parsed(name, (_, text) => wholeNumber(name, text, range));
  }

  form(name: Name, form: RegExp, advice: string): string | undefined {
    return this.parsed(name, (_, text) => matching(name, text, { form, advice }));
  }
}
