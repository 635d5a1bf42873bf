import { pathProblem } from '../core/asset-path.ts';
import type { Concurrency } from '../core/concurrency.ts';
import { counted } from '../core/counted.ts';
import { type NamingRules, namingProblem } from '../core/portable-names.ts';
import { printable } from '../core/printable.ts';
import type { AssetFile } from '../core/record.ts';
import type { Reader } from '../core/verdict.ts';
import { SetChangedError, UserError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { type Finding, isUsable } from './look-up.ts';
import { lookUpSettled } from './look-up-settled.ts';
import { restoreFiles } from './restore-files.ts';
import { contentsOf } from './set-contents.ts';
import { stillInProgress } from './wait-for-set.ts';

export interface SetRestoring {
  readonly set: Finding;
  readonly isChosen: (path: string) => boolean;
  readonly naming: NamingRules;
  readonly legacy: 'trust' | 'ignore';
  readonly reader: Reader;
  readonly waitMs: number;
  readonly concurrency: Concurrency;
}

export interface RestoredSet {
  readonly set: Finding;
  readonly files: readonly AssetFile[];
  readonly fetchedCount: number;
}

/**
 * Brings a set back into the package directory. Where its objects turn out not to be what its record says, the record
 * is read once more: the set may have been repaired meanwhile, or someone is just at it.
 *
 * @throws UserError for a name that can't be a file here, before anything is fetched; SetChangedError for a set that is
 *   not what its record says
 */
export async function restoreSet(ports: Ports, restoring: SetRestoring): Promise<RestoredSet> {
  try {
    return await restoreOrStartOver(ports, restoring);
  } catch (error) {
    if (!(error instanceof SetChangedError)) throw error;
    const advice = "re-run this step, and should it fail again, upload the assets anew with 'overwrite: true'";
    throw new SetChangedError(`${error.message}: ${advice}`, { cause: error });
  }
}

async function restoreOrStartOver(ports: Ports, restoring: SetRestoring): Promise<RestoredSet> {
  const { set, legacy, reader, waitMs } = restoring;
  const { location } = set;
  try {
    return await restore(ports, restoring);
  } catch (error) {
    if (!(error instanceof SetChangedError)) throw error;
    const again = await lookUpSettled({ ...ports, reader }, location, waitMs);
    if (again.verdict.reason === 'in-progress') throw stillInProgress(again.verdict.record, { location, waitMs });
    if (!isUsable(again, legacy) || writeOf(again) === writeOf(set)) throw error;
    // A file that only the earlier set had may be here already, and would be left beside the others.
    if (!pathsOf(set).isSubsetOf(pathsOf(again))) throw error;
    ports.log.info(`${error.message}: it was repaired meanwhile, so restoring starts over.`);
    return restore(ports, { ...restoring, set: again });
  }
}

/** Which write of a record a finding rests on; none of a set that has no record. */
function writeOf({ verdict }: Finding): string | undefined {
  if (verdict.reason !== 'complete') return undefined;
  const { nonce, sequence } = verdict.record.writer;
  return `${sequence} ${nonce}`;
}

function pathsOf(set: Finding): Set<string> {
  return new Set(namesIn(set));
}

/** Every path of a set, as often as it says so. */
function namesIn({ verdict, listing }: Finding): readonly string[] {
  return verdict.reason === 'complete' ? verdict.record.files.map(({ path }) => path) : [...listing.keys()];
}

async function restore(ports: Ports, { set, isChosen, naming, concurrency }: SetRestoring): Promise<RestoredSet> {
  refuseNames(namesIn(set).filter(isChosen), set, naming);
  const chosen = { ...set, listing: new Map([...set.listing].filter(([path]) => isChosen(path))) };
  const { files: all } = await contentsOf(ports, chosen, concurrency);
  const files = all.filter(({ path }) => isChosen(path));
  const { fetchedCount, uncheckedCount } = await restoreFiles(ports, { source: set.location, files, concurrency });
  if (uncheckedCount > 0)
    ports.log.warning(
      `${counted(uncheckedCount, 'asset')} at ${set.location.prefix} could not be checked: there is neither a record nor metadata that tells a SHA-256.`,
    );
  return { set, files, fetchedCount };
}

/** Paths of a record or a listing are an attacker's input. */
function refuseNames(paths: readonly string[], { location }: Finding, naming: NamingRules): void {
  for (const path of paths) {
    const problem = pathProblem(path, [location.prefix]);
    if (problem !== undefined) throw refused(`'${printable(path)}' is refused: ${problem}`, location.prefix);
  }
  const problem = namingProblem(paths, naming);
  if (problem !== undefined) throw refused(problem, location.prefix);
}

function refused(problem: string, prefix: string): UserError {
  return new UserError(`The set at ${prefix} can't be restored here: ${problem}. Choose other files by 'files'.`);
}
