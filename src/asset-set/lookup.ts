import { waitForAll } from '../async.ts';
import { isArchived, SetChangedError, UserError } from '../errors.ts';
import type { AssetAttributes, ListedObject, ObjectStore, StoredDocument } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { commitOf, isRecorded } from './attributes.ts';
import type { SetLocation } from './location.ts';
import {
  type AssetRecord,
  describeWriter,
  type FoundRecord,
  parseRecord,
  parseUnsigned,
  type UploadingRecord,
} from './record.ts';
import {
  findArchived,
  type Listed,
  type Listing,
  leaseIsLive,
  listed,
  misplacement,
  type Pages,
  type SetStatus,
  statusOfComplete,
  unfinished,
} from './status.ts';

/** `Date` and `Last-Modified` both have a resolution of one second. */
const CLOCK_GRAIN_MS = 2000;

/** A set as a lookup read it, and the status that follows. */
export interface Lookup {
  readonly location: SetLocation;
  readonly status: SetStatus;
  /** The record that the next writer takes over. */
  readonly record: FoundRecord | undefined;
  readonly listing: Listing;
  /** Whether the listing came in several pages, which may show objects that were never there together. */
  readonly isPaged: boolean;
}

/** Whether a set may be used: complete, or legacy if that is trusted. */
export function isUsable({ status }: Lookup, legacy: 'trust' | 'ignore'): boolean {
  return status.reason === 'complete' || (status.reason === 'legacy' && legacy === 'trust');
}

/** Whether a set is, or may once have been, complete. One whose record was deleted may have been. */
export function wasSealed({ record: found, status }: Pick<Lookup, 'record' | 'status'>): boolean {
  if (found === undefined) return status.reason === 'incomplete';
  return found.record?.state === 'uploading' ? found.record.sealedBefore === true : true;
}

const MOST_ROUNDS = 3;

/**
 * Decides whether a stored set may be used. This takes two parallel requests if the record is some seconds old and
 * agrees with a listing of one page.
 *
 * A listing in several pages can agree with a record although the set never did: its first page shows objects before
 * another run replaced them, its last page objects after. And a set looks damaged if another run began to replace it
 * between record and listing. No run of this action replaces anything while the record stays the same, so if the record
 * is unchanged afterwards, it and all pages show the same state.
 *
 * @returns the status, with the record and listing it rests on; a miss is a status, not an error
 * @throws StoreError for anything but a definite answer of the store, SetChangedError if the record keeps changing
 */
export async function lookUp(run: RunContext, location: SetLocation): Promise<Lookup> {
  const { store } = run;
  let lookup = await lookUpReadable(run, location);
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    if (!isInDoubt(lookup)) return lookup;
    const head = await store.head(location.recordKey);
    if (head?.etag === lookup.record?.etag) return lookup;
    const before = lookup;
    lookup = await lookUpReadable(run, location);
    // Some servers return ETags in another form in replies to HEAD, but two reads of the record also show that it did
    // not change.
    if (lookup.record?.etag === before.record?.etag) return before;
  }
  if (!isInDoubt(lookup)) return lookup;
  throw new SetChangedError(
    `Others keep writing s3://${store.bucket}/${location.recordKey}: find out who writes there besides this action`,
  );
}

function isInDoubt({ status, isPaged }: Lookup): boolean {
  return status.reason === 'damaged' || (status.reason === 'complete' && isPaged);
}

/** The record itself may be archived. That is a status, not an error, and the next upload can replace it. */
async function lookUpReadable(run: RunContext, location: SetLocation): Promise<Lookup> {
  const lookup = await unlessArchived(lookUpOnce(run, location));
  if (lookup !== undefined) return lookup;
  const { store } = run;
  const record = await store.head(location.recordKey);
  // Another run may have replaced the record before the HEAD.
  const again = await unlessArchived(lookUpOnce(run, location));
  if (again !== undefined) return again;
  const found = await listed(location, store.list(location.prefix));
  return { location, record, ...found, status: { reason: 'archived', name: location.recordKey } };
}

async function unlessArchived(lookingUp: Promise<Lookup>): Promise<Lookup | undefined> {
  try {
    return await lookingUp;
  } catch (error) {
    if (isArchived(error)) return undefined;
    throw error;
  }
}

async function lookUpOnce(run: RunContext, location: SetLocation): Promise<Lookup> {
  const { store, clock } = run;
  const askedAtMs = clock.monotonicMs();
  const read = readRecord(store, location).then((record) => ({ record, elapsedMs: clock.monotonicMs() - askedAtMs }));
  const later = store.list(location.prefix)[Symbol.asyncIterator]();
  const [{ record, elapsedMs }, first] = await waitForAll([read, later.next()]);
  const pages = allOf(first, later);
  if (record === undefined) return lookUpUnrecorded(run, location, await listed(location, pages));
  // A listing that began before a record was sealed says nothing about the sealed set, even if the two agree.
  const mayPrecedeRecord = record.record.state === 'complete' && record.ageMs <= elapsedMs + CLOCK_GRAIN_MS;
  return judge(run, { location, record, pages: mayPrecedeRecord ? store.list(location.prefix) : pages });
}

async function* allOf(
  first: IteratorResult<readonly ListedObject[], unknown>,
  later: AsyncIterator<readonly ListedObject[], unknown>,
): Pages {
  for (let page = first; !page.done; page = await later.next()) yield page.value;
}

/** If the record is still absent after the listing, nobody had begun one by then. */
async function lookUpUnrecorded(run: RunContext, location: SetLocation, found: Listed): Promise<Lookup> {
  const { store } = run;
  const unrecorded = { location, record: undefined, ...found };
  const [first] = found.listing.keys();
  if (first === undefined) return { ...unrecorded, status: { reason: 'absent' } };
  const record = await readRecord(store, location);
  if (record !== undefined) return judge(run, { location, record, pages: store.list(location.prefix) });
  const head = await store.head(location.prefix + first);
  // If the object is gone by now, nothing shows who stored the set.
  if (head === undefined || isOurs(head, location)) {
    const detail = 'its assets are there but their record was deleted';
    return { ...unrecorded, status: { reason: 'incomplete', detail } };
  }
  const name = await findArchived(store, { ...unrecorded, paths: found.listing.keys() });
  const status: SetStatus = name === undefined ? { reason: 'legacy', ageMs: head.ageMs } : { reason: 'archived', name };
  return { ...unrecorded, status };
}

/** Whether this action stored the object for this very set: the Python tool also copies objects from our cache. */
function isOurs(head: AssetAttributes, location: SetLocation): boolean {
  return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);
}

interface RecordedSet {
  readonly location: SetLocation;
  readonly record: ReadRecord;
  readonly pages: Pages;
}

async function judge(run: RunContext, { location, record: read, pages }: RecordedSet): Promise<Lookup> {
  const { record, distrust } = read;
  const found = { location, record: read, ...(await listed(location, pages)) };
  const detail = (record.state === 'complete' ? distrust : undefined) ?? misplacement(record, location);
  if (detail !== undefined) return { ...found, status: { reason: 'incomplete', detail } };
  if (record.state === 'complete') return { ...found, status: await statusOfComplete(run, found, record) };
  const isLive = leaseIsLive(read, run.writer);
  return { ...found, status: isLive ? { reason: 'in-progress', record } : unfinished(record) };
}

/** A record as it was read, with everything needed to replace it or to judge its age. */
interface ReadRecord {
  readonly record: AssetRecord;
  /** Why it does not count as complete, even if its state is `complete`. */
  readonly distrust: string | undefined;
  readonly etag: string;
  /** Time since it was written, measured only by the server's clock. */
  readonly ageMs: number;
}

/** @returns the set's record, or undefined when the store says that there is none */
export async function readRecord(
  store: ObjectStore,
  location: SetLocation,
  signal?: AbortSignal,
): Promise<ReadRecord | undefined> {
  const document = await store.readDocument(location.recordKey, signal);
  return document && dated(document, `s3://${store.bucket}/${location.recordKey}`);
}

/**
 * @param where names the place in messages
 * @throws UserError if it is not a record
 */
export function dated({ body, distrust, etag, dateMs, lastModifiedMs }: StoredDocument, where: string): ReadRecord {
  const record = distrust === undefined ? parseRecord(body.toString('utf8'), where) : parseUnsigned(body, where);
  return { record, distrust, etag, ageMs: dateMs - lastModifiedMs };
}

/**
 * Looks a set up and, while another run is writing it, looks again until it settles or time runs out.
 *
 * @param waitMs how long to wait at most; a promotion is waited for up to 15 s in any case
 * @returns the last lookup, still `in-progress` if time ran out
 */
export async function lookUpSettled(run: RunContext, location: SetLocation, waitMs = run.waitMs): Promise<Lookup> {
  const first = await lookUp(run, location);
  if (first.status.reason !== 'in-progress') return first;
  const [last = first] = await waitForSets(run, [first], waitMs);
  return last;
}

/** As {@link lookUpSettled}. @throws UserError if another run is still writing the set when time runs out */
export async function lookUpFinished(run: RunContext, location: SetLocation): Promise<Lookup> {
  const lookup = await lookUpSettled(run, location);
  assertFinished(run, lookup);
  return lookup;
}

/** For callers that can't go on without the set. @throws UserError if another run is still writing it */
export function assertFinished({ waitMs }: RunContext, lookup: Lookup): void {
  const unfinishedBy = describeUnfinished(lookup);
  if (unfinishedBy !== undefined)
    throw new UserError(`${unfinishedBy} after ${waitMs / 1000} s: wait for it to end, or raise wait-timeout-seconds`);
}

/** @returns which run is still writing the set; undefined if none is */
export function describeUnfinished({ status, location }: Lookup): string | undefined {
  if (status.reason !== 'in-progress') return undefined;
  return `${describeWriter(status.record.writer)} is still writing ${location.prefix}`;
}

/** A promotion takes seconds, so even a check with `wait-timeout-seconds: 0` waits for it. */
const PROMOTION_WAIT_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Looks sets up again and again, with growing pauses, until one of them settles or time runs out.
 *
 * @param first sets that were in progress when they were looked up
 * @returns all of them as they were last seen
 */
export async function waitForSets(
  run: RunContext,
  first: readonly Lookup[],
  waitMs: number,
): Promise<readonly Lookup[]> {
  const { clock, signal } = run;
  const startedMs = clock.monotonicMs();
  const watch = new Watch(run, first);
  let lookups = first;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const records = lookups.map(recordInProgress).filter((record) => record !== undefined);
    if (records.length < lookups.length) return lookups;
    const patienceMs = Math.max(...records.map((record) => patienceFor(record, waitMs)));
    const leftMs = startedMs + patienceMs - clock.monotonicMs();
    if (leftMs <= 0) return lookups;
    watch.report(lookups, leftMs);
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
    lookups = await waitForAll(lookups.map(({ location }) => watch.lookAgain(location)));
  }
}

function recordInProgress({ status }: Lookup): UploadingRecord | undefined {
  return status.reason === 'in-progress' ? status.record : undefined;
}

function patienceFor(record: UploadingRecord, waitMs: number): number {
  return record.origin.kind === 'cache' ? Math.max(waitMs, PROMOTION_WAIT_MS) : waitMs;
}

/** Keeps track of the records that a waiting run has seen. */
class Watch {
  readonly #run: RunContext;
  /** Since when each record has had its ETag: by record key, in this machine's monotonic time. */
  readonly #unchanged = new Map<string, { readonly etag: string | undefined; readonly sinceMs: number }>();
  readonly #reported = new Set<string>();

  constructor(run: RunContext, first: readonly Lookup[]) {
    this.#run = run;
    for (const lookup of first) this.#remember(lookup);
  }

  #remember({ location, record }: Lookup): void {
    const sinceMs = this.#run.clock.monotonicMs();
    this.#unchanged.set(location.recordKey, { etag: record?.etag, sinceMs });
  }

  /**
   * A lease also lapses if its record stays unchanged for that long by this machine's clock; otherwise a lease with a
   * time in the future would never lapse.
   */
  async lookAgain(location: SetLocation): Promise<Lookup> {
    const { clock, writer } = this.#run;
    const askedAtMs = clock.monotonicMs();
    const lookup = await lookUp(this.#run, location);
    const record = recordInProgress(lookup);
    if (record === undefined) return lookup;
    const known = this.#unchanged.get(location.recordKey);
    if (known === undefined || known.etag !== lookup.record?.etag) {
      this.#remember(lookup);
      return lookup;
    }
    const isLive = leaseIsLive({ record, ageMs: askedAtMs - known.sinceMs }, writer);
    return isLive ? lookup : { ...lookup, status: unfinished(record) };
  }

  /** Logs that this run is waiting, once per writer. */
  report(lookups: readonly Lookup[], leftMs: number): void {
    for (const lookup of lookups) {
      const writer = recordInProgress(lookup)?.writer;
      if (writer === undefined || this.#reported.has(writer.nonce)) continue;
      this.#reported.add(writer.nonce);
      this.#run.log.info(
        `Waiting up to ${Math.ceil(leftMs / 1000)} s for ${describeWriter(writer)}, which is writing ${lookup.location.prefix}.`,
      );
    }
  }
}
