import type { WriteCondition, WriteResult } from '../../../src/ports.ts';
import type { Author, Multipart, Version } from './bucket.ts';
import { isRecordKey } from './contents.ts';
import { isWhole, momentsOf, placeOfKey, recordIn, type SetPlace } from './history.ts';
import { Provenance } from './provenance.ts';
import type { Watching } from './watching.ts';
import { Withdrawals } from './withdrawals.ts';

/** A third of a lease, plus some time for the requests in progress. */
const LONGEST_BETWEEN_RENEWALS_MS = 45_000;

interface Replacement {
  readonly before: Version | undefined;
  readonly after: Version;
}

/** Checks every single request, however the process that sends it ends. */
export class Watch {
  /** Flips a bit of the next range that is read, in transit. */
  corruptsNext = false;
  readonly #in: Watching;
  readonly #provenance: Provenance;
  readonly #withdrawals: Withdrawals;
  /** Each claim to a record, and what its process knows about it. */
  readonly #known = new Map<string, 'held' | 'refused' | 'lost'>();

  constructor(watching: Watching) {
    this.#in = watching;
    this.#provenance = new Provenance(watching);
    this.#withdrawals = new Withdrawals(watching);
  }

  recordSent(sender: number, key: string): void {
    this.#in.processOf(sender).recordWriteMs = this.#in.now();
    if (this.#in.requests.open.some((one) => one.sender === sender && one.key === key && one.isWrite))
      this.#in.violate(`process ${sender} sends a write of ${key} while another one is in progress`);
  }

  /** Called when the reply to a write of a record has arrived, so that its writer knows the result. */
  recordAnswered(sender: number, key: string, outcome: WriteResult['outcome']): void {
    this.#in.processOf(sender).recordWriteMs = this.#in.now();
    if (outcome !== 'written') this.#withdrawals.recordRefused(sender, key);
    const claim = `${sender} ${key}`;
    if (outcome === 'written') this.#known.set(claim, 'held');
    else if (this.#known.get(claim) === 'held') this.#known.set(claim, 'refused');
  }

  /** Called when a request for a record takes effect: its reply shows the record as it is now. */
  recordSeen(sender: number, key: string): void {
    this.#withdrawals.recordSeen(sender, key);
  }

  /**
   * Called when a record was read. After a refused write, this shows its writer who has the record; a missing one is
   * begun again.
   */
  recordRead(sender: number, key: string, author: Author | undefined): void {
    this.#withdrawals.recordRead(sender, key);
    this.#in.processOf(sender).recordWriteMs = this.#in.now();
    const claim = `${sender} ${key}`;
    if (this.#known.get(claim) === 'refused' && author !== undefined)
      this.#known.set(claim, author === sender ? 'held' : 'lost');
  }

  recordWritten(sender: number, key: string, { before, after }: Replacement): void {
    const record = recordIn(after);
    if (record.state === 'complete') {
      if (!this.#provenance.admits({ sender, key, record }))
        this.#in.violate(`process ${sender} seals ${key} with bytes that are not one build of it`);
    } else if (record.leaseSeconds === 0) this.#judgeGivenUp(sender, key);
    if (before === undefined || after.bytes.equals(before.bytes)) return;
    const replaced = recordIn(before);
    if (replaced.state === 'complete') this.#judgeReopened(sender, key, before);
    else if (before.author !== sender) this.#judgeTakenOver(sender, key, before);
  }

  #judgeGivenUp(sender: number, key: string): void {
    const { prefix } = placeOfKey(key);
    const other = this.#in.requests.open.find(
      (one) => one.sender === sender && one.key.startsWith(prefix) && one.isWrite,
    );
    if (other !== undefined)
      this.#in.violate(`process ${sender} releases ${key} while it is still writing ${other.key}`);
  }

  /** A complete set is reopened only to overwrite it, or because it was damaged. */
  #judgeReopened(sender: number, key: string, before: Version): void {
    const { bucket, processOf, violate } = this.#in;
    const { plan, startedAt } = processOf(sender);
    if (plan.mode === 'upload' && plan.overwrite && before.author !== sender) return;
    const place = placeOfKey(key);
    for (const moment of momentsOf(bucket, place, startedAt, bucket.changes.length - 1))
      if (moment.record === before && !isWhole(moment, place)) return;
    violate(`process ${sender} reopens ${key}, which was complete and whole`);
  }

  /** Only a later attempt of the same run may take a record over while its lease is live. */
  #judgeTakenOver(sender: number, key: string, before: Version): void {
    const { processOf, now, violate, count } = this.#in;
    count('take-overs');
    const { author, modifiedMs, isRepeated, isPostdated } = before;
    const { leaseSeconds } = recordIn(before);
    // A repeated write after its record was deleted: others may still know the record by its ETag, which is the same.
    if (isRepeated || isPostdated) return;
    if (typeof author !== 'number' || now() - modifiedMs > leaseSeconds * 1000) return;
    const [own, other] = [processOf(sender), processOf(author)];
    if (leaseSeconds === 0 || (own.runId === other.runId && own.attempt > other.attempt)) return;
    violate(`process ${sender} takes ${key} over from ${author}, whose lease is live`);
  }

  /**
   * Only the process that has a set's record writes to the set, and it replaces only objects that were there when it
   * last renewed its lease.
   */
  assetSent(sender: number, key: string, condition?: WriteCondition): void {
    const { bucket, violate } = this.#in;
    const place = placeOfKey(key);
    this.#withdrawals.assetSent(sender, place);
    if (!this.isHolder(sender, place.prefix))
      violate(`process ${sender} sends a write of ${key} although it does not have the record`);
    if (this.#isIdle(sender)) violate(`process ${sender} sends a write of ${key}, and does not renew its lease`);
    if (condition?.kind !== 'unchanged' || bucket.objects.get(key)?.etag !== condition.etag) return;
    const renewedAt = bucket.changes.findLastIndex((one) => one.key === place.recordKey && one.author === sender);
    const isKnown = bucket.changes.some(
      ({ key: changed, version, author }, position) =>
        changed === key && version?.etag === condition.etag && (position < renewedAt || author === sender),
    );
    if (!isKnown) violate(`process ${sender} replaces ${key}, which was written after it last renewed its lease`);
  }

  #isIdle(sender: number): boolean {
    const { requests, processOf, now } = this.#in;
    const { wasPaused, recordWriteMs } = processOf(sender);
    const isWriting = requests.open.some((one) => one.sender === sender && isRecordKey(one.key));
    return !isWriting && !wasPaused && now() - recordWriteMs > LONGEST_BETWEEN_RENEWALS_MS;
  }

  /** Whether a process has the record of a set, or had it until an outsider deleted or replaced it. */
  isHolder(sender: number, prefix: string): boolean {
    const { bucket, processOf } = this.#in;
    const { recordKey } = placeOfKey(prefix);
    const record = bucket.objects.get(recordKey);
    if (record?.author === sender && recordIn(record).state !== 'complete') return true;
    if (record !== undefined && this.#known.get(`${sender} ${recordKey}`) === 'lost') return false;
    const { startedAt } = processOf(sender);
    return bucket.changes.some(
      ({ key, version, author }, position) =>
        position >= startedAt && key === recordKey && (version === undefined || author === 'outsider'),
    );
  }

  /** A late write replaces other bytes only if it is a copy, or if they have the ETag that it was meant to replace. */
  assetWritten(
    sender: number,
    key: string,
    { before, after, condition }: Replacement & { readonly condition: WriteCondition | undefined },
  ): void {
    if (before === undefined || before.bytes.equals(after.bytes) || condition === undefined) return;
    if (condition.kind === 'unchanged' && condition.etag === before.etag) return;
    this.#in.violate(`a write of process ${sender} replaces ${key}, which it must not replace`);
  }

  /** Only the process that has the record aborts uploads that an earlier one left open. */
  abortSent(sender: number, prefix: string): void {
    if (!this.isHolder(sender, prefix))
      this.#in.violate(`process ${sender} aborts the uploads of ${prefix} without having the record`);
  }

  /** Another tool's multipart uploads are left alone if there never was a record. */
  aborted(sender: number, { author, key, id }: Multipart): void {
    if (author === 'outsider' && !this.#hadRecord(sender, placeOfKey(key)))
      this.#in.violate(`process ${sender} aborts upload ${id} of ${key}, which may be another tool's`);
  }

  /** Whether there was a record before a process last began one. */
  #hadRecord(sender: number, { recordKey }: SetPlace): boolean {
    const records = this.#in.bucket.changes.filter(({ key }) => key === recordKey);
    const [first, last] = [records[0]?.version, records.findLast(({ author }) => author === sender)?.version];
    if (first === undefined || last === undefined) return false;
    return recordIn(first).writer.nonce !== recordIn(last).writer.nonce;
  }

  /** The bytes of a range as they arrive; undamaged if the reader may not know their digest. */
  received(key: string, { attributes }: Version, bytes: Buffer): Buffer {
    const { changes } = this.#in.bucket;
    const mayBeUnknown =
      attributes.metadata['package-hash'] === undefined ||
      changes.some((change) => change.key === key && change.author === 'outsider');
    if (!this.corruptsNext || bytes.length === 0 || mayBeUnknown) return bytes;
    this.corruptsNext = false;
    this.#in.count(`corrupted replies`);
    const corrupted = Buffer.from(bytes);
    corrupted[0] = (corrupted[0] ?? 0) ^ 1;
    return corrupted;
  }
}
