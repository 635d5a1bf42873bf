import type { CodeHash, CodeHashRequest } from '../core/code-hash-request.ts';
import { counted } from '../core/counted.ts';
import { artifactSet, cacheSet, type SetLocation } from '../core/keys.ts';
import type { Writer } from '../core/record.ts';
import type { Reason } from '../core/verdict.ts';
import { InputError, RecordLostError, SetChangedError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { describeFinding } from './describe-finding.ts';
import { computeCodeHash } from './find-code-hash.ts';
import { type Finding, isUsable, lookUp } from './look-up.ts';
import { promote } from './promote.ts';
import { assertCheckedOut, type CommitRequest } from './resolve-commit.ts';
import { lookUpSettled } from './wait-for-set.ts';

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
  readonly concurrency: number;
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
}

/**
 * Looks for the commit's own set, then for one of the same code, which it makes the commit's own.
 *
 * @returns the result; a miss is one too, and only ever a definite answer of the store
 */
export async function findSet(search: SetSearch, ports: Ports, commit: string): Promise<SearchResult> {
  const context = { ...ports, reader: search.writer };
  const own = await lookUpSettled(context, artifactSet(search.prefix, commit), search.waitMs);
  tell(ports, own);
  if (isUsable(own, search.legacy)) return hit(own, { own, source: 'artifact', codeHash: undefined });

  const codeHash = await findCodeHash(search, ports, commit);
  if (own.verdict.reason === 'in-progress') return miss(own, codeHash);
  for (const candidate of candidates(search, commit, codeHash)) {
    const from = await lookUp(context, candidate);
    tell(ports, from);
    if (isUsable(from, search.legacy)) return adopt(search, ports, { own, from, codeHash });
  }
  return miss(own, codeHash);
}

async function findCodeHash(search: SetSearch, ports: Ports, commit: string): Promise<CodeHash | undefined> {
  if (search.codeHash === undefined) return undefined;
  if (search.codeHash.kind === 'computed') {
    await assertCheckedOut(commit, search.commit, ports);
    if ((await ports.sources.head()) === undefined)
      throw new InputError(
        'code-hash-filter needs a git repository at repository-path: check it out before this step, or give a code-hash',
      );
  }
  const codeHash = await computeCodeHash(search.codeHash, ports.sources);
  ports.log.info(`The code hash is ${codeHash.value}.`);
  return codeHash;
}

/** Where else the same build may be: the own cache, then each fallback's commit and cache. */
function candidates(search: SetSearch, commit: string, codeHash: CodeHash | undefined): SetLocation[] {
  const cacheOf = (prefix: string) => (codeHash === undefined ? [] : [cacheSet(prefix, codeHash.value)]);
  const fallbacks = search.fallbackPrefixes.flatMap((prefix) => [artifactSet(prefix, commit), ...cacheOf(prefix)]);
  return [...cacheOf(search.prefix), ...fallbacks];
}

interface Adoption {
  readonly own: Finding;
  readonly from: Finding;
  readonly codeHash: CodeHash | undefined;
}

/** Makes a set found elsewhere the commit's own; with `promote: false` it is used where it is. */
async function adopt(search: SetSearch, ports: Ports, { own, from, codeHash }: Adoption): Promise<SearchResult> {
  const source = from.location.kind;
  if (!search.promote || search.dryRun) return hit(from, { own, source, codeHash });
  try {
    const { writer, concurrency } = search;
    const record = await promote(ports, { own, from, codeHash, writer, concurrency });
    ports.log.info(
      `Copied ${counted(record.files.length, 'asset')} from ${from.location.prefix} to the commit's own set.`,
    );
    const promoted: Finding = { ...own, verdict: { reason: 'complete', record } };
    return { ...hit(promoted, { own: promoted, source, codeHash }), reason: from.verdict.reason };
  } catch (error) {
    if (error instanceof RecordLostError) return afterLostRace(search, ports, { own, from, codeHash });
    if (!(error instanceof SetChangedError)) throw error;
    ports.log.warning(`The assets of the same code can't be used: ${error.message}.`);
    return miss(own, codeHash);
  }
}

/** Another run is making the same set: what counts is how that ends. */
async function afterLostRace(search: SetSearch, ports: Ports, { own, codeHash }: Adoption): Promise<SearchResult> {
  const now = await lookUpSettled({ ...ports, reader: search.writer }, own.location, search.waitMs);
  tell(ports, now);
  return isUsable(now, search.legacy) ? hit(now, { own: now, source: 'artifact', codeHash }) : miss(now, codeHash);
}

function hit(found: Finding, rest: Pick<SearchResult, 'own' | 'source' | 'codeHash'>): SearchResult {
  return { ...rest, found, reason: found.verdict.reason };
}

function miss(own: Finding, codeHash: CodeHash | undefined): SearchResult {
  return { own, codeHash, found: undefined, reason: own.verdict.reason, source: 'artifact' };
}

function tell({ store, log }: Pick<Ports, 'store' | 'log'>, finding: Finding): void {
  const line = describeFinding(finding, store.bucket);
  if (finding.verdict.reason === 'damaged') log.warning(line);
  else log.info(line);
}
