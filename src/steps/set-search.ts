import type { CodeHash, CodeHashRequest } from '../core/code-hash-request.ts';
import type { Concurrency } from '../core/concurrency.ts';
import { counted } from '../core/counted.ts';
import { uriOf } from '../core/keys.ts';
import type { Writer } from '../core/record.ts';
import type { Reason } from '../core/verdict.ts';
import type { Ports } from '../ports.ts';
import type { Finding } from './look-up.ts';
import type { CommitRequest } from './resolve-commit.ts';

/** Which set is looked for, and what may be done to make it the commit's own. */
export interface SetSearch {
  readonly commit: CommitRequest;
  /** Undefined: no caching. */
  readonly codeHash: CodeHashRequest | undefined;
  readonly prefix: string;
  readonly fallbackPrefixes: readonly string[];
  readonly legacy: 'trust' | 'ignore';
  readonly promote: boolean;
  readonly dryRun: boolean;
  readonly waitMs: number;
  readonly concurrency: Concurrency;
  readonly writer: Omit<Writer, 'nonce' | 'sequence'>;
}

/** How a search ended: what may be used, or what the commit's own set is like instead. */
export interface SearchResult {
  /** The usable set; undefined is a miss. */
  readonly found: Finding | undefined;
  /** The commit's own set, as it was last seen. */
  readonly own: Finding;
  /** On a hit the used set's, on a miss the commit's. */
  readonly reason: Reason;
  /** Where the set was found. */
  readonly source: 'artifact' | 'cache';
  /** Undefined where it was not needed, or is not wanted. */
  readonly codeHash: CodeHash | undefined;
  /** On a miss: a set that would do, had another run finished it in time. */
  readonly unfinished?: Finding | undefined;
}

export function hit(found: Finding, rest: Pick<SearchResult, 'own' | 'source' | 'codeHash'>): SearchResult {
  return { ...rest, found, reason: found.verdict.reason };
}

export function miss(own: Finding, codeHash: CodeHash | undefined, unfinished?: Finding): SearchResult {
  return { own, codeHash, unfinished, found: undefined, reason: own.verdict.reason, source: 'artifact' };
}

/** Says in the log what was found. */
export async function tell({ store, log }: Pick<Ports, 'store' | 'log'>, finding: Finding): Promise<void> {
  const { verdict, location } = finding;
  const where = uriOf(store.bucket, location);
  if (verdict.reason === 'complete')
    return log.info(`Found ${counted(verdict.record.files.length, 'asset')} at ${where}.`);
  const { describeOther } = await import('./describe-other.ts');
  const line = describeOther(verdict, { where, count: finding.listing.size });
  if (verdict.reason === 'damaged' || verdict.reason === 'archived') log.warning(line);
  else log.info(line);
}
