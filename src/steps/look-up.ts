import type { SetLocation } from '../core/keys.ts';
import type { Listing } from '../core/listing.ts';
import {
  type AssetRecord,
  type CompleteRecord,
  describeWriter,
  type FoundRecord,
  type UploadingRecord,
} from '../core/record.ts';
import { disagreements, leaseIsLive, type Reader, type Verdict } from '../core/verdict.ts';
import { waitForAll } from '../core/wait-for-all.ts';
import { StoreError } from '../errors.ts';
import type { Clock, ListedObject, ObjectStore } from '../ports.ts';
import { listed, type Pages, type ReadRecord, readRecord } from './read-set.ts';

/** The store's clock is read to whole seconds, twice. */
const CLOCK_GRAIN_MS = 2000;

/** What was read of a set, and what follows from it. */
export interface Finding {
  readonly location: SetLocation;
  readonly verdict: Verdict;
  /** The record that the next writer takes over. */
  readonly record: FoundRecord | undefined;
  readonly listing: Listing;
  /** Whether the listing came in several replies, so that it may show what never was there together. */
  readonly isPaged: boolean;
}

/** Whether a set may be used: complete, or legacy where that is trusted. */
export function isUsable({ verdict }: Finding, legacy: 'trust' | 'ignore'): boolean {
  return verdict.reason === 'complete' || (verdict.reason === 'legacy' && legacy === 'trust');
}

/** Whether a set was, or may have been, complete at some time before now. One whose record was deleted may have been. */
export function wasSealed({ record: found, verdict }: Pick<Finding, 'record' | 'verdict'>): boolean {
  if (found === undefined) return verdict.reason === 'incomplete';
  return found.record?.state === 'uploading' ? found.record.sealedBefore === true : true;
}

export interface LookUp {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly reader: Reader;
}

/**
 * Decides whether a stored set may be used: two requests, sent in parallel, where its record is some seconds old and
 * agrees with a listing of one page.
 *
 * @returns the verdict with what it rests on; a miss is a verdict, not an error
 * @throws StoreError for anything but a definite answer of the store
 */
export async function lookUp(context: LookUp, location: SetLocation): Promise<Finding> {
  const finding = await lookUpReadable(context, location);
  if (!finding.isPaged) return finding;
  const { lookUpStill } = await import('./look-up-still.ts');
  return lookUpStill(context.store, finding, () => lookUpReadable(context, location));
}

/** A record may be archived as well: that nothing can read it is an answer, and the next upload can replace it. */
async function lookUpReadable(context: LookUp, location: SetLocation): Promise<Finding> {
  try {
    return await lookUpOnce(context, location);
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'archived') throw error;
    const { store } = context;
    const record = await store.head(location.recordKey);
    const found = await listed(location, store.list(location.prefix));
    return { location, record, ...found, verdict: { reason: 'archived', name: location.recordKey } };
  }
}

async function lookUpOnce(context: LookUp, location: SetLocation): Promise<Finding> {
  const { store, clock } = context;
  const askedAtMs = clock.monotonicMs();
  const read = readRecord(store, location).then((record) => ({ record, elapsedMs: clock.monotonicMs() - askedAtMs }));
  const later = store.list(location.prefix)[Symbol.asyncIterator]();
  const [{ record, elapsedMs }, first] = await waitForAll([read, later.next()]);
  const pages = allOf(first, later);
  if (record === undefined) {
    const found = { location, record, ...(await listed(location, pages)) };
    if (found.listing.size === 0) return { ...found, verdict: { reason: 'absent' } };
    const { lookUpUnrecorded } = await import('./look-up-unrecorded.ts');
    return lookUpUnrecorded(store, found, (recorded) => judge(context, recorded));
  }
  // A listing that began before a record was sealed says nothing about the sealed set, even where the two agree.
  const mayPrecedeRecord = record.record.state === 'complete' && record.ageMs <= elapsedMs + CLOCK_GRAIN_MS;
  const counted = mayPrecedeRecord ? store.list(location.prefix) : pages;
  return judge(context, { location, record, pages: counted });
}

type Page = readonly ListedObject[];

async function* allOf(first: IteratorResult<Page, unknown>, later: AsyncIterator<Page, unknown>): AsyncGenerator<Page> {
  for (let page = first; !page.done; page = await later.next()) yield page.value;
}

/** What was read of a set that has a record. */
export interface RecordedSet {
  readonly location: SetLocation;
  readonly record: ReadRecord;
  readonly pages: Pages;
}

async function judge(context: LookUp, recorded: RecordedSet): Promise<Finding> {
  const { record, distrust } = recorded.record;
  const isComplete = record.state === 'complete';
  const detail = (isComplete ? distrust : undefined) ?? misplacement(record, recorded.location);
  if (detail !== undefined) return withVerdict(recorded, { reason: 'incomplete', detail });
  if (!isComplete) return withVerdict(recorded, verdictOnUnfinished(context, recorded.record, record));
  return judgeComplete(context, recorded, record);
}

/** Why a record does not count where it lies: it was copied there from another commit, or another code hash. */
function misplacement({ commit, codeHash }: AssetRecord, { kind, id }: SetLocation): string | undefined {
  if (kind === 'artifact') return commit === id ? undefined : `its record is of the commit ${commit}`;
  return codeHash === id
    ? undefined
    : `its record is of ${codeHash === undefined ? 'no code hash' : `the code hash ${codeHash}`}`;
}

async function withVerdict({ location, record, pages }: RecordedSet, verdict: Verdict): Promise<Finding> {
  return { location, record, ...(await listed(location, pages)), verdict };
}

async function judgeComplete(
  { store }: LookUp,
  { location, record: read, pages }: RecordedSet,
  record: CompleteRecord,
): Promise<Finding> {
  const { isPaged, listing } = await listed(location, pages);
  const suspected = disagreements(record, listing);
  const found = { location, record: read, isPaged, listing };
  if (suspected.length > 0) {
    const { confirmDisagreements } = await import('./confirm-disagreements.ts');
    const [disagreement] = await confirmDisagreements(store, location, suspected);
    if (disagreement !== undefined) return { ...found, verdict: { reason: 'damaged', record, disagreement } };
  }
  const name = await archivedIn(store, { location, listing, files: record.files });
  return { ...found, verdict: name === undefined ? { reason: 'complete', record } : { reason: 'archived', name } };
}

/** @returns an asset that can't be read, where the listing shows one or may hide one */
async function archivedIn(
  store: ObjectStore,
  { location, listing, files }: { location: SetLocation; listing: Listing; files: CompleteRecord['files'] },
): Promise<string | undefined> {
  if (!listing.values().some(({ tier }) => tier !== undefined)) return undefined;
  const { findArchived } = await import('./find-archived.ts');
  return findArchived(store, { location, listing, paths: files.map(({ path }) => path) });
}

function verdictOnUnfinished({ reader }: LookUp, { ageMs }: ReadRecord, record: UploadingRecord): Verdict {
  return leaseIsLive({ record, ageMs }, reader) ? { reason: 'in-progress', record } : unfinished(record);
}

/** What follows of a record that nobody is working on any more. */
export function unfinished({ writer }: UploadingRecord): Verdict {
  return { reason: 'incomplete', detail: `its upload by ${describeWriter(writer)} was begun and not finished` };
}
