import './system.ts'; // before @actions/github

import { appendFileSync } from 'node:fs';
import {
  debug,
  endGroup,
  getInput,
  info,
  isDebug,
  setFailed,
  setOutput,
  setSecret,
  startGroup,
  warning,
} from '@actions/core';
import { context } from '@actions/github';
import { CancelledError, describeError, UserError } from '../errors.ts';
import { codeOf, type OutputValue, outputTexts, printable, textIn } from '../text.ts';
import type { Host, JobContext } from './host.ts';
import { cancelOnSignal, eventFault } from './system.ts';

/**
 * Runners refuse more than 1 MiB of outputs per job. `.record.json` has the files of larger sets; the lists of packages
 * are short enough.
 */
const MOST_OUTPUT_CHARACTERS = 256 * 1024;

/** The GitHub Actions runner that this process runs under. @throws UserError if the event's file is not JSON */
export function actionsHost(): Host {
  if (eventFault !== undefined) throw new UserError(eventFault);
  const { repo, sha, runId, runNumber, runAttempt, workflow, ref, serverUrl } = { ...context, repo: repository() };
  return {
    inputs: { input: (name) => getInput(name), variable: (name) => process.env[name] },
    job: {
      sha: given(sha),
      baselines: { before: textIn(context.payload.before), base: textIn(context.payload.pull_request?.base?.sha) },
      repository: repo,
      runId: numbered(runId),
      runNumber: numbered(runNumber),
      runAttempt: numbered(runAttempt),
      workflow: given(workflow),
      ref: given(ref),
      url: repo && numbered(runId) && `${serverUrl}/${repo}/actions/runs/${runId}`,
      untrustedEvent: untrustedEvent(),
    },
    // The runner hides debug lines unless debugging is on, and writing thousands of them takes time.
    log: { info: tell, warning: (line) => warning(line), debug: isDebug() ? debug : () => undefined },
    setOutputs,
    addSummary,
    mask: setSecret,
    onCancel: (cancel) => cancelOnSignal(cancel, reportFailure),
  };
}

function tell(line: string, folded: readonly string[] = []): void {
  if (folded.length === 0) {
    info(line);
    return;
  }
  startGroup(line);
  for (const one of folded) info(one);
  endGroup();
}

function setOutputs(outputs: ReadonlyMap<string, OutputValue>): readonly string[] {
  const bounded = ['files', 'explanation'];
  const most = (name: string) => (bounded.includes(name) ? MOST_OUTPUT_CHARACTERS : Number.POSITIVE_INFINITY);
  const { texts, omitted } = outputTexts(outputs, most);
  for (const [name, text] of texts) writeOutput(name, text);
  return omitted;
}

function writeOutput(name: string, text: string): void {
  try {
    setOutput(name, text);
  } catch (cause) {
    const path = printable(process.env.GITHUB_OUTPUT ?? '');
    const why = codeOf(cause) || 'there is no such file';
    throw new UserError(
      `Later steps can't get the outputs: GITHUB_OUTPUT is '${path}', which can't be written (${why}): check its permissions and the disk's free space`,
      { cause },
    );
  }
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary */
function addSummary(html: string): boolean {
  const file = given(process.env.GITHUB_STEP_SUMMARY);
  if (file === undefined) return false;
  // A blank line ends the HTML, so that text added later is parsed as Markdown again.
  appendFileSync(file, `${html}\n\n`);
  return true;
}

/** The context's own `repo` throws outside Actions. */
function repository(): string | undefined {
  return given(process.env.GITHUB_REPOSITORY);
}

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request */
function untrustedEvent(): JobContext['untrustedEvent'] {
  const { eventName, payload } = context;
  if (eventName === 'pull_request_target') return eventName;
  const pull = payload.pull_request;
  // A fork that has been deleted has no name.
  return pull?.head?.repo?.full_name === pull?.base?.repo?.full_name ? undefined : 'fork';
}

function numbered(number: number): string | undefined {
  return Number.isNaN(number) ? undefined : String(number);
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

/**
 * Fails the step: one line for the user, everything else in the debug output. A cancelled step ends at once, even if
 * work is still under way.
 */
export function reportFailure(error: unknown): void {
  const { line, details } = describeError(error);
  debug(details);
  setFailed(line);
  // Exits only after the line has been written, which takes a moment through a pipe on Windows.
  if (error instanceof CancelledError) process.stdout.write('', () => process.exit());
}
