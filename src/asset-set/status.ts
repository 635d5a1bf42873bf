import type { StorageTier } from '../ports.ts';
import type { RunIdentity } from '../run-context.ts';
import { counted, printable } from '../text.ts';
import {
  type AssetFile,
  type AssetRecord,
  type CompleteRecord,
  describeWriter,
  type UploadingRecord,
  type Writer,
} from './record.ts';

export interface ListedAsset extends Pick<AssetFile, 'size' | 'etag'> {
  readonly tier?: StorageTier;
}

/** What lies under a set's prefix, by path relative to it, in the order the store listed it. */
export type Listing = ReadonlyMap<string, ListedAsset>;

/** What is listed but not named by the record: left by a writer that had lost the record. */
export interface Strays {
  readonly count: number;
  readonly first: string | undefined;
}

export function straysIn(record: CompleteRecord, listing: Listing): Strays {
  const paths = new Set(listing.keys());
  for (const { path } of record.files) paths.delete(path);
  const [first] = paths;
  return { count: paths.size, first };
}

// What a reader may conclude from a set's record and what is listed under its prefix.

/** Slack on a lease, since the store's clock is only read to whole seconds. */
const LEASE_SLACK_SECONDS = 5;

export type Verdict =
  | { readonly reason: 'complete'; readonly record: CompleteRecord }
  /** The objects were written by a tool that keeps no record. */
  | { readonly reason: 'legacy' }
  | { readonly reason: 'damaged'; readonly record: CompleteRecord; readonly disagreement: Disagreement }
  /** The first file, or the record itself, that nothing can read or copy. */
  | { readonly reason: 'archived'; readonly name: string }
  | { readonly reason: 'in-progress'; readonly record: UploadingRecord }
  | { readonly reason: 'incomplete'; readonly detail: string }
  | { readonly reason: 'absent' };

export type Reason = Verdict['reason'];

/** How one asset differs from what its record says. */
export interface Disagreement {
  readonly file: AssetFile;
  readonly difference: 'missing' | 'size' | 'etag';
  /** With `etag`: the one that is listed. */
  readonly listedEtag?: string;
}

/** A record as read, with its age by the server's clock at that moment. */
interface DatedRecord {
  readonly record: AssetRecord;
  readonly ageMs: number;
}

/**
 * Whether the writer of an unfinished record may still be at work.
 *
 * @param reader who is asking: a run knows that its own earlier attempts have ended
 */
export function leaseIsLive({ record, ageMs }: DatedRecord, reader: RunIdentity): boolean {
  if (isEarlierAttempt(record.writer, reader)) return false;
  // Released: its writer had stopped before it said so.
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
  const found: Disagreement[] = [];
  for (const file of record.files) {
    const disagreement = disagreementOn(file, listing.get(file.path));
    if (disagreement !== undefined) found.push(disagreement);
  }
  return found;
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

/** One sentence about a set that is not known to be complete: why it counts or not. */
export function describeOther(
  verdict: Exclude<Verdict, { reason: 'complete' }>,
  { where, count }: { readonly where: string; readonly count: number },
): string {
  switch (verdict.reason) {
    case 'legacy':
      return `Found ${counted(count, 'asset')}, without a record, at ${where}.`;
    case 'damaged': {
      const { file, difference } = verdict.disagreement;
      return `The set at ${where} is damaged: '${printable(file.path)}' ${DAMAGE[difference]}.`;
    }
    case 'archived':
      return `The set at ${where} is archived, so it can't be used: nothing can read or copy '${printable(verdict.name)}'. The next upload replaces it; let neither a lifecycle rule nor Intelligent-Tiering archive it again.`;
    case 'in-progress':
      return `${where} is being written by ${describeWriter(verdict.record.writer)}.`;
    case 'incomplete':
      return `The set at ${where} is incomplete: ${verdict.detail}.`;
    case 'absent':
      return `There is nothing at ${where}.`;
  }
}
