import { types } from 'node:util';

// The runner executes `##[command]` anywhere in a line.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|#(?=#\[)/gu;

/** Matches nearly every name: searching for all unprintable characters takes ten times as long. */
const PLAIN = /^[ -"$-~]*$/;

/** Longer than any key or URL; a field of a record can have millions of characters. */
const MOST_CHARACTERS = 2000;

/**
 * Makes untrusted text safe for a log line: control and format characters (line ends, terminal escapes, text direction
 * marks), lone surrogates and the runner's `##[` become `\u{hex}`, and long text is cut.
 */
export function printable(text: string): string {
  if (text.length > MOST_CHARACTERS) return `${printable(text.slice(0, MOST_CHARACTERS))}… (${text.length} characters)`;
  if (PLAIN.test(text)) return text;
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Any further names are only counted. */
const MOST_NAMES = 10;

/**
 * Lists names in a line of text: `a, b and 3 more`.
 *
 * @param show makes a name safe for the line
 */
export function listed(names: readonly string[], most = MOST_NAMES, show = printable): string {
  const shown = names.slice(0, most).map(show).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** Cuts long text, and marks the cut with `…`. */
export function shortened(text: string, mostCharacters: number): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}

/** Larger values would be rounded to 1000.0. */
const NEXT_UNIT = 999.95;
const SIZE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const DURATION_UNITS = [
  ['day', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

const SHORT_ID_DIGITS = 12;

/** The first digits of a commit's id or a hash, where nobody copies it. */
export function shortId(hex: string): string {
  return hex.slice(0, SHORT_ID_DIGITS);
}

/** How long ago something was. */
export function readableAge(ageMs: number): string {
  return ageMs < 1000 ? 'just now' : `${readableDuration(ageMs)} ago`;
}

/** A time for people: `47 ms`, `0.6 s`, `6 min 12 s`, `3 h 20 min`, `2 days`. */
export function readableDuration(durationMs: number): string {
  if (durationMs >= 0.5 && durationMs < 100) return `${Math.round(durationMs)} ms`;
  if (durationMs < 10_000) return `${Number((Math.max(durationMs, 0) / 1000).toFixed(1))} s`;
  const index = DURATION_UNITS.findIndex(([, unitMs]) => durationMs >= unitMs);
  const [unit, unitMs] = DURATION_UNITS[index] ?? (['s', 1000] as const);
  const whole = Math.floor(durationMs / unitMs);
  if (unit === 'day') return counted(whole, 'day');
  const [lesser, lesserMs] = DURATION_UNITS[index + 1] ?? (['s', 1000] as const);
  const rest = Math.floor((durationMs % unitMs) / lesserMs);
  return unit === 's' || rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${lesser}`;
}

/** A size for people, in decimal units with at most one digit after the point: `1.5 MB`. */
export function readableSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= NEXT_UNIT && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}

/**
 * Orders paths by code points, which is the order of their UTF-8 bytes: the order of S3's listings, of files in
 * records, and of names in Python, including invalid bytes (U+DC80 …). JavaScript's own order, by UTF-16 units, differs
 * above U+FFFF.
 */
export function comparePaths(left: string, right: string): number {
  const commonLength = Math.min(left.length, right.length);
  for (let index = 0; index < commonLength; index += 1) {
    const [unit, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (unit !== other) return rank(unit) - rank(other);
  }
  return left.length - right.length;
}

/** Sorts the first unit of a surrogate pair after every character that is a single unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdbff ? unit + 0x10000 : unit;
}

/** Makes every field that can be undefined an optional one. */
type Defined<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name];
} & { [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<Fields[Name], undefined> };

/** Removes undefined fields: in requests, records and outputs, "none" is an absent field. */
export function defined<const Fields extends object>(fields: Fields): Defined<Fields> {
  // The compiler can't infer the type through the entries.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
}

// JSON from outside is `unknown` until it is checked.

/** @returns the value of a JSON text; undefined if it is not JSON */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object with fields: neither null nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** @returns the value if it is a text */
export function textIn(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

/** The value of an output, before a host converts it to text. */
export type OutputValue = string | number | boolean | object | readonly unknown[];

/**
 * @param mostCharacters returns the maximum length of an output's text
 * @returns the text of every output, and the names of those left empty because they would be longer
 */
export function outputTexts(
  outputs: ReadonlyMap<string, OutputValue>,
  mostCharacters: (name: string) => number,
): { readonly texts: readonly (readonly [name: string, text: string])[]; readonly omitted: readonly string[] } {
  const texts = [...outputs].map(([name, value]) => [name, outputText(value, mostCharacters(name))] as const);
  const omitted = texts.filter(([name, text]) => isLeftEmpty(text, outputs.get(name))).map(([name]) => name);
  return { texts, omitted };
}

function isLeftEmpty(text: string, value: OutputValue | undefined): boolean {
  return text === '' ? value !== '' : text === '{}' && isObject(value) && Object.keys(value).length > 0;
}

/**
 * Converts an output to one line of text; lists and objects become JSON.
 *
 * @param mostCharacters the maximum length of the text
 * @returns an empty text for a list that is longer; an object that is longer loses its lists, then all but its texts
 */
export function outputText(value: OutputValue, mostCharacters = Number.POSITIVE_INFINITY): string {
  if (typeof value !== 'object') return String(value);
  if (!Array.isArray(value)) return objectText(value, mostCharacters);
  const items: string[] = [];
  let characterCount = '['.length;
  for (const item of value) {
    const text = inPrintable(JSON.stringify(item));
    characterCount += text.length + ','.length;
    if (characterCount > mostCharacters) return '';
    items.push(text);
  }
  return `[${items.join(',')}]`;
}

function objectText(value: object, mostCharacters: number): string {
  const isNoList = (field: unknown) => !Array.isArray(field);
  const forms = [() => value, () => fieldsOf(value, isNoList), () => fieldsOf(value, isText), () => ({})];
  for (const form of forms) {
    const text = inPrintable(JSON.stringify(form()));
    if (text.length <= mostCharacters) return text;
  }
  return '';
}

/** @returns the fields of an object that a test keeps, and what that leaves of the objects in it */
function fieldsOf(value: object, keeps: (field: unknown) => boolean): object {
  const fields = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    if (!isObject(field)) return keeps(field) ? [[name, field]] : [];
    const inner = fieldsOf(field, keeps);
    return Object.keys(inner).length === 0 ? [] : [[name, inner]];
  });
  return Object.fromEntries(fields);
}

/** Escapes characters in JSON that a terminal could take for a command, or a reader for a line end. */
export function inPrintable(json: string): string {
  return json.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** Whether a value is an error, also from another realm; Node 22 has no `Error.isError`. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** The system's code of an error, such as `ENOENT`, or an empty text. */
export function codeOf(error: unknown): string {
  return isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The system's code of an error, or else its message. */
export function systemCode(error: unknown): string {
  return codeOf(error) || String(error);
}
