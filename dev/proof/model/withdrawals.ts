import type { Version } from './bucket.ts';
import { isLegacy, isWhole, momentsOf, placeOf, recordIn, type SetPlace } from './history.ts';
import type { Watching } from './watching.ts';

/**
 * An upload that overwrites a set first makes the cached set of its code incomplete, and that of the code it replaces: from
 * its first byte on the cache hands out nothing of before, wherever it breaks off. What others put there meanwhile is theirs.
 */
export class Withdrawals {
  readonly #in: Watching;
  /** By sender and key: how many changes of the bucket had been made when it last looked a record up. */
  readonly #reads = new Map<string, number>();
  /** Senders and keys: what a sender reads next is who has taken the record from it. */
  readonly #refused = new Set<string>();
  /** The nonces of those that have begun to send. */
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
        violate(`process ${sender} begins to overwrite ${recordKey}, and the cache still hands out what was there`);
  }

  /** The code hash in the record that a writer took over; undefined where that is archived, so that nothing can read it. */
  #replacedCode(recordKey: string, nonce: string): string | undefined {
    const records = this.#in.bucket.changes.filter(({ key }) => key === recordKey).map(({ version }) => version);
    const first = records.findIndex((version) => version !== undefined && recordIn(version).writer.nonce === nonce);
    const replaced = records[first - 1];
    return replaced === undefined || replaced.isArchived ? undefined : recordIn(replaced).codeHash;
  }

  /** Whether a set can be found that was begun before a process looked for it. */
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

  /** How many changes had been made when the writer of a record began it. */
  #beginningOf(record: Version, { recordKey }: SetPlace): number {
    const { nonce } = recordIn(record).writer;
    return this.#in.bucket.changes.findIndex(
      ({ key, version }) => key === recordKey && version !== undefined && recordIn(version).writer.nonce === nonce,
    );
  }
}
