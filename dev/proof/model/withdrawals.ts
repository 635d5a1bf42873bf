import type { Version } from './bucket.ts';
import { isLegacy, isWhole, momentsOf, placeOf, recordIn, type SetPlace } from './history.ts';
import type { Watching } from './watching.ts';

/**
 * An upload that overwrites a set first withdraws the cached sets of its own code and of the code it replaces. From its
 * first byte on, the cache offers no older build, even if the upload is interrupted. Sets that others cache meanwhile
 * don't count.
 */
export class Withdrawals {
  readonly #in: Watching;
  /** By sender and key: the number of changes of the bucket when the sender last looked a record up. */
  readonly #reads = new Map<string, number>();
  /** Senders and keys of refused writes: the next read shows the sender who has taken the record. */
  readonly #refused = new Set<string>();
  /** The nonces of writers that have started to send. */
  readonly #begun = new Set<string>();

  constructor(watching: Watching) {
    this.#in = watching;
  }

  recordRefused(sender: number, key: string): void {
    this.#refused.add(`${sender} ${key}`);
  }

  recordSeen(sender: number, key: string): void {
    if (!this.#refused.has(`${sender} ${key}`)) this.#reads.set(`${sender} ${key}`, this.#in.bucket.changes.length);
  }

  recordRead(sender: number, key: string): void {
    this.#refused.delete(`${sender} ${key}`);
  }

  assetSent(sender: number, { folder, root, recordKey }: SetPlace): void {
    const { bucket, processOf, violate } = this.#in;
    const { mode, overwrite } = processOf(sender).plan;
    const held = bucket.objects.get(recordKey);
    if (folder !== 'artifacts' || mode !== 'upload' || !overwrite || held?.author !== sender) return;
    const { codeHash, writer } = recordIn(held);
    if (this.#begun.has(writer.nonce)) return;
    this.#begun.add(writer.nonce);
    for (const code of new Set([codeHash, this.#replacedCode(recordKey, writer.nonce)]))
      if (code !== undefined && this.#isHandedOut(sender, placeOf('cache', code, root)))
        violate(`process ${sender} begins to overwrite ${recordKey}, while the cache still offers the replaced build`);
  }

  /** The code hash in the record that a writer took over; undefined if that record is archived and can't be read. */
  #replacedCode(recordKey: string, nonce: string): string | undefined {
    const records = this.#in.bucket.changes.filter(({ key }) => key === recordKey).map(({ version }) => version);
    const first = records.findIndex((version) => version !== undefined && recordIn(version).writer.nonce === nonce);
    const replaced = records[first - 1];
    return replaced === undefined || replaced.isArchived ? undefined : recordIn(replaced).codeHash;
  }

  /** Whether the cache offers a set that was begun before a process looked for it. */
  #isHandedOut(sender: number, place: SetPlace): boolean {
    const { bucket } = this.#in;
    const { changes } = bucket;
    const readAt = this.#reads.get(`${sender} ${place.recordKey}`) ?? Number.POSITIVE_INFINITY;
    const isOfPlace = (key: string): boolean => key === place.recordKey || key.startsWith(place.prefix);
    if (changes.slice(readAt).some(({ key, author }) => author === 'outsider' && isOfPlace(key))) return false;
    const [moment] = momentsOf(bucket, place, changes.length, changes.length);
    if (moment?.record === undefined) return moment !== undefined && isLegacy(moment, place);
    return isWhole(moment, place) && this.#beginningOf(moment.record, place) < readAt;
  }

  /** The number of changes when the writer of a record began it. */
  #beginningOf(record: Version, { recordKey }: SetPlace): number {
    const { nonce } = recordIn(record).writer;
    return this.#in.bucket.changes.findIndex(
      ({ key, version }) => key === recordKey && version !== undefined && recordIn(version).writer.nonce === nonce,
    );
  }
}
