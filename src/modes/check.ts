import type { RestoreSelection } from '../asset-set/download.ts';
import { findSet, missUnasked } from '../asset-set/find.ts';
import { handedCodeHash, handOver, handOverSources, leaveRecord } from '../asset-set/handover.ts';
import { resolveCommit } from '../asset-set/location.ts';
import type { RunContext } from '../run-context.ts';
import { type Outcome, outcomeOfSearch } from './outcome.ts';

export interface CheckOptions {
  /** On a hit, restore these assets too. */
  readonly restore?: RestoreSelection | undefined;
  /** Whether the step checks several packages. One build may then follow another, so this check does not time one. */
  readonly isOneOfMany?: boolean;
}

/**
 * Answers "must I build?", and leaves the answer beside the assets: `.found` lets the upload skip its work.
 *
 * @returns the outcome, which may be a miss; a miss is always a definite answer of the store
 */
export async function check(run: RunContext, options: CheckOptions): Promise<Outcome> {
  const markers = run.dryRun ? undefined : run.packages;
  await markers?.create();
  for (const stale of ['.found', '.code-hash', '.code-sources', '.record.json', '.sha256sums'] as const)
    await markers?.removeMarker(stale);
  const commit = await resolveCommit(run.commit, run.sources);
  await markers?.writeMarker('.commit-hash', commit);

  const result = run.access === 'write' ? await missUnasked(run, commit) : await findSet(run, commit);
  const { found } = result;
  const restored =
    found && options.restore && (await (await import('./restore.ts')).restoreFound(run, found, options.restore));
  const explained =
    found === undefined && run.explain && run.access !== 'write'
      ? await (await import('./explain.ts')).explainMiss(run, result)
      : undefined;
  const outcome = { ...outcomeOfSearch(result, restored), ...explained };

  const set = restored?.set ?? found;
  if (outcome.codeHash !== undefined) await markers?.writeMarker('.code-hash', outcome.codeHash);
  if (set !== undefined) await leaveRecord(run, set);
  if (markers !== undefined)
    await handOver(run, result.own.location, {
      found: set?.location,
      codeHash: run.codeHash && handedCodeHash(run.codeHash, result.codeHash?.value),
      isTimed: options.isOneOfMany !== true,
    });
  if (outcome.found) await markers?.writeMarker('.found', '');
  else if (markers !== undefined) await handOverSources(run, result.codeHash);
  if (outcome.unfinished !== undefined)
    run.log.info(`${outcome.unfinished}: a greater wait-timeout-seconds would wait for it.`);
  return outcome;
}
