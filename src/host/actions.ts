import './system.ts'; // before @actions/github

import { appendFileSync } from 'node:fs';
import { debug, getInput, info, isDebug, setFailed, setOutput, setSecret, warning } from '@actions/core';
import { context } from '@actions/github';
import { CancelledError, codeOf, describeError, UserError } from '../errors.ts';
import type { InputSource } from '../inputs/inputs.ts';
import type { Log } from '../ports.ts';
import { printable } from '../text.ts';
import { eventFault } from './system.ts';

// before @actions/github

/** To release records and abort uploads; the runner sends SIGTERM 7.5 s after SIGINT, and kills 2.5 s later. */
const CLEANUP_MS = 3000;

/** What the runner tells about the job; undefined outside Actions. */
export interface JobContext {
  readonly sha: string | undefined;
  readonly repository: string | undefined;
  readonly runId: string | undefined;
  readonly runAttempt: string | undefined;
  readonly workflow: string | undefined;
  readonly ref: string | undefined;
}

/** The runner, as `main` sees it. */
export interface Host {
  readonly inputs: InputSource;
  readonly job: JobContext;
  readonly log: Log;
  /** @throws UserError where the runner's file for outputs can't be written */
  readonly setOutput: (name: string, text: string) => void;
  /** Adds HTML to the job summary, where the runner takes one. @throws the system's error */
  readonly addSummary: (html: string) => void;
  /** Keeps a value out of the log from now on. */
  readonly mask: (secret: string) => void;
  /** Calls `cancel` when the runner cancels the step. A step that goes on for seconds after that fails with its error. */
  readonly onCancel: (cancel: (signalName: string) => CancelledError) => void;
}

/**
 * The GitHub Actions runner that this process runs under.
 *
 * @throws UserError where the event's file is no JSON
 */
export function actionsHost(): Host {
  if (eventFault !== undefined) throw new UserError(eventFault);
  const { repo, sha, runId, runAttempt, workflow, ref } = { ...context, repo: repository() };
  return {
    inputs: { input: (name) => getInput(name), variable: (name) => process.env[name] },
    job: {
      sha: given(sha),
      repository: repo,
      runId: Number.isNaN(runId) ? undefined : String(runId),
      runAttempt: Number.isNaN(runAttempt) ? undefined : String(runAttempt),
      workflow: given(workflow),
      ref: given(ref),
    },
    // The runner shows these lines only when it is asked to, and writing thousands of them takes its time.
    log: { info, warning: (line) => warning(line), debug: isDebug() ? debug : () => undefined },
    setOutput: writeOutput,
    addSummary,
    mask: setSecret,
    onCancel: (cancel) => {
      for (const name of ['SIGINT', 'SIGTERM'] as const)
        process.on(name, () => {
          const error = cancel(name);
          setTimeout(() => reportFailure(error), CLEANUP_MS).unref();
        });
    },
  };
}

function writeOutput(name: string, text: string): void {
  try {
    setOutput(name, text);
  } catch (cause) {
    const path = printable(process.env.GITHUB_OUTPUT ?? '');
    const why = codeOf(cause) || 'there is no such file';
    throw new UserError(
      `Later steps can't be told what was found: GITHUB_OUTPUT is '${path}', which can't be written (${why}): check its permissions and the disk's free space`,
      { cause },
    );
  }
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary */
function addSummary(html: string): void {
  const file = given(process.env.GITHUB_STEP_SUMMARY);
  // A blank line ends it: whatever is added next is Markdown again.
  if (file !== undefined) appendFileSync(file, `${html}\n\n`);
}

/** The context's own `repo` throws outside Actions. */
function repository(): string | undefined {
  return given(process.env.GITHUB_REPOSITORY);
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

/**
 * Fails the step: one line for the user, everything else in the debug output. A step that was cancelled ends there and
 * then, whatever is still under way.
 */
export function reportFailure(error: unknown): void {
  const { line, details } = describeError(error);
  debug(details);
  setFailed(line);
  // The line is out by the time this is called; on Windows, a pipe takes a moment.
  if (error instanceof CancelledError) process.stdout.write('', () => process.exit());
}
