import type { CancelledError } from '../errors.ts';
import type { InputSource } from '../inputs/inputs.ts';
import type { Log } from '../ports.ts';
import type { LiveLine } from '../progress.ts';
import type { Baselines, RunIdentity } from '../run-context.ts';
import type { OutputValue } from '../text.ts';

/** The job according to the CI system; fields that the system does not provide are undefined. */
export interface JobContext extends Partial<Record<Exclude<keyof RunIdentity, 'version'>, string | undefined>> {
  /** The commit that triggered the Actions workflow. */
  readonly sha?: string | undefined;
  readonly baselines?: Baselines | undefined;
  /** An event that lets outsiders' code influence what this job builds. */
  readonly untrustedEvent?: 'pull_request_target' | 'fork' | undefined;
}

/** Where a run takes place: the Actions runner, or a terminal. */
export interface Host {
  readonly inputs: InputSource;
  readonly job: JobContext;
  readonly log: Log;
  /**
   * Publishes the outputs of the run.
   *
   * @returns the names of the outputs that were left empty because they are too large
   * @throws UserError if the file for outputs can't be written
   */
  readonly setOutputs: (outputs: ReadonlyMap<string, OutputValue>) => readonly string[];
  /** Adds HTML to the job summary. @returns whether there is one @throws the system's error */
  readonly addSummary: (html: string) => boolean;
  /** Keeps a value out of the log from now on. */
  readonly mask: (secret: string) => void;
  /**
   * Calls `cancel` when the run is cancelled. If the run does not stop within seconds, it ends with the returned error.
   */
  readonly onCancel: (cancel: (signalName: string) => CancelledError) => void;
  /** A line that is rewritten in place; undefined without a terminal. */
  readonly liveLine?: LiveLine | undefined;
}
