import { parseArgs } from 'node:util';
import { InputError } from '../errors.ts';
import { printable } from '../text.ts';
import { INPUT_NAMES, INPUTS, type InputName, ownVariable } from './table.ts';
import { flag } from './values.ts';

export const COMMANDS = {
  check: 'looks for the assets of a commit, or of its code',
  upload: 'stores the assets that were built',
  restore: 'downloads the assets, and verifies every byte',
  explain: 'says how the code of two commits differs, from what their uploads stored',
} as const;

type Command = keyof typeof COMMANDS;

export const COMMAND_NAMES: readonly Command[] = Object.keys(COMMANDS).filter(
  (name): name is Command => name in COMMANDS,
);

export const ENV_FILE = 'env-file';

/** The flags that are not inputs. */
export const SWITCHES = {
  json: { help: 'prints the outputs on stdout, as one JSON object' },
  [ENV_FILE]: {
    help: "appends the outputs to a file, in lines such as 'ASSETS_FOUND=true' (check, upload, restore)",
    value: 'path',
  },
  'exit-code': { help: 'exits with 3 where nothing was found (check, restore)' },
  verbose: { help: 'logs more' },
  help: { help: 'shows this help, or that of a command' },
  version: { help: 'shows the version' },
} as const satisfies Record<string, { readonly help: string; readonly value?: string }>;

/** The parsed command line. */
export interface CommandLine {
  readonly command: Command | undefined;
  /** For `explain`: the commit to explain, and the one to compare it with. */
  readonly commits: readonly string[];
  /** The texts of inputs, including the mode. */
  readonly texts: ReadonlyMap<string, string>;
  readonly isJson: boolean;
  readonly envFile: string | undefined;
  /** Whether a miss has its own exit code. */
  readonly tellsMiss: boolean;
  readonly isVerbose: boolean;
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
}

/** The inputs that are flags: all but the mode, which is the command. */
export const FLAGS = INPUT_NAMES.filter((name) => name !== 'mode');

/** Whether a flag without a value means `true`. */
export function isSwitch(name: string): boolean {
  return isInput(name) ? INPUTS[name].parse === flag : name in SWITCHES && name !== ENV_FILE;
}

function isInput(name: string): name is InputName {
  return FLAGS.some((known) => known === name);
}

/**
 * Reads the arguments of the command line.
 *
 * @throws InputError for an argument that is unknown, repeated or without its value, and for a secret
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const names = [...FLAGS, ...Object.keys(SWITCHES)];
  const options = Object.fromEntries(
    names.map((name) => [name, { type: isSwitch(name) ? ('boolean' as const) : ('string' as const) }]),
  );
  const { tokens } = parseArgs({
    args: args.map((argument) => (argument === '-h' ? '--help' : argument)),
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
    allowNegative: true,
  });
  const texts = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind === 'option') give(texts, token.name, textOf(token, names));
  }
  const command = commandOf(words);
  if (command !== undefined) texts.set('mode', command === 'explain' ? 'check' : command);
  // `explain` writes nothing, so it must not require a signing key.
  if (command === 'explain') texts.set('dry-run', 'true');
  return {
    command,
    commits: words.slice(1),
    texts,
    isJson: texts.get('json') === 'true',
    envFile: texts.get(ENV_FILE),
    tellsMiss: texts.get('exit-code') === 'true',
    isVerbose: texts.get('verbose') === 'true',
    wantsHelp: texts.get('help') === 'true',
    wantsVersion: texts.get('version') === 'true',
  };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

function textOf({ name, rawName, value }: OptionToken, names: readonly string[]): string {
  if (!names.includes(name))
    throw unknown(
      'flag',
      rawName,
      names.map((known) => `--${known}`),
    );
  if (isInput(name) && INPUTS[name].secret)
    throw new InputError(`--${name} would be visible in process lists: set the variable ${ownVariable(name)} instead`);
  if (isSwitch(name)) {
    const text = value ?? String(!rawName.startsWith('--no-'));
    return String(flag(`--${name}`, text));
  }
  if (value === undefined)
    throw new InputError(`--${name} has no value: give one, as --${name}=<value> where it begins with '-'`);
  return value;
}

function give(texts: Map<string, string>, name: string, text: string): void {
  const before = texts.get(name);
  if (before !== undefined && !(isInput(name) && INPUTS[name].list))
    throw new InputError(`--${name} is given twice: give it once`);
  texts.set(name, before === undefined ? text : `${before}\n${text}`);
}

function commandOf([word, ...more]: readonly string[]): Command | undefined {
  if (word === undefined) return undefined;
  const command = COMMAND_NAMES.find((name) => name === word);
  if (command === undefined) throw unknown('command', word, COMMAND_NAMES);
  if (command === 'explain') return command;
  if (more[0] !== undefined)
    throw new InputError(
      `'${printable(more[0])}' belongs to no flag: put a value after its flag, and each item of a list after a flag of its own`,
    );
  return command;
}

/** @throws InputError if `explain` is not given one or two commits, or is given flags about outputs */
export function assertExplain({ commits, envFile, tellsMiss }: CommandLine): void {
  if (envFile !== undefined || tellsMiss)
    throw new InputError(`explain has no outputs and never misses: leave out --${ENV_FILE} and --exit-code`);
  if (commits.length === 1 || commits.length === 2) return;
  const given = commits.length === 0 ? 'none' : commits.length;
  throw new InputError(`explain takes one commit or two, and was given ${given}: see explain --help`);
}

function unknown(kind: string, given: string, known: readonly string[]): InputError {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(given, name) }))
    .sort((left, right) => left.distance - right.distance);
  const isNear = nearest !== undefined && nearest.distance <= Math.max(2, given.length / 3);
  const advice = isNear ? `did you mean ${nearest.name}?` : 'see --help';
  return new InputError(`There is no ${kind} '${printable(given)}': ${advice}`);
}

/**
 * The Levenshtein distance: how many characters must be inserted, deleted or replaced to turn one text into the other.
 */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [rowNumber, character] of [...left].entries()) {
    const next = [rowNumber + 1];
    for (let index = 0; index < right.length; index += 1) {
      const changed = (row[index] ?? 0) + (character === right[index] ? 0 : 1);
      next.push(Math.min(changed, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
