import type { Concurrency } from '../async.ts';
import type { CodeHash, CodeHashRequest } from '../code-hash/code-hash.ts';
import { RecordLostError, SetChangedError, StoreError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { counted } from '../text.ts';
import type { CommitRequest } from './commit.ts';
import { artifactSet, cacheSet, type SetLocation, uriOf } from './location.ts';
import { type Finding, isUsable, lookUp } from './lookup.ts';
import type { Writer } from './record.ts';
import { describeOther, type Reason } from './status.ts';
import { lookUpSettled, waitForSets } from './wait.ts';

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

  return adopt(search, ports, { own, from, codeHash, deadlineMs });
}

async function hashSources(search: SetSearch, ports: Ports, commit: string): Promise<CodeHash | undefined> {
  if (search.codeHash === undefined) return undefined;
  const { hashCheckedOut } = await import('../code-hash/checked-out.ts');
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

function hit(found: Finding, rest: Pick<SearchResult, 'own' | 'source' | 'codeHash'>): SearchResult {
  return { ...rest, found, reason: found.verdict.reason };
}

function miss(own: Finding, codeHash: CodeHash | undefined, unfinished?: Finding): SearchResult {
  return { own, codeHash, unfinished, found: undefined, reason: own.verdict.reason, source: 'artifact' };
}

/** Says in the log what was found. */
async function tell({ store, log }: Pick<Ports, 'store' | 'log'>, finding: Finding): Promise<void> {
  const { verdict, location } = finding;
  const where = uriOf(store.bucket, location);
  if (verdict.reason === 'complete')
    return log.info(`Found ${counted(verdict.record.files.length, 'asset')} at ${where}.`);

  const line = describeOther(verdict, { where, count: finding.listing.size });
  if (verdict.reason === 'damaged' || verdict.reason === 'archived') log.warning(line);
  else log.info(line);
}

interface Adoption {
  readonly own: Finding;
  readonly from: Finding;
  readonly codeHash: CodeHash | undefined;
  /** When the search stops waiting for others, by the monotonic clock. */
  readonly deadlineMs: number;
}

/** Makes a set found elsewhere the commit's own; with `promote: false` it is used where it is. */
async function adopt(search: SetSearch, ports: Ports, adoption: Adoption): Promise<SearchResult> {
  const { own, from, codeHash } = adoption;
  const source = from.location.kind;
  const ownUri = uriOf(ports.store.bucket, own.location);
  if (search.promote && search.dryRun) ports.log.info(`Dry run: would copy it to ${ownUri}.`);
  if (!search.promote || search.dryRun) return hit(from, { own, source, codeHash });
  try {
    const { promote } = await import('./promote.ts');
    const { writer, concurrency } = search;
    const record = await promote(ports, { own, from, writer, concurrency });
    ports.log.info(`Copied ${counted(record.files.length, 'asset')} to ${ownUri}.`);
    const promoted: Finding = { ...own, verdict: { reason: 'complete', record } };
    return { ...hit(promoted, { own: promoted, source, codeHash }), reason: from.verdict.reason };
  } catch (error) {
    if (error instanceof RecordLostError) return afterLostRace(search, ports, adoption);
    if (!(error instanceof SetChangedError) && !isArchived(error)) throw error;
    ports.log.warning(`The assets of the same code can't be used: ${error.message}.`);
    return miss(own, codeHash);
  }
}

/** Not every server lists what it has archived. */
function isArchived(error: unknown): error is StoreError {
  return error instanceof StoreError && error.kind === 'archived';
}

/** Another run is making the same set: what counts is how that ends. */
async function afterLostRace(
  search: SetSearch,
  ports: Ports,
  { own, codeHash, deadlineMs }: Adoption,
): Promise<SearchResult> {
  const waitMs = deadlineMs - ports.clock.monotonicMs();
  const now = await lookUpSettled({ ...ports, reader: search.writer }, own.location, waitMs);
  await tell(ports, now);
  return isUsable(now, search.legacy) ? hit(now, { own: now, source: 'artifact', codeHash }) : miss(now, codeHash);
}
