import { CODES } from './contents.ts';
import {
  areSame,
  type Digests,
  digestsIn,
  digestsOfFiles,
  isInPlace,
  type ModelRecord,
  momentsOf,
  placeOfKey,
  recordIn,
  type SetPlace,
} from './history.ts';
import type { Watching } from './watching.ts';

/** A record that is being sealed. */
export interface Seal {
  readonly sender: number;
  readonly key: string;
  readonly record: ModelRecord;
}

/** The bytes of a sealed set, and the code that they were really built from, whatever the record says. */
interface Stored {
  readonly digests: Digests;
  readonly commit: string;
  /** Undefined if unknown, as for a commit's set without a record. */
  readonly code: string | undefined;
  /** Whether the record names the code hash. */
  readonly namesCode: boolean;
}

/** Traces each sealed set to its build: a set is exactly one build, of the commit or code that it is filed under. */
export class Provenance {
  readonly #in: Watching;
  readonly #stored: Stored[] = [];

  constructor(watching: Watching) {
    this.#in = watching;
  }

  /** Whether a record may be sealed with these contents. */
  admits(seal: Seal): boolean {
    const { key, record } = seal;
    const place = placeOfKey(key);
    const digests = digestsIn(record);
    if (!isInPlace(record, place)) return false;
    if (place.folder === 'cache') return this.#isOfCode(digests, place.id);
    const source = this.#sourceOf(seal, digests);
    if (source === undefined) return false;
    const { codeHash } = record;
    this.#stored.push({ digests, commit: place.id, code: source.code, namesCode: codeHash !== undefined });
    return codeHash === undefined || this.#isOfCode(digests, codeHash);
  }

  #isOfCode(digests: Digests, code: string): boolean {
    return this.#stored.some((one) => one.code === code && areSame(one.digests, digests));
  }

  /** The origin of the bytes of a commit's set: the writer's own build, or a set that the writer may copy. */
  #sourceOf({ sender, record }: Seal, digests: Digests): Pick<Stored, 'code'> | undefined {
    const { plan } = this.#in.processOf(sender);
    if (record.origin.kind === 'upload') return this.#isOwn(sender, digests) ? { code: CODES[plan.code] } : undefined;
    if (record.origin.legacy) return this.#legacySource(sender, digests);
    if (!this.#wasThere(sender, digests)) return undefined;
    const wanted = plan.caches ? CODES[plan.code] : undefined;
    const same = this.#stored.filter((one) => areSame(one.digests, digests));
    const isOther = ({ namesCode }: Stored): boolean => namesCode && wanted !== undefined;
    return (
      same.find(({ code }) => code !== undefined && code === wanted) ??
      same.find((one) => one.commit === record.commit && !isOther(one))
    );
  }

  /** Whether a process built exactly these bytes. They may be any if its build was still writing during the upload. */
  #isOwn(sender: number, digests: Digests): boolean {
    const { builtFiles, wasRewritten } = this.#in.processOf(sender);
    return wasRewritten || areSame(digests, digestsOfFiles(builtFiles));
  }

  /** Whether a set with a record and these bytes could be found elsewhere at some moment since the process started. */
  #wasThere(sender: number, digests: Digests): boolean {
    const { bucket, processOf } = this.#in;
    const { elsewhere, startedAt } = processOf(sender);
    return elsewhere.some((place) => {
      for (const { record } of momentsOf(bucket, place, startedAt, bucket.changes.length)) {
        if (record === undefined || record.isArchived) continue;
        const content = recordIn(record);
        if (content.state === 'complete' && areSame(digestsIn(content), digests)) return true;
      }
      return false;
    });
  }

  /** The code of a set without a record that had these bytes at some moment since the process started. */
  #legacySource(sender: number, digests: Digests): Pick<Stored, 'code'> | undefined {
    const { elsewhere } = this.#in.processOf(sender);
    const source = elsewhere.find((place) => this.#wasLegacy(sender, { place, digests }));
    return source && { code: source.folder === 'cache' ? source.id : undefined };
  }

  #wasLegacy(sender: number, { place, digests }: { place: SetPlace; digests: Digests }): boolean {
    const { bucket, processOf } = this.#in;
    const { startedAt } = processOf(sender);
    for (const { record, objects } of momentsOf(bucket, place, startedAt, bucket.changes.length))
      if (record === undefined && areSame(digestsOfFiles(objects), digests)) return true;
    return false;
  }
}
