import { type RestoreSelection, restoreSet } from '../asset-set/download.ts';
import { findSet } from '../asset-set/find.ts';
import { leaveRecord } from '../asset-set/handover.ts';
import { resolveCommit } from '../asset-set/location.ts';
import { assertFinished, type Lookup } from '../asset-set/lookup.ts';
import { isHidden } from '../asset-set/path.ts';
import { amountOf } from '../asset-set/record.ts';
import type { RunContext } from '../run-context.ts';
import { counted, printable } from '../text.ts';
import { filesOf, type Outcome, outcomeOfSearch, type RestoredFiles } from './outcome.ts';

/**
 * Restores the assets of a commit, or of the same code, into the package directory, every byte verified.
 *
 * @returns the outcome; a miss is an outcome
 * @throws UserError when another run is still writing the set, and for files that can't be restored as they were
 */
export async function restore(run: RunContext, selection: RestoreSelection): Promise<Outcome> {
  const packages = run.dryRun ? undefined : run.packages;
  for (const stale of ['.record.json', '.sha256sums'] as const) await packages?.removeMarker(stale);
  // A set is found by its commit, so only hashing sources needs the repository.
  const commit = await resolveCommit({ ...run.commit, repositoryIsGiven: false }, run.sources);
  const result = await findSet(run, commit);
  assertFinished(run, result.own);
  if (result.found === undefined) return outcomeOfSearch(result);

  await packages?.create();
  const restored = await restoreFound(run, result.found, selection);
  if (restored !== undefined) await leaveRecord(run, restored.set);
  return outcomeOfSearch(result, restored);
}

/** Restores a set and logs the result. @returns undefined in a dry run, which only logs what it would do */
export async function restoreFound(
  run: RunContext,
  found: Lookup,
  selection: RestoreSelection,
): Promise<RestoredFiles | undefined> {
  const { log, packages } = run;
  if (run.dryRun) {
    const files = filesOf(found).filter(({ path }) => selection.isChosen(path));
    warnOfUnmatched(run, found, selection, files);
    log.info(`Dry run: would restore ${files.length === 0 ? 'no files' : amountOf(files)}, into ${packages.path}.`);
    return undefined;
  }
  const { set, files, fetchedCount } = await restoreSet(run, found, selection);
  warnOfUnmatched(run, set, selection, files);
  // The caller decides whether that is an error.
  if (files.length === 0 && filesOf(set).length > 0) return { set, files, isRestored: false };
  const presentCount = files.length - fetchedCount;
  const before = presentCount > 0 ? `, ${presentCount} of them there before` : '';
  log.info(`Restored ${amountOf(files)}${before}, into ${packages.path}.`);
  await reportOthers(run, files);
  return { set, files, isRestored: true };
}

/** A pattern that matches nothing is probably misspelt. */
function warnOfUnmatched(
  { log }: RunContext,
  { location }: Lookup,
  selection: RestoreSelection,
  files: Outcome['files'],
): void {
  for (const pattern of selection.unmatchedBy(files.map(({ path }) => path)))
    log.warning(
      `No asset of ${location.prefix} matches the pattern '${printable(pattern)}' of files: correct or remove it.`,
    );
}

/** A restore removes nothing, so a later upload or deployment of the whole directory would include other files. */
async function reportOthers({ packages, log }: RunContext, restored: Outcome['files']): Promise<void> {
  const count = (await packages.countFiles()) ?? 0;
  const others = count - restored.filter(({ path }) => !isHidden(path)).length;
  if (others > 0)
    log.info(
      `${counted(others, 'other file')} in ${packages.path} ${others === 1 ? 'is' : 'are'} not part of the restored set.`,
    );
}
