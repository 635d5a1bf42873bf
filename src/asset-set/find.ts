import type { CodeHash } from '../code-hash/code-hash.ts';
import { isArchived, RecordLostError, SetChangedError } from '../errors.ts';
import type { RunContext } from '../run-context.ts';
import { shortId } from '../text.ts';
import { artifactSet, cacheSet, type SetLocation, shortUriOf, uriOf } from './location.ts';
import { isUsable, type Lookup, lookUp, lookUpSettled, waitForSets } from './lookup.ts';
import { amountOf, isCopy } from './record.ts';
import { ageIn, describeOther, type Reason } from './status.ts';

/** How a search ended: with a usable set, or with the status of the commit's own set. */
export interface SearchResult {
  /** The usable set; undefined on a miss. */
  readonly found: Lookup | undefined;
  /** The commit's own set, as it was last seen. */
  readonly own: Lookup;
  /** The status of the used set or, on a miss, of the commit's own; `disabled` if the store was not asked. */
  readonly reason: Reason | 'disabled';
  /** Where the set was found. */
  readonly source: 'artifact' | 'cache';
  /** Undefined if it was not needed or not asked for. */
  readonly codeHash: CodeHash | undefined;
  /** On a miss: a set that would have been a hit if another run had finished it in time. */
  readonly unfinished?: Lookup | undefined;
  /** On a miss: the other sets that were looked up. */
  readonly elsewhere?: readonly Lookup[] | undefined;
  /** On a miss: why the set of the same code that was found could not be copied. */
  readonly copyFault?: 'damaged' | 'archived';
  /** On a hit: the set that was copied to become the commit's own, if any. */
  readonly from?: Lookup | undefined;
  /**
   * On a miss: the status of the commit's own set, if another run began it before a set of the same code could be
   * copied to it.
   */
  readonly lostRace?: string | undefined;
}

interface Search {
  readonly own: Lookup;
  readonly codeHash: CodeHash | undefined;
  /** When to stop waiting for other runs, by the monotonic clock. */
  readonly deadlineMs: number;
  /** Sets that were looked up elsewhere. */
  readonly seen: Lookup[];
}

/**
 * Looks for the commit's own set, then for one of the same code, which it copies to become the commit's own. Waits for
 * sets that other runs are writing, until one deadline for all of them.
 *
 * @returns the result, which may be a miss; a miss is always a definite answer of the store
 */
export async function findSet(run: RunContext, commit: string): Promise<SearchResult> {
  const deadlineMs = run.clock.monotonicMs() + run.waitMs;
  const own = await lookUpSettled(run, artifactSet(run.prefix, commit));
  report(run, own);
  if (isUsable(own, run.legacy)) return hit(own, { own, source: 'artifact', codeHash: undefined });

  const codeHash = await hashSources(run, commit);
  if (isInProgress(own)) return miss({ own, codeHash });
  const search = { own, codeHash, deadlineMs, seen: [] };
  const from = await findElsewhere(run, search);
  if (from === undefined || isInProgress(from)) return miss(search, from);
  return makeOwn(run, search, from);
}

/**
 * The result if everything is to be built: a miss, without asking the store. The upload that follows needs the code
 * hash.
 */
export async function missUnasked(run: RunContext, commit: string): Promise<SearchResult> {
  const codeHash = await hashSources(run, commit);
  run.log.info("Did not look for a set, since access is 'write'.");
  const location = artifactSet(run.prefix, commit);
  const own: Lookup = {
    location,
    status: { reason: 'absent' },
    record: undefined,
    listing: new Map(),
    isPaged: false,
  };
  return { ...miss({ own, codeHash }), reason: 'disabled' };
}

async function hashSources(run: RunContext, commit: string): Promise<CodeHash | undefined> {
  if (run.codeHash === undefined) return undefined;
  const { hashCheckedOut } = await import('../code-hash/checked-out.ts');
  return hashCheckedOut(run, run.codeHash, commit);
}

/**
 * Where else the same build may be, best first: this prefix's cache, then the commit's set and the cache of each
 * fallback prefix.
 */
function candidates(run: RunContext, { own, codeHash }: Search): SetLocation[] {
  const cacheOf = (prefix: string) => (codeHash === undefined ? [] : [cacheSet(prefix, codeHash.value)]);
  const setsOf = (prefix: string) => [artifactSet(prefix, own.location.id), ...cacheOf(prefix)];
  return [...cacheOf(run.prefix), ...run.fallbackPrefixes.flatMap(setsOf)];
}

/**
 * Takes the first set that may be used. If there is none, waits for sets that are being written.
 *
 * @returns the usable set, or one that was still being written when time ran out; undefined if there is neither
 */
async function findElsewhere(run: RunContext, search: Search): Promise<Lookup | undefined> {
  let inProgress: Lookup[] = [];
  for (const location of candidates(run, search)) {
    const from = await lookUp(run, location);
    search.seen.push(from);
    report(run, from);
    if (isOtherCode(run, from, search.codeHash)) continue;
    if (isUsable(from, run.legacy)) return from;
    if (isInProgress(from)) inProgress.push(from);
  }
  while (inProgress.length > 0) {
    const seen = await waitForSets(run, inProgress, search.deadlineMs - run.clock.monotonicMs());
    inProgress = seen.filter(isInProgress);
    // Time ran out.
    if (inProgress.length === seen.length) return inProgress[0];
    for (const settled of seen.filter((from) => !isInProgress(from))) {
      report(run, settled);
      if (isUsable(settled, run.legacy) && !isOtherCode(run, settled, search.codeHash)) return settled;
    }
  }
  return undefined;
}

function isInProgress({ status }: Lookup): boolean {
  return status.reason === 'in-progress';
}

/** A fallback's set of this commit may have been built with other tools or flags, which shows in its code hash. */
function isOtherCode({ store, log }: RunContext, { status, location }: Lookup, wanted: CodeHash | undefined): boolean {
  if (wanted === undefined || (status.reason !== 'complete' && status.reason !== 'in-progress')) return false;
  const { codeHash } = status.record;
  if (codeHash === undefined || codeHash === wanted.value) return false;
  log.info(
    `${shortUriOf(store.bucket, location)} has the code hash ${shortId(codeHash)}, not ${shortId(wanted.value)}: it does not count.`,
  );
  return true;
}

function hit(found: Lookup, rest: Pick<SearchResult, 'own' | 'source' | 'codeHash'>): SearchResult {
  return { ...rest, found, reason: found.status.reason };
}

function miss(
  { own, codeHash, seen }: Pick<Search, 'own' | 'codeHash'> & Partial<Search>,
  unfinished?: Lookup,
): SearchResult {
  const { reason } = own.status;
  return { own, codeHash, unfinished, found: undefined, reason, source: 'artifact', elsewhere: seen };
}

function report(run: RunContext, lookup: Lookup): void {
  const { reason } = lookup.status;
  const line = describe(run, lookup);
  if (reason === 'damaged' || reason === 'archived') run.log.warning(line);
  else run.log.info(line);
}

function describe({ store }: RunContext, { status, location, listing, record }: Lookup): string {
  const where = uriOf(store.bucket, location);
  if (status.reason === 'complete') {
    const age = ageIn(isCopy(status.record) ? 'copied' : 'built', record?.ageMs);
    return `Found ${amountOf(status.record.files)}${age}, at ${where}.`;
  }
  // Nobody needs the full address of a set that is not there.
  const shown = status.reason === 'absent' ? shortUriOf(store.bucket, location) : where;
  return describeOther(status, { where: shown, listing });
}

/** Copies a set found elsewhere to become the commit's own; with `access: read`, uses it where it is. */
async function makeOwn(run: RunContext, search: Search, from: Lookup): Promise<SearchResult> {
  const { own, codeHash } = search;
  const source = from.location.kind;
  const ownUri = uriOf(run.store.bucket, own.location);
  const isCopied = run.access !== 'read';
  if (isCopied && run.dryRun) run.log.info(`Dry run: would copy it to ${ownUri}.`);
  if (!isCopied || run.dryRun) return hit(from, { own, source, codeHash });
  try {
    const { promote } = await import('./promote.ts');
    const record = await promote(run, { own, from });
    run.log.info(`Copied it to ${ownUri}.`);
    const promoted: Lookup = { ...own, status: { reason: 'complete', record } };
    return { own: promoted, source, codeHash, found: promoted, from, reason: from.status.reason };
  } catch (error) {
    if (error instanceof RecordLostError) return afterLostRace(run, search);
    // Some servers don't show in listings that an object is archived.
    if (!(error instanceof SetChangedError) && !isArchived(error)) throw error;
    run.log.warning(`The assets of the same code can't be used: ${error.message}.`);
    return { ...miss(search), copyFault: isArchived(error) ? 'archived' : 'damaged' };
  }
}

/** Another run began the commit's set first, so the result depends on that run. */
async function afterLostRace(run: RunContext, { own, codeHash, deadlineMs, seen }: Search): Promise<SearchResult> {
  const now = await lookUpSettled(run, own.location, deadlineMs - run.clock.monotonicMs());
  report(run, now);
  const result = { own: now, codeHash };
  if (isUsable(now, run.legacy)) return hit(now, { ...result, source: 'artifact' });
  return { ...miss({ ...result, seen }), lostRace: describe(run, now) };
}
