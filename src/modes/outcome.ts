import type { Explanation, Names } from '../asset-set/explanation.ts';
import type { SearchResult } from '../asset-set/find.ts';
import type { SetLocation } from '../asset-set/location.ts';
import type { Lookup } from '../asset-set/lookup.ts';
import { describeUnfinished } from '../asset-set/lookup.ts';
import type { AssetFile, CompleteRecord, Writer } from '../asset-set/record.ts';
import type { Reason } from '../asset-set/status.ts';

/** A file of a set; one of a legacy set is known by its listing alone. */
type OutcomeFile = Pick<AssetFile, 'path' | 'size' | 'sha256'>;

/** What a mode ends with: everything that later steps are told. */
export interface Outcome {
  readonly found: boolean;
  readonly source: 'artifact' | 'cache' | 'none';
  readonly reason: Reason | 'disabled' | 'uploaded' | 'resumed' | 'marker' | 'lost-race' | 'read-only';
  readonly cacheHit: boolean;
  readonly commit: string;
  readonly codeHash: string | undefined;
  readonly builtFromCommit: string | undefined;
  /** The run that uploaded the set, where its record says so. */
  readonly builtBy?: Writer | undefined;
  /** How long ago its record was written, by the server's clock. */
  readonly ageMs?: number | undefined;
  /** How long that build took, where the record says so. */
  readonly buildSeconds?: number | undefined;
  /** Where the set is, or will be. */
  readonly location: SetLocation;
  readonly files: readonly OutcomeFile[];
  readonly uploaded: boolean;
  readonly cached: boolean;
  readonly restored: boolean;
  /** An upload with nothing to do after a hit, of which an earlier step of the job has told. */
  readonly isReported?: true | undefined;
  /** On a miss: why the commit's own set does not count. */
  readonly detail?: string | undefined;
  /** On a miss: which run is still writing what, where that would have done. */
  readonly unfinished?: string | undefined;
  /** On a miss: what became of the commit's own set, where another run began it before one of the same code was copied. */
  readonly lostRace?: string | undefined;
  /** On a miss of a check: why a build is needed. */
  readonly explanation?: Explanation | undefined;
  /** Sources that changed, where its sentence has no room for them; not safe to show. */
  readonly changes?: Names | undefined;
  /** Of a check of several packages: how it ended for each. */
  readonly packages?: readonly PackageOutcome[] | undefined;
}

/** How a check ended for one of several packages. */
export interface PackageOutcome {
  readonly name: string;
  readonly directory: string;
  /** What its sets lie under. */
  readonly prefix: string;
  readonly outcome: Outcome;
}

/** The packages that have to be built; none where the outcome is of one set. */
export function missingPackages({ packages = [] }: Outcome): readonly PackageOutcome[] {
  return packages.filter(({ outcome }) => !outcome.found);
}

/** How a mode ended. */
interface Ending extends Pick<Outcome, 'reason' | 'commit' | 'codeHash' | 'location' | 'detail' | 'lostRace'> {
  /** The set that may be used, if there is one. */
  readonly set: Lookup | undefined;
  readonly source?: 'artifact' | 'cache';
  readonly cached?: boolean;
  /** What was brought back of the set. */
  readonly restored?: RestoredFiles | undefined;
  /** A set that would have done, had another run finished it in time. */
  readonly unfinished?: Lookup | undefined;
  /** The set that was copied to make this one, if it was. */
  readonly from?: Lookup | undefined;
}

/** What a restore brought back of which set. */
export interface RestoredFiles {
  readonly set: Lookup;
  readonly files: readonly OutcomeFile[];
  /** False where the patterns choose none of its files. */
  readonly isRestored: boolean;
}

/** Makes the outcome of every mode. */
export function outcomeOf(ending: Ending): Outcome {
  const { set, source = 'artifact', reason, restored, unfinished, from = set } = ending;
  const built = from && recordOf(from);
  const record = set && recordOf(set);
  return {
    found: set !== undefined,
    source: set === undefined ? 'none' : source,
    reason,
    cacheHit: set !== undefined && source === 'cache',
    commit: ending.commit,
    codeHash: ending.codeHash,
    builtFromCommit: record?.origin.kind === 'cache' ? record.origin.commit : record?.commit,
    // Of a copy that was made just now: the age of what was copied.
    ageMs: built && from?.record?.ageMs,
    buildSeconds: record?.buildSeconds,
    location: ending.location,
    files: restored?.files ?? (set === undefined ? [] : filesOf(set)),
    uploaded: reason === 'uploaded' || reason === 'resumed',
    cached: ending.cached ?? false,
    restored: restored?.isRestored ?? false,
    detail: set === undefined ? ending.detail : undefined,
    unfinished: unfinished && describeUnfinished(unfinished),
    lostRace: ending.lostRace,
    // A copy's writer is who copied.
    builtBy: built?.origin.kind === 'upload' ? built.writer : undefined,
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

/** The record of a set that has one and is complete. */
export function recordOf({ status }: Lookup): CompleteRecord | undefined {
  return status.reason === 'complete' ? status.record : undefined;
}

/** The files of a usable set: the record's, or what a legacy set's listing shows. */
export function filesOf(set: Lookup): readonly OutcomeFile[] {
  return recordOf(set)?.files ?? [...set.listing].map(([path, { size }]) => ({ path, size }));
}
