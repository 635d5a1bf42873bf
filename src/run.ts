import type { SetSearch } from './asset-set/find.ts';
import { gitSourceTree } from './code-hash/source-tree.ts';
import { CancelledError, systemCode, UserError } from './errors.ts';
import type { Host } from './host/actions.ts';
import { affordable, jobFiles, systemClock, systemRandom } from './host/system.ts';
import { type Inputs, parseInputs, SECRET_INPUTS } from './inputs/inputs.ts';
import { type CheckRequest, check } from './modes/check.ts';
import type { Outcome } from './modes/outcome.ts';
import type { RestoreSelection } from './modes/restore.ts';
import type { UploadRequest } from './modes/upload.ts';
import { isTruncated, outputsOf } from './outputs.ts';
import { packageDirectory } from './package-directory/package-directory.ts';
import type { Log, ObjectStore, Ports } from './ports.ts';
import { s3ObjectStore } from './s3/object-store.ts';
import { withSharedConfig } from './s3/settings.ts';
import { Notes, summaryOf } from './summary.ts';
import { defined } from './text.ts';
import { VERSION } from './version.ts';

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
  if (inputs.mode === 'restore') return runRestore(inputs, host, ports);
  return runUpload(inputs, host, ports);
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
    import('./asset-set/signature.ts'),
    import('./asset-set/signature.ts'),
  ]);
  return signedStore(store, recordKeys(trust));
}

async function checkRequest(inputs: Inputs, host: Host): Promise<CheckRequest> {
  const search = searchRequest(inputs, host);
  if (!inputs.search.restore) return search;

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

// What modes are asked, as inputs and runner have it.

/** What every mode is asked. */
function commonRequest(inputs: Inputs, { job }: Host) {
  const { sha: context, ...run } = job;
  return {
    commit: { asked: inputs.commitSha, context, repositoryIsGiven: inputs.repository.isGiven },
    codeHash: inputs.codeHash,
    prefix: inputs.prefix,
    legacy: inputs.legacy,
    dryRun: inputs.dryRun,
    waitMs: inputs.waitMs,
    concurrency: inputs.concurrency,
    writer: defined({ ...run, version: VERSION }),
  };
}

/** What check and restore are asked. */
function searchRequest(inputs: Inputs, host: Host): SetSearch {
  const { promote, fallbackPrefixes } = inputs.search;
  return { ...commonRequest(inputs, host), promote, fallbackPrefixes };
}

/** Runs the mode `upload`. */
async function runUpload(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  const { upload } = await import('./modes/upload.ts');
  return upload(await uploadRequest(inputs, host), ports);
}

async function uploadRequest(inputs: Inputs, host: Host): Promise<UploadRequest> {
  const { contentTypeOf } = await import('./asset-set/plan.ts');
  const { ifNoFilesFound, overwrite, contentType, cacheControl, metadata } = inputs.upload;
  return {
    ...commonRequest(inputs, host),
    ifNoFilesFound,
    overwrite,
    selection: inputs.selection,
    settings: { contentType: (path) => contentType ?? contentTypeOf(path), cacheControl, metadata },
  };
}

/** Runs the mode `restore`. */
async function runRestore(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  const { restore } = await import('./modes/restore.ts');
  return restore({ ...searchRequest(inputs, host), selection: await restoreSelection(inputs) }, ports);
}

/** Which files of a set are restored, and by which system's rules for names. */
async function restoreSelection({ selection }: Inputs): Promise<RestoreSelection> {
  const { pathMatcher, unmatchedPatterns } = await import('./package-directory/scan.ts');
  const { platform } = process;
  const naming = platform === 'win32' || platform === 'darwin' ? platform : 'other';
  const { patterns } = selection;
  return { isChosen: pathMatcher(patterns), unmatchedBy: (paths) => unmatchedPatterns(patterns, paths), naming };
}
