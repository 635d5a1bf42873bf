import { mapConcurrently, waitForAll } from '../async.ts';
import { isArchived, SetChangedError } from '../errors.ts';
import type { AssetAttributes, ListedObject, ObjectStore, StoredDocument } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { commitOf, isRecorded } from './attributes.ts';
import type { SetLocation } from './location.ts';
import {
  type AssetRecord,
  type CompleteRecord,
  describeWriter,
  type FoundRecord,
  parseRecord,
  parseUnsigned,
  type UploadingRecord,
} from './record.ts';
import {
  type Disagreement,
  disagreements,
  type ListedAsset,
  type Listing,
  leaseIsLive,
  type Verdict,
} from './status.ts';

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

const MOST_ROUNDS = 3;

/**
 * Decides whether a stored set may be used: two requests, sent in parallel, where its record is some seconds old and
 * agrees with a listing of one page.
 *
 * A listing in several pages can agree with a record although the set never did: its first page shows what another run
 * was about to replace, its last what that had replaced. While the record stays, no run of this action replaces
 * anything, so a record that is still the same afterwards shows that what was read was so at one moment.
 *
 * @returns the verdict with what it rests on; a miss is a verdict, not an error
 * @throws StoreError for anything but a definite answer of the store, SetChangedError where the record is another one
 *   each time
 */
export async function lookUp(run: RunContext, location: SetLocation): Promise<Finding> {
  const { store } = run;
  let finding = await lookUpReadable(run, location);
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    if (!isInDoubt(finding)) return finding;
    const head = await store.head(location.recordKey);
    if (head?.etag === finding.record?.etag) return finding;
    const before = finding;
    finding = await lookUpReadable(run, location);
    // Some servers tell ETags otherwise in a reply to HEAD: read twice, the record says as well that it stood still.
    if (finding.record?.etag === before.record?.etag) return before;
  }
  if (!isInDoubt(finding)) return finding;
  throw new SetChangedError(
    `Others keep writing s3://${store.bucket}/${location.recordKey}: find out who writes there besides this action`,
  );
}

function isInDoubt({ verdict, isPaged }: Finding): boolean {
  return verdict.reason === 'complete' && isPaged;
}

/** A record may be archived as well: that nothing can read it is an answer, and the next upload can replace it. */
async function lookUpReadable(run: RunContext, location: SetLocation): Promise<Finding> {
  const finding = await unlessArchived(lookUpOnce(run, location));
  if (finding !== undefined) return finding;
  const { store } = run;
  const record = await store.head(location.recordKey);
  // Another run may have replaced it before it was asked for its ETag.
  const again = await unlessArchived(lookUpOnce(run, location));
  if (again !== undefined) return again;
  const found = await listed(location, store.list(location.prefix));
  return { location, record, ...found, verdict: { reason: 'archived', name: location.recordKey } };
}

async function unlessArchived(lookingUp: Promise<Finding>): Promise<Finding | undefined> {
  try {
    return await lookingUp;
  } catch (error) {
    if (isArchived(error)) return undefined;
    throw error;
  }
}

async function lookUpOnce(run: RunContext, location: SetLocation): Promise<Finding> {
  const { store, clock } = run;
  const askedAtMs = clock.monotonicMs();
  const read = readRecord(store, location).then((record) => ({ record, elapsedMs: clock.monotonicMs() - askedAtMs }));
  const later = store.list(location.prefix)[Symbol.asyncIterator]();
  const [{ record, elapsedMs }, first] = await waitForAll([read, later.next()]);
  const pages = allOf(first, later);
  if (record === undefined) return lookUpUnrecorded(run, location, await listed(location, pages));
  // A listing that began before a record was sealed says nothing about the sealed set, even where the two agree.
  const mayPrecedeRecord = record.record.state === 'complete' && record.ageMs <= elapsedMs + CLOCK_GRAIN_MS;
  return judge(run, { location, record, pages: mayPrecedeRecord ? store.list(location.prefix) : pages });
}

async function* allOf(
  first: IteratorResult<readonly ListedObject[], unknown>,
  later: AsyncIterator<readonly ListedObject[], unknown>,
): Pages {
  for (let page = first; !page.done; page = await later.next()) yield page.value;
}

/** A record that is still absent after a listing tells that nobody had begun one by then. */
async function lookUpUnrecorded(run: RunContext, location: SetLocation, found: Listed): Promise<Finding> {
  const { store } = run;
  const unrecorded = { location, record: undefined, ...found };
  const [first] = found.listing.keys();
  if (first === undefined) return { ...unrecorded, verdict: { reason: 'absent' } };
  const record = await readRecord(store, location);
  if (record !== undefined) return judge(run, { location, record, pages: store.list(location.prefix) });
  const head = await store.head(location.prefix + first);
  // One that is gone by now can't tell whose the set was.
  if (head === undefined || isOurs(head, location)) {
    const detail = 'its assets are there but their record was deleted';
    return { ...unrecorded, verdict: { reason: 'incomplete', detail } };
  }
  const name = await findArchived(store, { ...unrecorded, paths: found.listing.keys() });
  return { ...unrecorded, verdict: name === undefined ? { reason: 'legacy' } : { reason: 'archived', name } };
}

/** Whether this project stored an object for the very set it is in; the Python tool copies from our cache, too. */
function isOurs(head: AssetAttributes, location: SetLocation): boolean {
  return isRecorded(head) && (location.kind === 'cache' || commitOf(head) === location.id);
}

/** What was read of a set that has a record. */
interface RecordedSet {
  readonly location: SetLocation;
  readonly record: ReadRecord;
  readonly pages: Pages;
}

async function judge(run: RunContext, { location, record: read, pages }: RecordedSet): Promise<Finding> {
  const { record, distrust } = read;
  const found = { location, record: read, ...(await listed(location, pages)) };
  const detail = (record.state === 'complete' ? distrust : undefined) ?? misplacement(record, location);
  if (detail !== undefined) return { ...found, verdict: { reason: 'incomplete', detail } };
  if (record.state === 'complete') return { ...found, verdict: await verdictOnComplete(run, found, record) };
  const isLive = leaseIsLive({ record, ageMs: read.ageMs }, run.writer);
  return { ...found, verdict: isLive ? { reason: 'in-progress', record } : unfinished(record) };
}

/** Why a record does not count where it lies: it was copied there from another commit, or another code hash. */
function misplacement({ commit, codeHash }: AssetRecord, { kind, id }: SetLocation): string | undefined {
  if (kind === 'artifact') return commit === id ? undefined : `its record is of the commit ${commit}`;
  return codeHash === id
    ? undefined
    : `its record is of ${codeHash === undefined ? 'no code hash' : `the code hash ${codeHash}`}`;
}

async function verdictOnComplete(
  { store }: RunContext,
  { location, listing }: Listed & { readonly location: SetLocation },
  record: CompleteRecord,
): Promise<Verdict> {
  const [disagreement] = await confirmDisagreements(store, location, disagreements(record, listing));
  if (disagreement !== undefined) return { reason: 'damaged', record, disagreement };
  const name = await findArchived(store, { location, listing, paths: record.files.map(({ path }) => path) });
  return name === undefined ? { reason: 'complete', record } : { reason: 'archived', name };
}

/** What follows of a record that nobody is working on any more. */
export function unfinished({ writer }: UploadingRecord): Verdict {
  return { reason: 'incomplete', detail: `its upload by ${describeWriter(writer)} was begun and not finished` };
}

const HEADS_AT_ONCE = 16;

/**
 * Finds out which assets really differ from their record, of those that the listing says differ. Some servers list an
 * ETag in another form than they answer with, so if only ETags differ, each object itself is asked. If it agrees with the
 * record, it was either replaced meanwhile, and the set was not whole, or it is listed in that other form: a second
 * listing tells which.
 */
export async function confirmDisagreements(
  store: ObjectStore,
  location: SetLocation,
  suspected: readonly Disagreement[],
): Promise<readonly Disagreement[]> {
  if (suspected.length === 0 || suspected.some(({ difference }) => difference !== 'etag')) return suspected;
  const confirmed = await mapConcurrently(suspected, HEADS_AT_ONCE, async ({ file }) => {
    const head = await store.head(location.prefix + file.path);
    return head?.etag !== file.etag || head.sizeBytes !== file.size;
  });
  if (confirmed.every(Boolean)) return suspected;
  const again = await readListing(store, location);
  return suspected.filter(
    ({ file: { path }, listedEtag }, index) => confirmed[index] || again.get(path)?.etag !== listedEtag,
  );
}

/**
 * Finds an asset that nothing can read or copy before somebody has restored it from its archive.
 *
 * @param paths which assets of the listing make the set
 * @returns the first one's path
 */
async function findArchived(
  store: ObjectStore,
  { location, listing, paths }: { location: SetLocation; listing: Listing; paths: Iterable<string> },
): Promise<string | undefined> {
  const unsure: string[] = [];
  for (const path of paths) {
    const tier = listing.get(path)?.tier;
    if (tier === 'archive') return path;
    if (tier === 'intelligent') unsure.push(path);
  }
  const heads = await mapConcurrently(unsure, HEADS_AT_ONCE, (path) => store.head(location.prefix + path));
  return unsure.find((_, index) => heads[index]?.isArchived);
}

/** A record as it was read: what it says, and what is needed to replace it or to judge its age. */
interface ReadRecord {
  readonly record: AssetRecord;
  /** Why it does not count as complete, whatever it says. */
  readonly distrust: string | undefined;
  readonly etag: string;
  /** Time since it was written, by the server's clock alone. */
  readonly ageMs: number;
}

/** A set's listing, as it comes. */
type Pages = AsyncIterable<readonly ListedObject[]>;

interface Listed {
  readonly listing: Listing;
  /** Whether it came in several pages, so that it may show what never was there together. */
  readonly isPaged: boolean;
}

/** Reads a listing to its end. Folder placeholders (keys that end in `/`, as consoles make them) are no assets. */
async function listed({ prefix }: SetLocation, pages: Pages): Promise<Listed> {
  const listing = new Map<string, ListedAsset>();
  let pageCount = 0;
  for await (const page of pages) {
    pageCount += 1;
    for (const { key, sizeBytes: size, etag, tier } of page)
      if (!key.endsWith('/'))
        listing.set(key.slice(prefix.length), tier === undefined ? { size, etag } : { size, etag, tier });
  }
  return { listing, isPaged: pageCount > 1 };
}

export async function readListing(store: ObjectStore, location: SetLocation): Promise<Listing> {
  return (await listed(location, store.list(location.prefix))).listing;
}

/** @returns the set's record, or undefined when the store says that there is none */
export async function readRecord(store: ObjectStore, location: SetLocation): Promise<ReadRecord | undefined> {
  const document = await store.readDocument(location.recordKey);
  return document && dated(document, `s3://${store.bucket}/${location.recordKey}`);
}

/**
 * @param where names the place in messages
 * @throws UserError for what is no record
 */
export function dated({ body, distrust, etag, dateMs, lastModifiedMs }: StoredDocument, where: string): ReadRecord {
  const record = distrust === undefined ? parseRecord(body.toString('utf8'), where) : parseUnsigned(body, where);
  return { record, distrust, etag, ageMs: dateMs - lastModifiedMs };
}
