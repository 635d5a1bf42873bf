import type { RestoreSelection } from './asset-set/download.ts';
import type { Explanation } from './asset-set/explanation.ts';
import { gitSourceTree } from './code-hash/code-hash.ts';
import { CancelledError, describeError, MissError, UserError } from './errors.ts';
import type { Host } from './host/host.ts';
import { affordable, jobFiles, systemClock, systemRandom } from './host/system.ts';
import { type Inputs, parseInputs, secretsIn } from './inputs/inputs.ts';
import { check } from './modes/check.ts';
import type { Outcome } from './modes/outcome.ts';
import { outputsOf } from './outputs.ts';
import { packageDirectory } from './package-directory/package-directory.ts';
import type { ObjectStore } from './ports.ts';
import { Progress } from './progress.ts';
import type { RunContext } from './run-context.ts';
import { type ConnectOptions, s3ObjectStore } from './s3/object-store.ts';
import { withSharedConfig } from './s3/settings.ts';
import { failureSummary, Notes, summaryOf, verdictLine } from './summary.ts';
import { defined, systemCode } from './text.ts';
import { VERSION } from './version.ts';

/**
 * Reads what the host was given.
 *
 * @throws InputError for the first input that can't be used
 */
export function readInputs(host: Host): Inputs {
  for (const secret of secretsIn(host.inputs)) host.mask(secret);
  try {
    return parseInputs(host.inputs);
  } catch (error) {
    summarize(host, failureSummary(describeError(error).line, new Notes()));
    throw error;
  }
}

/**
 * Runs the mode that the inputs ask for, and tells later steps how it ended.
 *
 * @throws UserError for what the user can act on; MissError where the inputs say that a miss is a failure
 */
export async function run(host: Host, inputs: Inputs): Promise<Outcome> {
  const startedMs = systemClock.monotonicMs();
  const notes = new Notes();
  const progress = new Progress({ clock: systemClock, log: host.log, liveLine: host.liveLine });
  const noted = { ...host, log: notes.of(progress.log) };
  const summary = (html: string): void => {
    if (inputs.jobSummary) summarize(host, html);
  };
  try {
    if (inputs.mode === 'upload') refuseUntrusted(inputs, host.job);
    warnOfCacheMode(inputs.access, noted.log);
    const outcome = await runMode(await contextOf(inputs, noted, progress), inputs);
    tell(noted, outcome, inputs.store.bucket);
    const miss = inputs.mode === 'upload' ? undefined : missOf(inputs, outcome);
    const { failOnMiss } = inputs.search;
    if (miss !== undefined && outcome.found && !failOnMiss) noted.log.warning(`${miss}.`);
    if (inputs.mode === 'check') host.log.info(verdictLine('check', outcome));
    if (miss !== undefined && failOnMiss) throw new MissError(`${miss}, or set fail-on-miss to 'false'`);
    const tookMs = systemClock.monotonicMs() - startedMs;
    const { bucket } = inputs.store;
    summary(summaryOf({ mode: inputs.mode, outcome, notes, bucket, tookMs, ownUrl: host.job.url }));
    return outcome;
  } catch (error) {
    summary(failureSummary(describeError(error).line, notes));
    throw error;
  }
}

/** Whoever reads the prefix would use what a stranger's code has built. */
function refuseUntrusted({ access, prefix }: Inputs, { untrustedEvent }: Host['job']): void {
  if (untrustedEvent === undefined || access.isNamed || access.value === 'read') return;
  const event = untrustedEvent === 'fork' ? 'for a pull request from a fork' : `on ${untrustedEvent}`;
  const where = prefix === '' ? 'this bucket' : `the prefix '${prefix}'`;
  throw new UserError(
    `This job runs ${event}, so a stranger may decide what it builds for every branch that reads ${where}: set access to 'read' to store nothing, or to 'read-write' if that is what you want`,
  );
}

function warnOfCacheMode({ withheldBy }: Inputs['access'], log: Host['log']): void {
  if (withheldBy !== undefined)
    log.warning(
      `GitHub's cache-mode is '${withheldBy}' in this job (ACTIONS_CACHE_MODE), so this step stores nothing: set access to 'read-write' to store all the same, or to 'read' if that is what you want`,
    );
}

/** Compares what the uploads of two commits stored; without the second commit, with an earlier one. */
export async function explain(host: Host, inputs: Inputs, commits: readonly string[]): Promise<Explanation> {
  const progress = new Progress({ clock: systemClock, log: host.log, liveLine: host.liveLine });
  const context = await contextOf(inputs, host, progress);
  const { explainCommit } = await import('./modes/explain.ts');
  return explainCommit(context, commits, inputs.search.fallbackPrefixes);
}

function missOf(
  { mode, dryRun, search }: Inputs,
  { commit, reason, found, restored, location, unfinished }: Outcome,
): string | undefined {
  const isToRestore = (mode === 'restore' || search.restore) && !dryRun;
  if (found && isToRestore && !restored)
    return `Nothing was restored, since 'files' chooses no asset of ${location.prefix}: correct its patterns`;
  if (found) return undefined;
  if (reason === 'disabled')
    return `Nothing was looked for, since access is 'write': build and upload the assets for commit ${commit}`;
  if (unfinished !== undefined)
    return `There are no assets for commit ${commit} yet, and ${unfinished}: raise wait-timeout-seconds`;
  if (reason === 'in-progress')
    return `The assets for commit ${commit} are still being written by another run: raise wait-timeout-seconds`;
  return reason === 'archived'
    ? `The assets for commit ${commit} are archived, so nothing can read them: build and upload them again`
    : `There are no assets for commit ${commit} (${reason}): build and upload them first`;
}

/** What only another mode needs is loaded for it alone: a check should start fast. */
async function runMode(run: RunContext, { mode, search, upload, selection }: Inputs): Promise<Outcome> {
  if (mode === 'check')
    return check(run, { ...search, restore: search.restore ? await restoreSelection(selection.patterns) : undefined });
  if (mode === 'restore') {
    const { restore } = await import('./modes/restore.ts');
    return restore(run, { ...search, selection: await restoreSelection(selection.patterns) });
  }
  const [uploading, { contentTypeOf }] = await Promise.all([
    import('./modes/upload.ts'),
    import('./asset-set/plan.ts'),
  ]);
  const { contentType, cacheControl, metadata } = upload;
  const settings = { contentType: (path: string) => contentType ?? contentTypeOf(path), cacheControl, metadata };
  return uploading.upload(run, { ...upload, selection, settings });
}

/** Which files of a set are restored, and by which system's rules for names. */
async function restoreSelection(patterns: readonly string[]): Promise<RestoreSelection> {
  const { pathMatcher, unmatchedPatterns } = await import('./package-directory/scan.ts');
  const { platform } = process;
  const naming = platform === 'win32' || platform === 'darwin' ? platform : 'other';
  return { isChosen: pathMatcher(patterns), unmatchedBy: (paths) => unmatchedPatterns(patterns, paths), naming };
}

/** What every step of this run needs. */
async function contextOf(
  inputs: Inputs,
  { inputs: source, job, log, onCancel }: Host,
  progress: Progress,
): Promise<RunContext> {
  const temporary = source.variable('RUNNER_TEMP') ?? '';
  const signal = cancellationOf(inputs.mode, onCancel);
  // Before anything else is written.
  signal.addEventListener('abort', () => progress.stop());
  const { sha: context, untrustedEvent: _, baselines = {}, ...run } = job;
  return {
    store: await storeOf(inputs, { log, signal, onRetry: progress.retried }),
    sources: gitSourceTree({ repositoryPath: inputs.repository.path, packageDirectory: inputs.packageDirectory }),
    packages: packageDirectory(inputs.packageDirectory, log),
    jobFiles: temporary === '' ? undefined : jobFiles(temporary, log),
    clock: systemClock,
    random: systemRandom,
    log,
    signal,
    commit: { asked: inputs.commitSha, context, repositoryIsGiven: inputs.repository.isGiven },
    codeHash: inputs.codeHash,
    prefix: inputs.prefix,
    access: inputs.access.value,
    legacy: inputs.legacy,
    dryRun: inputs.dryRun,
    waitMs: inputs.waitMs,
    concurrency: affordable(inputs.concurrency),
    explain: inputs.explain,
    baselines,
    writer: defined({ ...run, version: VERSION }),
    progress,
  };
}

function cancellationOf(mode: Inputs['mode'], onCancel: Host['onCancel']): AbortSignal {
  const cancellation = new AbortController();
  onCancel((signalName) => {
    const kept = mode === 'upload' ? ': what was stored so far is kept, and the next upload goes on from there' : '';
    const error = new CancelledError(`The step was cancelled (${signalName})${kept}`);
    cancellation.abort(error);
    return error;
  });
  return cancellation.signal;
}

/** Where there are keys, records are signed, or have to be. */
async function storeOf({ store: settings, trust }: Inputs, options: ConnectOptions): Promise<ObjectStore> {
  const store = s3ObjectStore(await withSharedConfig(settings), options);
  if (trust === undefined) return store;
  const { signedStore, recordKeys } = await import('./asset-set/signature.ts');
  return signedStore(store, recordKeys(trust));
}

function tell({ log, setOutputs }: Host, outcome: Outcome, bucket: string): void {
  for (const name of setOutputs(outputsOf(outcome, bucket)))
    log.warning(
      `The output '${name}' is empty, since the set is too large for it: read .record.json in the package directory`,
    );
}

/** What was done is done: a summary that can't be written fails no step. */
function summarize({ log, addSummary }: Host, html: string): void {
  try {
    if (html !== '') addSummary(html);
  } catch (error) {
    log.warning(`The job summary can't be written (${systemCode(error)}): 'job-summary: false' does without`);
  }
}
