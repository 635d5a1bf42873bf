import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { CancelledError, describeError, UserError } from '../errors.ts';
import { type CommandLine, ENV_FILE } from '../inputs/flags.ts';
import { type InputSource, overwrittenInputs } from '../inputs/inputs.ts';
import { ownVariable } from '../inputs/table.ts';
import type { LiveLine } from '../progress.ts';
import { inPrintable, listed, type OutputValue, outputText, outputTexts, printable, systemCode } from '../text.ts';
import type { Host } from './host.ts';
import { jobOf } from './job.ts';
import { cancelOnSignal } from './system.ts';

/** Longer lists are left out of an env file; `--json` has no limit. */
const MOST_LIST_CHARACTERS = 2000;
/**
 * GitLab refuses larger files; a line end may have to come before the first line.
 * https://docs.gitlab.com/administration/instance_limits/#limit-dotenv-file-size
 */
const MOST_BYTES = 5 * 1024 - 2;

const CLEAR_LINE = '\r\u001b[K';
const COLOURS = { plain: '', error: '\u001b[31m', warning: '\u001b[33m', debug: '\u001b[2m' } as const;
const NO_COLOUR = '\u001b[0m';

/**
 * Writes the lines of a run to stderr: on a terminal, or in the log of a CI system other than Actions. A live line must
 * be cleared before other lines are written.
 */
export class Terminal {
  readonly #isVerbose: boolean;
  readonly #isColoured = process.stderr.isTTY === true && !process.env.NO_COLOR;
  #isLive = false;

  constructor({ isVerbose }: { readonly isVerbose: boolean }) {
    this.#isVerbose = isVerbose;
  }

  readonly log = {
    info: (line: string, folded: readonly string[] = []): void => {
      this.#write('plain', line);
      for (const one of folded) this.#write('plain', `  ${one}`);
    },
    warning: (line: string): void => this.#write('warning', `warning: ${line}`),
    debug: (line: string): void => {
      if (this.#isVerbose) this.#write('debug', line);
    },
  };

  /** Undefined if stderr is not a terminal, or is one that can't rewrite a line. */
  readonly liveLine: LiveLine | undefined =
    process.stderr.isTTY && process.env.TERM !== 'dumb'
      ? { show: (text) => this.#show(text), clear: () => this.#clear() }
      : undefined;

  /** Reports an error. A cancelled process ends at once, even if work is still under way. */
  readonly fail = (error: unknown): void => {
    const { line, details } = describeError(error);
    this.log.debug(details);
    this.#write('error', `error: ${line}`);
    if (error instanceof CancelledError) process.exit(1);
  };

  #write(colour: keyof typeof COLOURS, line: string): void {
    const isPlain = !this.#isColoured || colour === 'plain';
    process.stderr.write(`${isPlain ? line : `${COLOURS[colour]}${line}${NO_COLOUR}`}\n`);
  }

  #show(text: string): void {
    // A wrapped line can't be rewritten.
    process.stderr.write(CLEAR_LINE + text.slice(0, (process.stderr.columns || 80) - 1));
    this.#isLive = true;
  }

  #clear(): void {
    if (this.#isLive) process.stderr.write(CLEAR_LINE);
    this.#isLive = false;
  }
}

/** By default, output that can't be written ends the process at once, even in the middle of an upload. */
export function handleFailedOutput(): void {
  // Without the log, the work can still be done.
  process.stderr.on('error', () => {});
  process.stdout.on('error', (cause) => {
    const advice = "check the disk's free space, and that whatever reads it reads to the end";
    new Terminal({ isVerbose: false }).fail(
      new UserError(`stdout can't be written (${systemCode(cause)}): ${advice}`, { cause }),
    );
    process.exit(1);
  });
}

/** The command line that this process was started with. @throws UserError if the env file can't be written */
export function terminalHost({ texts, isJson, envFile }: CommandLine, terminal: Terminal): Host {
  leaveOutWorkflowCommands();
  // Fails before anything is transferred if the outputs can't be written later.
  if (envFile !== undefined) append(envFile, '');
  const inputs: InputSource = { input: (name) => texts.get(name) ?? '', variable: (name) => process.env[name] };
  return {
    inputs,
    job: jobOf(process.env),
    log: terminal.log,
    liveLine: terminal.liveLine,
    setOutputs: (outputs) => {
      if (isJson) process.stdout.write(`${inPrintable(JSON.stringify(Object.fromEntries(outputs)))}\n`);
      if (envFile === undefined) return [];
      warnOfOverwritten(overwrittenInputs(inputs), terminal.log);
      return appendOutputs(envFile, outputs);
    },
    addSummary: () => false,
    mask: () => undefined,
    onCancel: (cancel) => cancelOnSignal(cancel, terminal.fail),
  };
}

/** `@actions/glob` writes debug commands for a runner to stdout, which is only for outputs here. */
function leaveOutWorkflowCommands(): void {
  const write = process.stdout.write.bind(process.stdout);
  const filtered = (...written: Parameters<typeof write>) =>
    String(written[0]).startsWith('::debug::') || write(...written);
  // The overloads of `write` differ only in the parameters after the text.
  process.stdout.write = filtered as typeof write;
}

/** @returns the names of the lists that were left empty: those that are too long, and the longest until all fit */
function appendOutputs(path: string, outputs: ReadonlyMap<string, OutputValue>): readonly string[] {
  const { texts, omitted } = outputTexts(outputs, () => MOST_LIST_CHARACTERS);
  const words = new Map(texts.map(([name, text]) => [name, plainWord(text)]));
  const leftEmpty = new Set(omitted);
  const room = roomIn(path);
  for (const [name, word] of [...words].sort(([, left], [, right]) => right.length - left.length)) {
    if (linesOf(words).length <= room) break;
    const value = outputs.get(name);
    const empty = typeof value === 'object' ? plainWord(outputText(value, '{}'.length)) : word;
    if (empty !== word) leftEmpty.add(name);
    words.set(name, empty);
  }
  append(path, linesOf(words));
  return [...leftEmpty];
}

function linesOf(words: ReadonlyMap<string, string>): string {
  return [...words].map(([name, word]) => `${ownVariable(name)}=${word}\n`).join('');
}

/** How many more bytes an env file may get. One that is already too large is not meant for GitLab. */
function roomIn(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size < MOST_BYTES ? MOST_BYTES - size : MOST_BYTES;
}

/** The value is lost to whoever reads the file. */
function warnOfOverwritten(names: readonly string[], log: Terminal['log']): void {
  if (names.length > 0)
    log.warning(
      `The env file sets ${listed(names.map(ownVariable))} to outputs of this step: give ${listed(names)} by flags wherever the file is read, since the variables don't set these inputs there.`,
    );
}

/**
 * Encodes a text as one word: percent-encodes the UTF-8 bytes of all characters that may be special to a shell, to
 * GitLab's dotenv reports or to Buildkite, which have no quoting syntax in common.
 */
function plainWord(text: string): string {
  return text.replaceAll(/[^\w./:@,+=-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function append(path: string, lines: string): void {
  try {
    // A pipe's end would never come.
    const isFile = statSync(path, { throwIfNoEntry: false })?.isFile();
    const text = isFile ? readFileSync(path, 'latin1') : '';
    appendFileSync(path, text === '' || text.endsWith('\n') ? lines : `\n${lines}`);
  } catch (cause) {
    throw new UserError(
      `--${ENV_FILE} is '${printable(path)}', which can't be written (${systemCode(cause)}): give another path, or check its permissions and the disk's free space`,
      { cause },
    );
  }
}
