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
import type { Host } from './host.ts';
import { actionsJob, cancelOnSignal, eventFault } from './system.ts';

/**
 * Runners refuse more than 1 MiB of outputs per job. `.record.json` has the files of larger sets; the lists of packages
 * are short enough.
 */
const MOST_OUTPUT_CHARACTERS = 256 * 1024;

/** The GitHub Actions runner that this process runs under. @throws UserError if the event's file is not JSON */
export function actionsHost(): Host {
  if (eventFault !== undefined) throw new UserError(eventFault);
  const { before, pull_request: pull } = context.payload;
  // A fork that has been deleted has no name. https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
  const isFork = pull?.head?.repo?.full_name !== pull?.base?.repo?.full_name;
  const job = actionsJob((name) => process.env[name]?.trim() || undefined);
  return {
    inputs: { input: (name) => getInput(name), variable: (name) => process.env[name] },
    job: {
      ...job,
      baselines: { before: textIn(before), base: textIn(pull?.base?.sha) },
      untrustedEvent: job.untrustedEvent ?? (isFork ? 'fork' : undefined),
    },
    // The runner hides debug lines unless debugging is on, and writing thousands of them takes time.
    log: { info: writeInfo, warning: (line) => warning(line), debug: isDebug() ? debug : () => undefined },
    setOutputs,
    addSummary,
    mask: setSecret,
    onCancel: (cancel) => cancelOnSignal(cancel, reportFailure),
  };
}

function writeInfo(line: string, folded: readonly string[] = []): void {
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
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (!file) return false;
  // A blank line ends the HTML, so that text added later is parsed as Markdown again.
  appendFileSync(file, `${html}\n\n`);
  return true;
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
