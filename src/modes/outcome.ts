import type { Explanation, Names } from '../asset-set/explanation.ts';
import type { SearchResult } from '../asset-set/find.ts';
import type { SetLocation } from '../asset-set/location.ts';
import { describeUnfinished, type Lookup } from '../asset-set/lookup.ts';
import { type AssetFile, builderOf, builtCommitOf, type CompleteRecord, isCopy } from '../asset-set/record.ts';
import type { Reason, Since } from '../asset-set/status.ts';
import type { RunIdentity } from '../run-context.ts';

/** A file of a set. Only path and size are known for a legacy set. */
type OutcomeFile = Pick<AssetFile, 'path' | 'size' | 'sha256'>;

/** The result of a mode, from which the outputs, the last line of the log and the job summary are made. */
export interface Outcome {
  readonly found: boolean;
  readonly source: 'artifact' | 'cache' | 'none';
  readonly reason: Reason | 'disabled' | 'uploaded' | 'resumed' | 'marker' | 'lost-race' | 'read-only';
  readonly commit: string;
  readonly codeHash: string | undefined;
  readonly builtFromCommit: string | undefined;
  /** The run that built the set, if its record says so. */
  readonly builtBy?: RunIdentity | undefined;
  /** How long ago its record was written, or a file of a legacy set, by the server's clock. */
  readonly ageMs?: number | undefined;
  readonly since?: Since | undefined;
  /** How long that build took, if the record says so. */
  readonly buildSeconds?: number | undefined;
  /** Where the set is, or will be. */
  readonly location: SetLocation;
  readonly files: readonly OutcomeFile[];
  readonly uploaded: boolean;
  readonly cached: boolean;
  readonly restored: boolean;
  /** On a miss: why the commit's own set does not count. */
  readonly detail?: string | undefined;
  /** On a miss: says which run is still writing a set that would have been a hit. */
  readonly unfinished?: string | undefined;
  /**
   * On a miss: the status of the commit's own set, if another run began it before a set of the same code could be
   * copied to it.
   */
  readonly lostRace?: string | undefined;
  /** On a miss of a check: why a build is needed. */
  readonly explanation?: Explanation | undefined;
  /** Sources that changed, if there are more than the explanation's sentence names; not safe to print. */
  readonly changes?: Names | undefined;
  /** For a check of several packages: the outcome for each. */
  readonly packages?: readonly PackageOutcome[] | undefined;
}

/** The outcome of a check for one of several packages. */
export interface PackageOutcome {
  readonly name: string;
  readonly directory: string;
  /** The prefix of its sets. */
  readonly prefix: string;
  readonly outcome: Outcome;
}

/** @returns the packages that have to be built; none if the outcome is for a single set */
export function missingPackages({ packages = [] }: Outcome): readonly PackageOutcome[] {
  return packages.filter(({ outcome }) => !outcome.found);
}

interface Ending extends Pick<Outcome, 'reason' | 'commit' | 'codeHash' | 'location' | 'detail' | 'lostRace'> {
  /** The set that may be used, if there is one. */
  readonly set: Lookup | undefined;
  readonly source?: 'artifact' | 'cache';
  readonly cached?: boolean;
  /** The files that were restored. */
  readonly restored?: RestoredFiles | undefined;
  /** A set that would have been a hit if another run had finished it in time. */
  readonly unfinished?: Lookup | undefined;
  /** The set that this one was copied from, if this run copied it. */
  readonly from?: Lookup | undefined;
}

/** The files that were restored, and their set. */
export interface RestoredFiles {
  readonly set: Lookup;
  readonly files: readonly OutcomeFile[];
  /** False if the patterns choose none of its files. */
  readonly isRestored: boolean;
}

/** Builds the outcome of any mode. */
export function outcomeOf(ending: Ending): Outcome {
  const { set, source = 'artifact', reason, restored, unfinished, from = set } = ending;
  const built = from && recordOf(from);
  const record = set && recordOf(set);
  return {
    found: set !== undefined,
    source: set === undefined ? 'none' : source,
    reason,
    commit: ending.commit,
    codeHash: ending.codeHash,
    builtFromCommit: record && builtCommitOf(record),
    // For a copy that this run made, the age of its source.
    ageMs: from && ageOf(from),
    since: built === undefined ? 'stored' : isCopy(built) ? 'copied' : 'built',
    buildSeconds: record?.buildSeconds,
    location: ending.location,
    files: restored?.files ?? (set === undefined ? [] : filesOf(set)),
    uploaded: reason === 'uploaded' || reason === 'resumed',
    cached: ending.cached ?? false,
    restored: restored?.isRestored ?? false,
    detail: set === undefined ? ending.detail : undefined,
    unfinished: unfinished && describeUnfinished(unfinished),
    lostRace: ending.lostRace,
    builtBy: built && builderOf(built),
  };
}

/** The outcome of a check or a restore. */
export function outcomeOfSearch(result: SearchResult, restored?: RestoredFiles): Outcome {
  const { own, codeHash, ...ending } = result;
  const { status } = own;
  const set = restored?.set ?? result.found;
  return outcomeOf({
    ...ending,
    set,
    restored,
    detail: status.reason === 'incomplete' ? status.detail : undefined,
    commit: own.location.id,
    codeHash: codeHash?.value ?? (set && recordOf(set)?.codeHash),
    location: (set ?? own).location,
  });
}

function ageOf({ status, record }: Lookup): number | undefined {
  if (status.reason === 'legacy') return status.ageMs;
  return status.reason === 'complete' ? record?.ageMs : undefined;
}

/** @returns the record of a set that is complete */
export function recordOf({ status }: Lookup): CompleteRecord | undefined {
  return status.reason === 'complete' ? status.record : undefined;
}

/** @returns the files of a usable set, from its record or, for a legacy set, from its listing */
export function filesOf(set: Lookup): readonly OutcomeFile[] {
  return recordOf(set)?.files ?? [...set.listing].map(([path, { size }]) => ({ path, size }));
}
