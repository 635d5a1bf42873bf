import type { RestoreSelection } from './asset-set/download.ts';
import type { Explanation } from './asset-set/explanation.ts';
import { haveBlocks, noteBlocks } from './asset-set/handover.ts';
import { artifactSet, resolveCommit, type SetLocation } from './asset-set/location.ts';
import { gitSourceTree } from './code-hash/code-hash.ts';
import { CancelledError, describeError, MissError, UserError } from './errors.ts';
import type { Host } from './host/host.ts';
import { affordable, jobFiles, systemClock, systemRandom } from './host/system.ts';
import { earlierOutputs, type Inputs, parseInputs, secretsIn } from './inputs/inputs.ts';
import type { PackagesTask } from './inputs/packages.ts';
import { ownVariable } from './inputs/table.ts';
import { type CheckOptions, check } from './modes/check.ts';
import { missingPackages, type Outcome } from './modes/outcome.ts';
import { outputsOf } from './outputs.ts';
import { packageDirectory } from './package-directory/package-directory.ts';
import type { JobFiles, Log, ObjectStore } from './ports.ts';
import { Progress } from './progress.ts';
import type { RunContext } from './run-context.ts';
import { type ConnectOptions, s3ObjectStore } from './s3/object-store.ts';
import { withSharedConfig } from './s3/settings.ts';
import { failureSummary, logOutcome, Notes, type RunPage, summaryOf } from './summary.ts';
import { defined, listed, systemCode } from './text.ts';
import { VERSION } from './version.ts';

export type Task = Inputs & {
  /** Set if there are several packages; if `package` names one, the inputs are those of that package. */
  readonly packages?: PackagesTask | undefined;
};

/**
 * Reads the inputs, and masks secrets before anything else.
 *
 * @throws InputError for the first input that can't be used
 */
export async function readInputs(host: Host): Promise<Task> {
  for (const secret of secretsIn(host.inputs)) host.mask(secret);
  const earlier = earlierOutputs(host.inputs);
  if (earlier.length > 0)
    host.log.info(
      `Outputs of an earlier step are not taken for inputs: ${listed(earlier.map(ownVariable))}. Give ${listed(earlier)} directly to set them.`,
    );
  try {
    const inputs = parseInputs(host.inputs);
    if (inputs.several === undefined) return inputs;
    const packages = await (await import('./inputs/packages.ts')).packagesTask(inputs, inputs.several);
    const own = inputs.several.name === undefined ? undefined : packages.chosen[0]?.inputs;
    return { ...inputs, ...own, packages };
  } catch (error) {
    summarize(host, failureSummary(describeError(error).line, new Notes()));
    throw error;
  }
}

/**
 * Runs the mode that the inputs name, and sets the outputs for later steps.
 *
 * @throws UserError for errors that the user can act on; MissError for a miss with `fail-on-miss`
 */
export async function run(host: Host, inputs: Task): Promise<Outcome> {
  const startedMs = systemClock.monotonicMs();
  const notes = new Notes();
  const { bucket } = inputs.store;
  const page = { notes, bucket, ownUrl: host.job.url };
  let context: WholeContext | undefined;
  let outcome: Outcome | undefined;
  try {
    context = await contextOf(inputs, { ...host, log: notes.of(host.log) });
    const { log } = context;
    if (inputs.mode === 'upload') refuseUntrusted(inputs, host.job);
    warnOfCacheMode(inputs.access, log);
    outcome = await runMode(context, inputs);
    warnOfEmpty(host.setOutputs(outputsOf(outcome, bucket)), log);
    const miss = inputs.mode === 'upload' ? undefined : missOf(inputs, outcome);
    const { failOnMiss } = inputs.search;
    if (miss !== undefined && outcome.found && !failOnMiss) log.warning(`${miss}.`);
    const ended = { mode: inputs.mode, outcome, isDryRun: inputs.dryRun };
    logOutcome(host.log, ended);
    if (miss !== undefined && failOnMiss) throw new MissError(`${miss}, or set fail-on-miss to 'false'`);
    const done = { ...page, ...ended, tookMs: systemClock.monotonicMs() - startedMs };
    await publish(host, inputs, { context, outcome, html: (reported) => summaryOf({ ...done, reported }) });
    return outcome;
  } catch (error) {
    const { line } = describeError(error);
    const html = (reported: RunPage['reported']) => failureSummary(line, notes, { ...page, outcome, reported });
    await publish(host, inputs, { context, outcome, html });
    throw error;
  }
}

interface StepPage {
  /** Undefined if the step failed before there was one. */
  readonly context: RunContext | undefined;
  readonly outcome: Outcome | undefined;
  /** @param reported the sets of this step, if earlier steps of the job have written the block for each */
  readonly html: (reported: RunPage['reported']) => string;
}

/** Adds to the job summary: one block for a set, which later steps of the job continue. */
async function publish(host: Host, inputs: Task, { context, outcome, html }: StepPage): Promise<void> {
  if (!inputs.jobSummary) return;
  if (context === undefined) {
    summarize(host, html(undefined));
    return;
  }
  const { store } = context;
  const sets = await setsOf(context, inputs, outcome);
  // Without these files, the summary only gets more blocks, which is no reason for a warning.
  const files = jobFilesOf(host, { ...host.log, warning: host.log.debug });
  const isReported = await haveBlocks(store, files, sets);
  const isAdded = summarize(host, html(isReported ? sets : undefined));
  if (isAdded && outcome !== undefined) await noteBlocks(store, files, sets);
}

/** @returns the commit's own set, or that of each package; none if the step failed before they were known */
async function setsOf(context: RunContext, inputs: Task, outcome: Outcome | undefined): Promise<SetLocation[]> {
  if (outcome?.packages !== undefined)
    return outcome.packages.map((one) => artifactSet(one.prefix, one.outcome.commit));
  if (isOfMany(inputs)) return [];
  const commit = outcome?.commit ?? (await resolveCommit(context.commit, context.sources).catch(() => undefined));
  return commit === undefined ? [] : [artifactSet(context.prefix, commit)];
}

function jobFilesOf({ inputs }: Pick<Host, 'inputs'>, log: Log): JobFiles | undefined {
  const directory = inputs.variable('RUNNER_TEMP') ?? '';
  return directory === '' ? undefined : jobFiles(directory, log);
}

/** Everyone who reads the prefix would use what a stranger's code built. */
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

/**
 * Compares what the uploads of two commits stored; without a second commit, the first is compared with an earlier one.
 */
export async function explain(host: Host, inputs: Task, commits: readonly string[]): Promise<Explanation> {
  const context = await contextOf(inputs, host);
  const { explainCommit } = await import('./modes/explain.ts');
  return explainCommit(context, commits);
}

/** Whether this is a check of all packages. */
function isOfMany({ packages, several }: Task): boolean {
  return packages !== undefined && several?.name === undefined;
}

function missOf({ mode, dryRun, search }: Inputs, outcome: Outcome): string | undefined {
  const { commit, reason, found, restored, location, unfinished } = outcome;
  const missing = missingPackages(outcome).map(({ name }) => name);
  if (missing.length > 0)
    return `There are no assets of ${listed(missing)} for commit ${commit}: build and upload them first`;
  const isToRestore = (mode === 'restore' || search.restore) && !dryRun;
  if (found && isToRestore && !restored)
    return `Nothing was restored, since 'files' chooses no asset of ${location.prefix}: correct its patterns`;
  if (found) return undefined;
  if (reason === 'disabled')
    return `Did not look for a set, since access is 'write': build and upload the assets for commit ${commit}`;
  if (unfinished !== undefined)
    return `There are no assets for commit ${commit} yet, and ${unfinished}: raise wait-timeout-seconds`;
  if (reason === 'in-progress')
    return `The assets for commit ${commit} are still being written by another run: raise wait-timeout-seconds`;
  return reason === 'archived'
    ? `The assets for commit ${commit} are archived, so nothing can read them: build and upload them again`
    : `There are no assets for commit ${commit} (${reason}): build and upload them first`;
}

/** Loads code that only another mode needs on demand, so that a check starts fast. */
async function runMode(run: WholeContext, inputs: Task): Promise<Outcome> {
  const { mode, upload, selection, packages } = inputs;
  if (packages !== undefined && isOfMany(inputs)) return checkEach(run, packages);
  if (mode === 'check') return check(run, await checkOptions(inputs));
  if (mode === 'restore') {
    const { restore } = await import('./modes/restore.ts');
    return restore(run, await restoreSelection(selection.patterns));
  }
  const uploading = await import('./modes/upload.ts');
  return uploading.upload(run, { ...upload, selection });
}

/** The packages share the connections, the limit on requests and git's answers. */
async function checkEach(run: WholeContext, { chosen }: PackagesTask): Promise<Outcome> {
  const checks = chosen.map(async ({ name, directory, inputs }) => {
    const { log, progress } = run.progress.about(name);
    const { codeHash, prefix, search } = inputs;
    const { fallbackPrefixes } = search;
    const packages = packageDirectory(inputs.packageDirectory, log);
    const own = { ...run, log, packages, codeHash, prefix, fallbackPrefixes, progress };
    return { name, directory, run: own, options: await checkOptions(inputs) };
  });
  const { checkPackages } = await import('./modes/packages.ts');
  return checkPackages(run, await Promise.all(checks));
}

async function checkOptions({ search, selection }: Inputs): Promise<CheckOptions> {
  return { restore: search.restore ? await restoreSelection(selection.patterns) : undefined };
}

/** Which files of a set are restored, and by which system's rules for names. */
async function restoreSelection(patterns: readonly string[]): Promise<RestoreSelection> {
  const { pathMatcher, unmatchedPatterns } = await import('./package-directory/scan.ts');
  const { platform } = process;
  const naming = platform === 'win32' || platform === 'darwin' ? platform : 'other';
  return { isChosen: pathMatcher(patterns), unmatchedBy: (paths) => unmatchedPatterns(patterns, paths), naming };
}

/** The context of a run, with all of its progress. */
type WholeContext = RunContext & { readonly progress: Progress };

async function contextOf(inputs: Task, { inputs: source, job, onCancel, ...host }: Host): Promise<WholeContext> {
  const progress = new Progress({ clock: systemClock, log: host.log, liveLine: host.liveLine });
  const { log } = progress;
  const signal = cancellationOf(inputs.mode, onCancel);
  // Before anything else is written.
  signal.addEventListener('abort', () => progress.stop());
  const { sha: context, untrustedEvent: _, baselines = {}, ...run } = job;
  const { packageDirectory: directory, repository, packages } = inputs;
  const concurrency = affordable(inputs.concurrency);
  const mostAtOnce = isOfMany(inputs) ? concurrency : undefined;
  return {
    store: await storeOf(inputs, { log, signal, onRetry: progress.retried, mostAtOnce }),
    sources: gitSourceTree({
      repositoryPath: repository.path,
      packageDirectory: directory,
      packages: packages?.shared,
    }),
    packages: packageDirectory(directory, log),
    jobFiles: jobFilesOf({ inputs: source }, log),
    clock: systemClock,
    random: systemRandom,
    log,
    signal,
    commit: { asked: inputs.commitSha, context, repositoryIsGiven: inputs.repository.isGiven },
    codeHash: inputs.codeHash,
    prefix: inputs.prefix,
    fallbackPrefixes: inputs.search.fallbackPrefixes,
    access: inputs.access.value,
    legacy: inputs.legacy,
    dryRun: inputs.dryRun,
    waitMs: inputs.waitMs,
    concurrency,
    explain: inputs.explain,
    baselines,
    writer: defined({ ...run, version: VERSION }),
    progress,
  };
}

function cancellationOf(mode: Inputs['mode'], onCancel: Host['onCancel']): AbortSignal {
  const cancellation = new AbortController();
  onCancel((signalName) => {
    const done = { upload: 'stored', restore: 'restored', check: undefined }[mode];
    const kept = done && `: what was ${done} so far is kept, and the next ${mode} goes on from there`;
    const error = new CancelledError(`The step was cancelled (${signalName})${kept ?? ''}`);
    cancellation.abort(error);
    return error;
  });
  return cancellation.signal;
}

/** With keys, records are signed when written and verified when read. */
async function storeOf({ store: settings, trust }: Inputs, options: ConnectOptions): Promise<ObjectStore> {
  const store = s3ObjectStore(await withSharedConfig(settings), options);
  if (trust === undefined) return store;
  const { signedStore, recordKeys } = await import('./asset-set/signature.ts');
  return signedStore(store, recordKeys(trust));
}

/** @param names of outputs that were left empty */
function warnOfEmpty(names: readonly string[], log: Log): void {
  for (const name of names)
    log.warning(
      name === 'files'
        ? "The output 'files' is empty, since the set is too large for it: read .record.json in the package directory"
        : `The output '${name}' is empty, since it would be too large: read what --json prints`,
    );
}

/**
 * The step's work is done, so a summary that can't be written does not fail it.
 *
 * @returns whether it was written
 */
function summarize({ log, addSummary }: Host, html: string): boolean {
  try {
    return html !== '' && addSummary(html);
  } catch (error) {
    log.warning(`The job summary can't be written (${systemCode(error)}): 'job-summary: false' does without`);
    return false;
  }
}
