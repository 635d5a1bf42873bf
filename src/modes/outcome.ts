import type { SearchResult } from '../asset-set/find.ts';
import type { SetLocation } from '../asset-set/location.ts';
import type { Finding } from '../asset-set/lookup.ts';
import { type AssetFile, type CompleteRecord, describeWriter } from '../asset-set/record.ts';
import type { Reason } from '../asset-set/status.ts';

/** A file of a set; one of a legacy set is known by its listing alone. */
type OutcomeFile = Pick<AssetFile, 'path' | 'size' | 'sha256'>;

export type UploadReason = 'uploaded' | 'resumed' | 'marker' | 'lost-race';

/** What a mode ends with: everything that later steps are told. */
export interface Outcome {
  readonly found: boolean;
  readonly source: 'artifact' | 'cache' | 'none';
  readonly reason: Reason | UploadReason;
  readonly cacheHit: boolean;
  readonly commit: string;
  readonly codeHash: string | undefined;
  readonly builtFromCommit: string | undefined;
  /** Where the set is, or will be. */
  readonly location: SetLocation;
  readonly files: readonly OutcomeFile[];
  readonly uploaded: boolean;
  readonly cached: boolean;
  readonly restored: boolean;
  /** On a miss: which run is still writing what, where that would have done. */
  readonly unfinished?: string | undefined;
}

/** The commit whose build a recorded set holds. */
export function builtFrom(record: CompleteRecord): string | undefined {
  return record.origin.kind === 'cache' ? record.origin.commit : record.commit;
}

/** The record of a set that has one and is complete. */
export function recordOf({ verdict }: Finding): CompleteRecord | undefined {
  return verdict.reason === 'complete' ? verdict.record : undefined;
}

/** The files of a usable set: the record's, or what a legacy set's listing shows. */
export function filesOf(finding: Finding): readonly OutcomeFile[] {
  return recordOf(finding)?.files ?? [...finding.listing].map(([path, { size }]) => ({ path, size }));
}

/** What a search tells later steps. */
export function outcomeOfSearch({ found, own, reason, source, codeHash, unfinished }: SearchResult): Outcome {
  const record = found && recordOf(found);
  return {
    found: found !== undefined,
    source: found === undefined ? 'none' : source,
    reason,
    cacheHit: found !== undefined && source === 'cache',
    commit: own.location.id,
    codeHash: codeHash?.value ?? record?.codeHash,
    builtFromCommit: record && builtFrom(record),
    location: (found ?? own).location,
    files: found === undefined ? [] : filesOf(found),
    uploaded: false,
    cached: false,
    restored: false,
    unfinished: unfinished && describeUnfinished(unfinished),
  };
}

function describeUnfinished({ verdict, location }: Finding): string | undefined {
  if (verdict.reason !== 'in-progress') return undefined;
  return `${describeWriter(verdict.record.writer)} is still writing ${location.prefix}`;
}
