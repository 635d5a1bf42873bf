import { mapConcurrently } from '../async.ts';
import type { ListedObject, ObjectStore, StorageTier } from '../ports.ts';
import type { RunContext, RunIdentity } from '../run-context.ts';
import { printable, readableAge } from '../text.ts';
import type { SetLocation } from './location.ts';
import {
  type AssetFile,
  type AssetRecord,
  amountOf,
  type CompleteRecord,
  describeWriter,
  type UploadingRecord,
  type Writer,
} from './record.ts';

export interface ListedAsset extends Pick<AssetFile, 'size' | 'etag'> {
  readonly tier?: StorageTier;
}

/** The objects under a set's prefix, by path relative to it, in the order that the store listed them. */
export type Listing = ReadonlyMap<string, ListedAsset>;

/** A set's listing, page by page. */
export type Pages = AsyncIterable<readonly ListedObject[]>;

export interface Listed {
  readonly listing: Listing;
  /** Whether it came in several pages, which may show objects that were never there together. */
  readonly isPaged: boolean;
}

/** Reads a listing to its end. Folder placeholders (keys that end in `/`, as consoles make them) are not assets. */
export async function listed({ prefix }: SetLocation, pages: Pages): Promise<Listed> {
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

/** @returns the paths of objects that are listed but not in the record: a writer that had lost it left them */
export function unexpectedIn(record: CompleteRecord, listing: Listing): ReadonlySet<string> {
  return new Set(listing.keys()).difference(new Set(record.files.map(({ path }) => path)));
}

// The status that follows from a set's record and its listing.

/** Slack on a lease, since the store's times have a resolution of one second. */
const LEASE_SLACK_SECONDS = 5;

export type SetStatus =
  | { readonly reason: 'complete'; readonly record: CompleteRecord }
  /** The objects were written by a tool that keeps no record; `ageMs` is that of the first of them. */
  | { readonly reason: 'legacy'; readonly ageMs?: number | undefined }
  | { readonly reason: 'damaged'; readonly record: CompleteRecord; readonly disagreement: Disagreement }
  /** `name` is the first file, or the record itself, that can't be read or copied. */
  | { readonly reason: 'archived'; readonly name: string }
  | { readonly reason: 'in-progress'; readonly record: UploadingRecord }
  | { readonly reason: 'incomplete'; readonly detail: string }
  | { readonly reason: 'absent' };

export type Reason = SetStatus['reason'];

/** How one asset differs from its record. */
export interface Disagreement {
  readonly file: AssetFile;
  readonly difference: 'missing' | 'size' | 'etag';
  /** The listed ETag, if the difference is `etag`. */
  readonly listedEtag?: string;
}

/**
 * Whether the writer of an unfinished record may still be at work.
 *
 * @param ageMs since the record was written
 * @param reader the run that asks, which knows that its own earlier attempts have ended
 */
export function leaseIsLive(
  { record, ageMs }: { readonly record: AssetRecord; readonly ageMs: number },
  reader: RunIdentity,
): boolean {
  if (isEarlierAttempt(record.writer, reader)) return false;
  // Released: a writer stops before it releases its record.
  if (record.leaseSeconds === 0) return false;
  return ageMs <= (record.leaseSeconds + LEASE_SLACK_SECONDS) * 1000;
}

function isEarlierAttempt(writer: Writer, reader: RunIdentity): boolean {
  if (writer.repository === undefined || writer.runId === undefined) return false;
  if (writer.repository !== reader.repository || writer.runId !== reader.runId) return false;
  return Number(writer.runAttempt) < Number(reader.runAttempt);
}

/** @returns every asset of the record that is not listed with its size and ETag, in the record's order */
export function disagreements(record: CompleteRecord, listing: Listing): Disagreement[] {
  return record.files.flatMap((file) => disagreementOn(file, listing.get(file.path)) ?? []);
}

/** @returns how an asset differs from what is listed in its place, if it does */
function disagreementOn(file: AssetFile, listed: ListedAsset | undefined): Disagreement | undefined {
  if (listed === undefined) return { file, difference: 'missing' };
  if (listed.size !== file.size) return { file, difference: 'size' };
  if (listed.etag !== file.etag) return { file, difference: 'etag', listedEtag: listed.etag };
  return undefined;
}

const DAMAGE = {
  missing: 'is missing',
  size: 'has another size than its record says',
  etag: 'has another ETag than its record says',
} as const satisfies Record<Disagreement['difference'], string>;

/** What happened to a set at the time that its age is counted from: one without a record may be a copy or not. */
export type Since = 'built' | 'copied' | 'stored';

/** @returns `, built 2 h ago`, for example; empty if the age is unknown */
export function ageIn(since: Since, ageMs: number | undefined): string {
  return ageMs === undefined ? '' : `, ${since} ${readableAge(ageMs)}`;
}

/** @returns a sentence that says whether a set counts and why, for every status other than `complete` */
export function describeOther(
  status: Exclude<SetStatus, { reason: 'complete' }>,
  { where, listing }: { readonly where: string; readonly listing: Listing },
): string {
  switch (status.reason) {
    case 'legacy':
      return `Found ${amountOf([...listing.values()])}${ageIn('stored', status.ageMs)}, without a record, at ${where}.`;
    case 'damaged': {
      const { file, difference } = status.disagreement;
      return `The set at ${where} is damaged: '${printable(file.path)}' ${DAMAGE[difference]}.`;
    }
    case 'archived':
      return `The set at ${where} is archived, so it can't be used: nothing can read or copy '${printable(status.name)}'. The next upload replaces it; let neither a lifecycle rule nor Intelligent-Tiering archive it again.`;
    case 'in-progress':
      return `${where} is being written by ${describeWriter(status.record.writer)}.`;
    case 'incomplete':
      return `The set at ${where} does not count: ${status.detail}.`;
    case 'absent':
      return `Nothing is stored at ${where}.`;
  }
}

/** @returns why a record does not count under its key, if it is for another commit or code hash and was copied there */
export function misplacement({ commit, codeHash }: AssetRecord, { kind, id }: SetLocation): string | undefined {
  if (kind === 'artifact') return commit === id ? undefined : `its record is of the commit ${commit}`;
  return codeHash === id
    ? undefined
    : `its record is of ${codeHash === undefined ? 'no code hash' : `the code hash ${codeHash}`}`;
}

export async function statusOfComplete(
  { store }: RunContext,
  { location, listing }: Listed & { readonly location: SetLocation },
  record: CompleteRecord,
): Promise<SetStatus> {
  const [disagreement] = await confirmDisagreements(store, location, disagreements(record, listing));
  if (disagreement !== undefined) return { reason: 'damaged', record, disagreement };
  const name = await findArchived(store, { location, listing, paths: record.files.map(({ path }) => path) });
  return name === undefined ? { reason: 'complete', record } : { reason: 'archived', name };
}

/** The status of an unfinished set that nobody is working on any more. */
export function unfinished({ writer }: UploadingRecord): SetStatus {
  return { reason: 'incomplete', detail: `its upload by ${describeWriter(writer)} was begun and not finished` };
}

const HEADS_AT_ONCE = 16;

/**
 * Confirms which of the suspected assets really differ from the record. Some servers list ETags in another form than
 * they return them in, so if only ETags differ, a HEAD of each object decides. If it agrees with the record, either the
 * object was replaced in the meantime, and the set was not complete, or only the listed ETag has another form: a second
 * listing shows which.
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
 * Finds an asset that can't be read or copied because it is archived.
 *
 * @param paths the set's assets
 * @returns its path; undefined if there is none
 */
export async function findArchived(
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
