import type { CodeHash } from '../core/code-hash-request.ts';
import { artifactSet, cacheSet, type SetLocation, uriOf } from '../core/keys.ts';
import type { Ports } from '../ports.ts';
import { type Finding, isUsable, lookUp } from './look-up.ts';
import { lookUpSettled } from './look-up-settled.ts';
import { hit, miss, type SearchResult, type SetSearch, tell } from './set-search.ts';

/**
 * Looks for the commit's own set, then for one of the same code, which it makes the commit's own. Sets that another run
 * is writing are waited for, all within the same time.
 *
 * @returns the result; a miss is one too, and only ever a definite answer of the store
 */
export async function findSet(search: SetSearch, ports: Ports, commit: string): Promise<SearchResult> {
  const deadlineMs = ports.clock.monotonicMs() + search.waitMs;
  const context = { ...ports, reader: search.writer };
  const own = await lookUpSettled(context, artifactSet(search.prefix, commit), search.waitMs);
  await tell(ports, own);
  if (isUsable(own, search.legacy)) return hit(own, { own, source: 'artifact', codeHash: undefined });

  const codeHash = await hashSources(search, ports, commit);
  if (own.verdict.reason === 'in-progress') return miss(own, codeHash);
  const locations = candidates(search, commit, codeHash);
  const from = await findElsewhere(search, ports, { locations, codeHash, deadlineMs });
  if (from === undefined || isInProgress(from)) return miss(own, codeHash, from);
  const { adopt } = await import('./adopt-set.ts');
  return adopt(search, ports, { own, from, codeHash, deadlineMs });
}

async function hashSources(search: SetSearch, ports: Ports, commit: string): Promise<CodeHash | undefined> {
  if (search.codeHash === undefined) return undefined;
  const { hashCheckedOut } = await import('./hash-checked-out.ts');
  return hashCheckedOut(search.codeHash, ports, commit);
}

/** Where else the same build may be: the own cache, then each fallback's commit and cache. */
function candidates(search: SetSearch, commit: string, codeHash: CodeHash | undefined): SetLocation[] {
  const cacheOf = (prefix: string) => (codeHash === undefined ? [] : [cacheSet(prefix, codeHash.value)]);
  const fallbacks = search.fallbackPrefixes.flatMap((prefix) => [artifactSet(prefix, commit), ...cacheOf(prefix)]);
  return [...cacheOf(search.prefix), ...fallbacks];
}

interface Candidates {
  /** The best first. */
  readonly locations: readonly SetLocation[];
  readonly codeHash: CodeHash | undefined;
  /** By the monotonic clock. */
  readonly deadlineMs: number;
}

/**
 * Takes the first set that may be used. Where there is none, sets that are being written are waited for.
 *
 * @returns the usable set, or one that was still being written when the time was up
 */
async function findElsewhere(
  search: SetSearch,
  ports: Ports,
  { locations, codeHash, deadlineMs }: Candidates,
): Promise<Finding | undefined> {
  const context = { ...ports, reader: search.writer };
  let inProgress: Finding[] = [];
  for (const location of locations) {
    const from = await lookUp(context, location);
    await tell(ports, from);
    if (isOtherCode(from, codeHash, ports)) continue;
    if (isUsable(from, search.legacy)) return from;
    if (isInProgress(from)) inProgress.push(from);
  }
  while (inProgress.length > 0) {
    const { waitForSets } = await import('./wait-for-set.ts');
    const seen = await waitForSets(context, inProgress, deadlineMs - ports.clock.monotonicMs());
    inProgress = seen.filter(isInProgress);
    // The time is up.
    if (inProgress.length === seen.length) return inProgress[0];
    for (const settled of seen.filter((from) => !isInProgress(from))) {
      await tell(ports, settled);
      if (isUsable(settled, search.legacy) && !isOtherCode(settled, codeHash, ports)) return settled;
    }
  }
  return undefined;
}

function isInProgress({ verdict }: Finding): boolean {
  return verdict.reason === 'in-progress';
}

/** A fallback's set of this very commit may be of other tools or flags, which its code hash tells. */
function isOtherCode({ verdict, location }: Finding, wanted: CodeHash | undefined, { store, log }: Ports): boolean {
  if (wanted === undefined || (verdict.reason !== 'complete' && verdict.reason !== 'in-progress')) return false;
  const { codeHash } = verdict.record;
  if (codeHash === undefined || codeHash === wanted.value) return false;
  log.info(`${uriOf(store.bucket, location)} has the code hash ${codeHash}, not ${wanted.value}: it does not count.`);
  return true;
}
