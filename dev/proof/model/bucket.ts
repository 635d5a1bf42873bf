import type { AssetAttributes, WriteCondition } from '../../../src/ports.ts';
import { digestsOf, etagOf, etagOfParts, isRecordKey, note } from './contents.ts';

/** The origin of a change: the number of a process, or an outsider, who does not know about records. */
export type Author = number | 'outsider';

/** The state of an object after one write. */
export interface Version {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly attributes: AssetAttributes;
  /** Base64 SHA-256, if the store keeps one. */
  readonly checksum: string | undefined;
  readonly modifiedMs: number;
  /** The store has lost bytes without noticing, so the ETag no longer matches. */
  readonly isRotten?: boolean;
  /** Nothing can read or copy it. */
  readonly isArchived?: boolean;
  /** The store gives a time later than the real time of the write. */
  readonly isPostdated?: boolean;
  /** Written by the repetition of a request that had already taken effect. */
  readonly isRepeated?: boolean;
  readonly author: Author;
}

/** A change of one key. All changes up to a moment give the store's state at that moment. */
export interface Change {
  readonly key: string;
  readonly version: Version | undefined;
  readonly author: Author;
}

export interface Multipart {
  readonly id: string;
  readonly key: string;
  readonly attributes: AssetAttributes;
  readonly author: Author;
  readonly parts: Map<number, Buffer>;
  /** Its sender does not know its id: the reply was lost, or has not arrived yet. */
  isUnknown: boolean;
}

export interface Write {
  readonly key: string;
  readonly bytes: Buffer;
  readonly attributes: AssetAttributes;
  readonly condition: WriteCondition;
  readonly author: Author;
  readonly keepsChecksum?: boolean;
  readonly isRepeated?: boolean;
}

export type Refusal = 'precondition-failed' | 'missing';

const PAGE_LENGTH = 2;

/** An S3 bucket. Each method is one request and takes effect at once. */
export class Bucket {
  readonly objects = new Map<string, Version>();
  readonly changes: Change[] = [];
  readonly multiparts = new Map<string, Multipart>();
  /** Whether the store checks conditions on the target of a copy. If not, a copy replaces any object. */
  checksCopies = false;
  readonly #now: () => number;
  #multipartCount = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Why a condition fails; undefined if it does not. */
  refusal(key: string, condition: WriteCondition): Refusal | undefined {
    const current = this.objects.get(key);
    if (condition.kind === 'absent') return current === undefined ? undefined : 'precondition-failed';
    if (current === undefined) return 'missing';
    return current.etag === condition.etag ? undefined : 'precondition-failed';
  }

  put({ key, bytes, attributes, condition, author, keepsChecksum, isRepeated = false }: Write): Version | Refusal {
    const refusal = this.refusal(key, condition);
    if (refusal !== undefined) return refusal;
    const checksum = keepsChecksum ? digestsOf(bytes).sha256 : undefined;
    return this.store(key, { bytes, etag: etagOf(bytes), attributes, checksum, author, isRepeated });
  }

  store(key: string, version: Omit<Version, 'modifiedMs'>): Version {
    const stored = { ...version, modifiedMs: this.#now() };
    this.objects.set(key, stored);
    if (!isRecordKey(key)) note(stored.etag, stored.bytes);
    this.changes.push({ key, version: stored, author: version.author });
    return stored;
  }

  /** An object's bytes change on the disk, which shows only when they are read. */
  rot(key: string): void {
    const version = this.objects.get(key);
    if (version === undefined || version.bytes.length === 0) return;
    const bytes = Buffer.from(version.bytes);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    this.objects.set(key, { ...version, bytes, isRotten: true });
  }

  /** A lifecycle rule archives an object, so that nothing can read it. */
  archive(key: string): void {
    this.#change(key, (version) => ({ ...version, isArchived: true }));
  }

  /** The store's clock was wrong when an object was written. */
  postdate(key: string, byMs: number): void {
    this.#change(key, (version) => ({ ...version, modifiedMs: version.modifiedMs + byMs, isPostdated: true }));
  }

  #change(key: string, change: (version: Version) => Version): void {
    const before = this.objects.get(key);
    if (before === undefined) return;
    const version = change(before);
    this.objects.set(key, version);
    this.changes.push({ key, version, author: 'outsider' });
  }

  delete(key: string, author: Author): void {
    if (this.objects.delete(key)) this.changes.push({ key, version: undefined, author });
  }

  /** One page of the keys under a prefix, starting after a given key. */
  page(prefix: string, after: string): { readonly keys: readonly string[]; readonly isTruncated: boolean } {
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    return { keys: keys.slice(0, PAGE_LENGTH), isTruncated: keys.length > PAGE_LENGTH };
  }

  /** @param source with the ETag that it must have */
  copy({ source, target, attributes, author }: Copy): Version | 'source-changed' | 'source-archived' {
    const original = this.objects.get(source.key);
    if (original?.etag !== source.etag) return 'source-changed';
    if (original.isArchived) return 'source-archived';
    const { bytes, checksum, isRotten = false } = original;
    return this.store(target, { bytes, etag: etagOf(bytes), attributes, checksum, author, isRotten });
  }

  createMultipart(key: string, attributes: AssetAttributes, author: Author): Multipart {
    this.#multipartCount += 1;
    const id = `m${this.#multipartCount}`;
    const multipart = { id, key, attributes, author, parts: new Map(), isUnknown: true };
    this.multiparts.set(id, multipart);
    return multipart;
  }

  /** @param condition undefined: replaces any object */
  complete(id: string, condition: WriteCondition | undefined): Version | Refusal {
    const multipart = this.multiparts.get(id);
    if (multipart === undefined) return 'missing';
    const { key, attributes, author } = multipart;
    const refusal = condition && this.refusal(key, condition);
    if (refusal !== undefined) return refusal;
    this.multiparts.delete(id);
    const parts = [...multipart.parts].sort(([left], [right]) => left - right).map(([, bytes]) => bytes);
    const bytes = Buffer.concat(parts);
    return this.store(key, { bytes, etag: etagOfParts(parts), attributes, checksum: undefined, author });
  }
}

export interface Copy {
  readonly source: { readonly key: string; readonly etag: string };
  readonly target: string;
  readonly attributes: AssetAttributes;
  readonly author: Author;
}
