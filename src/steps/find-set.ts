import type { CodeHash } from '../core/code-hash-request.ts';
import { artifactSet, cacheSet, type SetLocation } from '../core/keys.ts';
import type { Ports } from '../ports.ts';
import { isUsable, lookUp } from './look-up.ts';
import { lookUpSettled } from './look-up-settled.ts';
import { hit, miss, type SearchResult, type SetSearch, tell } from './set-search.ts';

/**
 * Looks for the commit's own set, then for one of the same code, which it makes the commit's own.
 *
 * @returns the result; a miss is one too, and only ever a definite answer of the store
 */
export async function findSet(search: SetSearch, ports: Ports, commit: string): Promise<SearchResult> {
  const context = { ...ports, reader: search.writer };
  const own = await lookUpSettled(context, artifactSet(search.prefix, commit), search.waitMs);
  await tell(ports, own);
  if (isUsable(own, search.legacy)) return hit(own, { own, source: 'artifact', codeHash: undefined });

  const codeHash = await hashSources(search, ports, commit);
  if (own.verdict.reason === 'in-progress') return miss(own, codeHash);
  for (const candidate of candidates(search, commit, codeHash)) {
    const from = await lookUp(context, candidate);
    await tell(ports, from);
    if (!isUsable(from, search.legacy)) continue;
    const { adopt } = await import('./adopt-set.ts');
    return adopt(search, ports, { own, from, codeHash });
  }
  return miss(own, codeHash);
}

async function hashSources(search: SetSearch, ports: Ports, commit: string): Promise<CodeHash | undefined> {
  if (search.codeHash === undefined) return undefined;
  const { hashCheckedOut } = await import('./hash-checked-out.ts');
  return hashCheckedOut(search.codeHash, ports, { commit, asked: search.commit });
}

/** Where else the same build may be: the own cache, then each fallback's commit and cache. */
function candidates(search: SetSearch, commit: string, codeHash: CodeHash | undefined): SetLocation[] {
  const cacheOf = (prefix: string) => (codeHash === undefined ? [] : [cacheSet(prefix, codeHash.value)]);
  const fallbacks = search.fallbackPrefixes.flatMap((prefix) => [artifactSet(prefix, commit), ...cacheOf(prefix)]);
  return [...cacheOf(search.prefix), ...fallbacks];
}
