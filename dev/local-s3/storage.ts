import { Bucket, type BucketOptions } from './bucket.ts';
import { S3Error } from './s3-error.ts';

/** All buckets of a server. */
export class Storage {
  readonly #buckets = new Map<string, Bucket>();

  get buckets(): readonly Bucket[] {
    return [...this.#buckets.values()];
  }

  /** Creates an empty bucket, unless one of that name exists. */
  create(options: Required<BucketOptions>, createdAt: Date): Bucket {
    const bucket = this.#buckets.get(options.name) ?? new Bucket(options, createdAt);
    this.#buckets.set(bucket.name, bucket);
    return bucket;
  }

  find(name: string | undefined): Bucket | undefined {
    return name === undefined ? undefined : this.#buckets.get(name);
  }

  /** @throws {S3Error} NoSuchBucket */
  require(name: string | undefined): Bucket {
    const bucket = this.find(name);
    if (bucket === undefined) throw new S3Error('NoSuchBucket', { details: { BucketName: name ?? '' } });
    return bucket;
  }

  remove(name: string): void {
    this.#buckets.delete(name);
  }
}
