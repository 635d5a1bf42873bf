import { randomBytes } from 'node:crypto';
import type { MultipartUpload } from './multipart-upload.ts';
import type { StoredObject } from './stored-object.ts';
import { compareUtf8, partitionPoint } from './utf8-order.ts';

export interface BucketOptions {
  readonly name: string;
  /** The region of the bucket; a request signed for another one is redirected. The server's region if absent. */
  readonly region?: string;
  /** Account id. '123456789012' if absent. */
  readonly owner?: string;
  /** Every object is retained by default, so every write must have a checksum. */
  readonly objectLock?: boolean;
}

/** The effect of a DELETE in a bucket with versioning. */
export interface Deletion {
  readonly versionId?: string;
  readonly deleteMarker?: boolean;
}

type Version = StoredObject | { readonly versionId: string; readonly deleteMarker: true };

/** The objects and open uploads of one bucket. Every method is synchronous, so that a check and a write are atomic. */
export class Bucket {
  readonly name: string;
  readonly region: string;
  readonly owner: string;
  readonly objectLock: boolean;
  readonly createdAt: Date;
  /** By upload id. */
  readonly uploads = new Map<string, MultipartUpload>();
  versioning: 'Enabled' | 'Suspended' | undefined;
  readonly #objects = new Map<string, StoredObject>();
  readonly #versions = new Map<string, readonly Version[]>();
  readonly #keys: string[] = [];

  constructor(options: Required<BucketOptions>, createdAt: Date) {
    this.name = options.name;
    this.region = options.region;
    this.owner = options.owner;
    this.objectLock = options.objectLock;
    this.createdAt = createdAt;
  }

  /** All keys, in the order of their UTF-8 bytes. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  getVersion(key: string, versionId: string): StoredObject | undefined {
    const found = this.#history(key).find((version) => version.versionId === versionId);
    return found !== undefined && 'content' in found ? found : undefined;
  }

  /** Makes the object the current version of its key. */
  put(object: StoredObject): StoredObject {
    const versionId = this.#nextVersionId();
    const stored = { ...object, versionId };
    if (versionId !== undefined) this.#addVersion(object.key, stored);
    this.#setCurrent(object.key, stored);
    return stored;
  }

  /** Changes the attributes of an existing object without a new version. */
  replace(object: StoredObject): void {
    const { key, versionId } = object;
    const versions = this.#versions.get(key)?.map((version) => (version.versionId === versionId ? object : version));
    if (versions !== undefined) this.#versions.set(key, versions);
    if (this.get(key)?.versionId === versionId) this.#objects.set(key, object);
  }

  /** Removes the object or, with versioning, hides it behind a delete marker. */
  delete(key: string): Deletion {
    const versionId = this.#nextVersionId();
    if (versionId !== undefined) this.#addVersion(key, { versionId, deleteMarker: true });
    this.#setCurrent(key, undefined);
    return versionId === undefined ? {} : { versionId, deleteMarker: true };
  }

  /** Removes one version permanently; the newest one left becomes current. */
  deleteVersion(key: string, versionId: string): Deletion {
    const versions = this.#history(key);
    const removed = versions.find((version) => version.versionId === versionId);
    const left = versions.filter((version) => version !== removed);
    this.#versions.set(key, left);
    const newest = left.at(-1);
    this.#setCurrent(key, newest !== undefined && 'content' in newest ? newest : undefined);
    return { versionId, ...(removed !== undefined && 'deleteMarker' in removed ? { deleteMarker: true } : {}) };
  }

  #nextVersionId(): string | undefined {
    if (this.versioning === undefined) return undefined;
    return this.versioning === 'Enabled' ? randomBytes(24).toString('base64url') : 'null';
  }

  #addVersion(key: string, version: Version): void {
    // A bucket whose versioning is suspended keeps a single version with the id "null".
    const others = this.#history(key).filter((other) => other.versionId !== version.versionId);
    this.#versions.set(key, [...others, version]);
  }

  /** Oldest first. An object from before versioning has the version id "null". */
  #history(key: string): readonly Version[] {
    const current = this.#objects.get(key);
    const unversioned = current === undefined ? [] : [{ ...current, versionId: 'null' }];
    return this.#versions.get(key) ?? unversioned;
  }

  #setCurrent(key: string, object: StoredObject | undefined): void {
    const known = this.#objects.has(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    if (known === (object !== undefined)) return;
    const index = partitionPoint(this.#keys, (other) => compareUtf8(other, key) < 0);
    this.#keys.splice(index, known ? 1 : 0, ...(known ? [] : [key]));
  }
}
