import { resolveCommit } from '../asset-set/commit.ts';
import { restoreSet } from '../asset-set/download.ts';
import { findSet, type SetSearch } from '../asset-set/find.ts';
import type { Finding } from '../asset-set/lookup.ts';
import { isHidden, type NamingRules } from '../asset-set/path.ts';
import { recordText, totalSize } from '../asset-set/record.ts';
import { stillInProgress } from '../asset-set/wait.ts';
import type { Ports } from '../ports.ts';
import { counted, printable, readableSize } from '../text.ts';
import { filesOf, type Outcome, outcomeOfSearch, recordOf } from './outcome.ts';

/** What is brought back of a set. */
export interface RestoreSelection {
  readonly isChosen: (path: string) => boolean;
  /** The including patterns of `files` that match none of these paths. */
  readonly unmatchedBy: (paths: Iterable<string>) => readonly string[];
  readonly naming: NamingRules;
}

export type RestoreRequest = SetSearch & { readonly selection: RestoreSelection };

/**
 * Brings the assets of a commit, or of its code, back into the package directory, every byte verified.
 *
 * @returns the outcome; a miss is one too
 * @throws UserError when another run is still writing the set, and for files that can't be brought back as they were
 */
export async function restore(request: RestoreRequest, ports: Ports): Promise<Outcome> {
  const packages = request.dryRun ? undefined : ports.packages;
  await packages?.removeMarker('.record.json');
  // A set is restored by its commit alone, so only hashing sources needs the repository.
  const commit = await resolveCommit({ ...request.commit, repositoryIsGiven: false }, ports.sources);
  const result = await findSet(request, ports, commit);
  if (result.own.verdict.reason === 'in-progress')
    throw stillInProgress(result.own.verdict.record, { location: result.own.location, waitMs: request.waitMs });
  if (result.found === undefined) return outcomeOfSearch(result);
  if (packages === undefined) {
    tellDryRun(ports, result.found, request.selection);
    return outcomeOfSearch(result);
  }
  await packages.create();
  const { found, ...restored } = await bringBack(request, ports, { set: result.found, selection: request.selection });
  const record = recordOf(found);
  if (record !== undefined) await packages.writeMarker('.record.json', recordText(record));
  return { ...outcomeOfSearch({ ...result, found }), ...restored };
}

/** Restores a set, and says what came of it. */
export async function bringBack(
  { legacy, writer, waitMs, concurrency }: SetSearch,
  ports: Ports,
  { set, selection }: { set: Finding; selection: RestoreSelection },
): Promise<{ readonly found: Finding } & Pick<Outcome, 'files' | 'restored'>> {
  const { isChosen, naming } = selection;
  const restored = await restoreSet(ports, { set, isChosen, naming, legacy, reader: writer, waitMs, concurrency });
  const { files, fetchedCount } = restored;
  tellUnmatched(ports, restored.set, { files, selection });
  // Whether that is an error is for the caller to say.
  if (files.length === 0 && filesOf(restored.set).length > 0) return { found: restored.set, files, restored: false };
  const presentCount = files.length - fetchedCount;
  ports.log.info(
    `Restored ${described(files, presentCount > 0 ? `, ${presentCount} of them there already` : '')} into ${ports.packages.path}.`,
  );
  await tellOthers(ports, files);
  return { found: restored.set, files, restored: true };
}

/** Says what a restore would do. */
export function tellDryRun({ packages, log }: Ports, set: Finding, selection: RestoreSelection): void {
  const files = filesOf(set).filter(({ path }) => selection.isChosen(path));
  tellUnmatched({ log }, set, { files, selection });
  log.info(`Dry run: would restore ${described(files)} into ${packages.path}.`);
}

function described(files: Outcome['files'], note = ''): string {
  return `${counted(files.length, 'asset')} (${readableSize(totalSize(files))}${note})`;
}

/** Whoever names a file wants it restored. */
function tellUnmatched(
  { log }: Pick<Ports, 'log'>,
  { location }: Finding,
  { files, selection }: { readonly files: Outcome['files']; readonly selection: RestoreSelection },
): void {
  for (const pattern of selection.unmatchedBy(files.map(({ path }) => path)))
    log.warning(
      `No asset of ${location.prefix} matches the pattern '${printable(pattern)}' of files: correct or remove it.`,
    );
}

/** Nothing is removed, so a later upload or deployment of the whole directory would take other files along. */
async function tellOthers({ packages, log }: Ports, restored: Outcome['files']): Promise<void> {
  const count = (await packages.countFiles()) ?? 0;
  const others = count - restored.filter(({ path }) => !isHidden(path)).length;
  if (others > 0)
    log.info(
      `${counted(others, 'other file')} in ${packages.path} ${others === 1 ? 'is' : 'are'} not part of the restored set.`,
    );
}
