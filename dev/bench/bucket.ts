import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { connect, type Site } from '../servers/site.ts';

export interface Content {
  readonly count: number;
  readonly sizeBytes: number;
}

/** Direct access to a bucket of the server: preparing and counting bypasses the proxy and is never timed. */
export class Bucket {
  readonly name: string;
  readonly #client: S3Client;

  private constructor(client: S3Client, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** @returns a new bucket that has stored an object before: some servers set a bucket up with its first object */
  static async create(site: Site): Promise<Bucket> {
    const bucket = new Bucket(connect(site), `bench-${randomUUID()}`);
    await bucket.#client.send(new CreateBucketCommand({ Bucket: bucket.name }));
    await bucket.#client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'warm', Body: 'x' }));
    await bucket.remove('warm');
    return bucket;
  }

  /** @returns number and size of the objects under a prefix */
  async content(prefix: string): Promise<Content> {
    const sizes: number[] = [];
    for await (const { Contents = [] } of this.#pages(prefix)) sizes.push(...Contents.map(({ Size }) => Size ?? 0));
    return { count: sizes.length, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** @throws Error unless there are exactly so many files of one size under a prefix */
  async expectFiles(prefix: string, files: { readonly count: number; readonly sizeBytes: number }): Promise<void> {
    const { count, sizeBytes } = await this.content(prefix);
    const expectedBytes = files.count * files.sizeBytes;
    if (count === files.count && sizeBytes === expectedBytes) return;
    throw new Error(
      `${prefix} has ${count} objects of ${sizeBytes} bytes: ${files.count} of ${expectedBytes} expected`,
    );
  }

  async remove(prefix: string): Promise<void> {
    const pages = await Array.fromAsync(this.#pages(prefix));
    for (const { Contents = [] } of pages) {
      const Objects = Contents.map(({ Key }) => ({ Key }));
      if (Objects.length === 0) continue;
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.name, Delete: { Objects, Quiet: true } }),
      );
      if (Errors[0] !== undefined) throw new Error(`'${Errors[0].Key}' can't be deleted: ${Errors[0].Message}`);
    }
  }

  /** Deletes the bucket with everything in it. */
  async delete(): Promise<void> {
    await this.remove('');
    await this.#client.send(new DeleteBucketCommand({ Bucket: this.name }));
    this.#client.destroy();
  }

  #pages(prefix: string) {
    return paginateListObjectsV2({ client: this.#client }, { Bucket: this.name, Prefix: prefix });
  }
}
