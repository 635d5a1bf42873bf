import type { CancelledError } from '../errors.ts';
import type { InputSource } from '../inputs/inputs.ts';
import type { Log } from '../ports.ts';
import type { LiveLine } from '../progress.ts';

/** What the system that runs the job tells about it; undefined where it says nothing. */
export interface JobContext {
  /** The commit that an Actions workflow runs for. */
  readonly sha?: string | undefined;
  readonly repository?: string | undefined;
  readonly runId?: string | undefined;
  /** From 1; undefined where the system doesn't number the attempts at one run. */
  readonly runAttempt?: string | undefined;
  readonly workflow?: string | undefined;
  readonly ref?: string | undefined;
  /** The run's page. */
  readonly url?: string | undefined;
}

/** What an output holds, before a host makes text of it. */
export type OutputValue = string | number | boolean | readonly object[];

/** Where a run takes place: the Actions runner, or a terminal. */
export interface Host {
  readonly inputs: InputSource;
  readonly job: JobContext;
  readonly log: Log;
  /**
   * Tells whoever comes next how the run ended.
   *
   * @returns the names of the outputs that are left empty, since they are too large
   * @throws UserError where a file for outputs can't be written
   */
  readonly setOutputs: (outputs: ReadonlyMap<string, OutputValue>) => readonly string[];
  /** Adds HTML to the job summary, where there is one. @throws the system's error */
  readonly addSummary: (html: string) => void;
  /** Keeps a value out of the log from now on. */
  readonly mask: (secret: string) => void;
  /** Calls `cancel` when the run is cancelled. One that goes on for seconds after that ends with its error. */
  readonly onCancel: (cancel: (signalName: string) => CancelledError) => void;
  /** One line that is rewritten in place, where there is a terminal to show it. */
  readonly liveLine?: LiveLine | undefined;
}

/** To release records and abort uploads; the runner sends SIGTERM 7.5 s after SIGINT, and kills 2.5 s later. */
const CLEANUP_MS = 3000;

/**
 * Cancels the run on SIGINT and SIGTERM.
 *
 * @param end ends the process with the error of a run that takes too long to stop
 */
export function cancelOnSignal(
  cancel: (signalName: string) => CancelledError,
  end: (error: CancelledError) => void,
): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      const error = cancel(name);
      setTimeout(() => end(error), CLEANUP_MS).unref();
    });
}

/**
 * An output as one line of text: what is no text already is JSON.
 *
 * @param mostCharacters that the text may have
 * @returns an empty text for a list that is longer
 */
export function outputText(value: OutputValue, mostCharacters = Number.POSITIVE_INFINITY): string {
  if (typeof value !== 'object') return String(value);
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

/** JSON leaves characters as they are that a terminal takes for a command, or a reader for a line end. */
export function inPrintable(json: string): string {
  return json.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
