import type { CancelledError } from '../errors.ts';
import type { InputSource } from '../inputs/inputs.ts';
import type { Log } from '../ports.ts';
import type { LiveLine } from '../progress.ts';
import type { Baselines } from '../run-context.ts';
import type { OutputValue } from '../text.ts';

/** What the system that runs the job tells about it; undefined where it says nothing. */
export interface JobContext {
  /** The commit that an Actions workflow runs for. */
  readonly sha?: string | undefined;
  readonly baselines?: Baselines | undefined;
  readonly repository?: string | undefined;
  readonly runId?: string | undefined;
  /** From 1; undefined where the system doesn't number the attempts at one run. */
  readonly runAttempt?: string | undefined;
  readonly workflow?: string | undefined;
  readonly ref?: string | undefined;
  /** The run's page. */
  readonly url?: string | undefined;
  /** An event by which a stranger's code may decide what this job builds. */
  readonly untrustedEvent?: 'pull_request_target' | 'fork' | undefined;
}

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
