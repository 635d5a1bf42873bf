import { resolveCommit } from '../asset-set/commit.ts';
import { findSet, type SearchResult, type SetSearch } from '../asset-set/find.ts';
import { handedCodeHash, handOver } from '../asset-set/handover.ts';
import { artifactSet } from '../asset-set/location.ts';
import { recordText } from '../asset-set/record.ts';
import type { Ports } from '../ports.ts';
import { type Outcome, outcomeOfSearch, recordOf } from './outcome.ts';
import type { RestoreSelection } from './restore.ts';

/** `restore`: on a hit, bring the assets back too. */
export type CheckRequest = SetSearch & { readonly restore?: RestoreSelection | undefined };

/**
 * Answers "must I build?", and leaves the answer beside the assets: `.found` lets the upload skip its work.
 *
 * @returns the outcome; a miss is an outcome, and only ever a definite answer of the store
 */
export async function check(request: CheckRequest, ports: Ports): Promise<Outcome> {
  const markers = request.dryRun ? undefined : ports.packages;
  await markers?.create();
  for (const stale of ['.found', '.code-hash', '.record.json'] as const) await markers?.removeMarker(stale);
  const commit = await resolveCommit(request.commit, ports.sources);
  await markers?.writeMarker('.commit-hash', commit);

  const { outcome, found, codeHash } = await findAndRestore(request, ports, commit);
  const record = found && recordOf(found);
  if (outcome.codeHash !== undefined) await markers?.writeMarker('.code-hash', outcome.codeHash);
  if (record !== undefined) await markers?.writeMarker('.record.json', recordText(record));
  if (markers !== undefined)
    await handOver(ports, artifactSet(request.prefix, commit), {
      found: outcome.found ? outcome.location : undefined,
      codeHash: request.codeHash && handedCodeHash(request.codeHash, codeHash?.value),
    });
  if (outcome.found) await markers?.writeMarker('.found', '');
  if (outcome.unfinished !== undefined)
    ports.log.info(`${outcome.unfinished}: a greater wait-timeout-seconds would wait for it.`);
  return outcome;
}

async function findAndRestore(
  request: CheckRequest,
  ports: Ports,
  commit: string,
): Promise<Pick<SearchResult, 'found' | 'codeHash'> & { outcome: Outcome }> {
  const result = await findSet(request, ports, commit);
  const outcome = outcomeOfSearch(result);
  if (result.found === undefined || request.restore === undefined) return { ...result, outcome };
  const { bringBack, tellDryRun } = await import('./restore.ts');
  if (request.dryRun) {
    tellDryRun(ports, result.found, request.restore);
    return { ...result, outcome };
  }
  const { found, ...restored } = await bringBack(request, ports, { set: result.found, selection: request.restore });
  return { outcome: { ...outcome, ...restored }, found, codeHash: result.codeHash };
}
