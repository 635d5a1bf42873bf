import type { Host } from './adapters/actions-host.ts';
import { gitSourceTree } from './adapters/git/source-tree.ts';
import { jobFiles } from './adapters/job-files.ts';
import { packageDirectory } from './adapters/package-directory/package-directory.ts';
import { s3ObjectStore } from './adapters/s3/object-store.ts';
import { withSharedConfig } from './adapters/s3/shared-config.ts';
import { affordable, systemClock, systemRandom } from './adapters/system.ts';
import { CancelledError, systemCode, UserError } from './errors.ts';
import { type Inputs, parseInputs, SECRET_INPUTS } from './inputs.ts';
import { type CheckRequest, check } from './modes/check.ts';
import type { Outcome } from './modes/outcome.ts';
import { isTruncated, outputsOf } from './outputs.ts';
import type { Log, ObjectStore, Ports } from './ports.ts';
import { searchRequest } from './requests.ts';
import { Notes, summaryOf } from './summary.ts';

/**
 * Runs the mode that the inputs ask for, and tells later steps how it ended.
 *
 * @throws UserError for what the user can act on; the caller fails the step
 */
export async function main(host: Host): Promise<void> {
  maskSecrets(host);
  const parsed = parseInputs(host.inputs);
  const inputs = { ...parsed, concurrency: affordable(parsed.concurrency) };
  const notes = new Notes();
  const noted = { ...host, log: notes.of(host.log) };
  const outcome = await run(inputs, noted, await connect(inputs, noted));
  tell(noted, outcome, inputs.store.bucket);
  const miss = inputs.mode === 'upload' ? undefined : missOf(inputs, outcome);
  const { failOnMiss } = inputs.search;
  if (miss !== undefined && outcome.found && !failOnMiss) noted.log.warning(`${miss}.`);
  if (inputs.jobSummary) summarize(host, summaryOf(inputs.mode, outcome, notes));
  if (miss !== undefined && failOnMiss) throw new UserError(`${miss}, or set fail-on-miss to 'false'`);
}

function missOf(
  { mode, dryRun, search }: Inputs,
  { commit, reason, found, restored, location, unfinished }: Outcome,
): string | undefined {
  const isToRestore = (mode === 'restore' || search.restore) && !dryRun;
  if (found && isToRestore && !restored)
    return `Nothing was restored, since 'files' chooses no asset of ${location.prefix}: correct its patterns`;
  if (found) return undefined;
  if (unfinished !== undefined)
    return `There are no assets for commit ${commit} yet, and ${unfinished}: raise wait-timeout-seconds`;
  if (reason === 'in-progress')
    return `The assets for commit ${commit} are still being written by another run: raise wait-timeout-seconds`;
  return reason === 'archived'
    ? `The assets for commit ${commit} are archived, so nothing can read them: build and upload them again`
    : `There are no assets for commit ${commit} (${reason}): build and upload them first`;
}

/** What only another mode needs is loaded for it alone: a check should start fast. */
async function run(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  if (inputs.mode === 'check') return check(await checkRequest(inputs, host), ports);
  if (inputs.mode === 'restore') return (await import('./run-restore.ts')).runRestore(inputs, host, ports);
  return (await import('./run-upload.ts')).runUpload(inputs, host, ports);
}

function maskSecrets({ inputs, mask }: Host): void {
  for (const name of SECRET_INPUTS) {
    const secret = inputs.input(name);
    if (secret !== '') mask(secret);
  }
}

async function connect(inputs: Inputs, { inputs: source, log, onCancel }: Host): Promise<Ports> {
  const temporary = source.variable('RUNNER_TEMP') ?? '';
  const cancellation = new AbortController();
  onCancel((signalName) => {
    const kept =
      inputs.mode === 'upload' ? ': what was stored so far is kept, and the next upload goes on from there' : '';
    const error = new CancelledError(`The step was cancelled (${signalName})${kept}`);
    cancellation.abort(error);
    return error;
  });
  return {
    store: await storeOf(inputs, log, cancellation.signal),
    sources: gitSourceTree({ repositoryPath: inputs.repository.path, packageDirectory: inputs.packageDirectory }),
    packages: packageDirectory(inputs.packageDirectory, log),
    jobFiles: temporary === '' ? undefined : jobFiles(temporary, log),
    clock: systemClock,
    random: systemRandom,
    log,
    signal: cancellation.signal,
  };
}

/** Where there are keys, records are signed, or have to be. */
async function storeOf({ store: settings, trust }: Inputs, log: Log, signal: AbortSignal): Promise<ObjectStore> {
  const store = s3ObjectStore(await withSharedConfig(settings), { signal, log });
  if (trust === undefined) return store;
  const [{ signedStore }, { recordKeys }] = await Promise.all([
    import('./adapters/signed-store.ts'),
    import('./core/signing-keys.ts'),
  ]);
  return signedStore(store, recordKeys(trust));
}

async function checkRequest(inputs: Inputs, host: Host): Promise<CheckRequest> {
  const search = searchRequest(inputs, host);
  if (!inputs.search.restore) return search;
  const { restoreSelection } = await import('./run-restore.ts');
  return { ...search, restore: await restoreSelection(inputs) };
}

function tell({ log, setOutput }: Host, outcome: Outcome, bucket: string): void {
  const outputs = outputsOf(outcome, bucket);
  for (const [name, text] of outputs) setOutput(name, text);
  if (isTruncated(outputs))
    log.warning(
      "The output 'files' is empty, since the set is too large for it: read .record.json in the package directory",
    );
}

/** What was done is done: a summary that can't be written fails no step. */
function summarize({ log, addSummary }: Host, html: string): void {
  try {
    addSummary(html);
  } catch (error) {
    log.warning(`The job summary can't be written (${systemCode(error)}): 'job-summary: false' does without`);
  }
}
