import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { type LocalS3, type LocalS3Options, startLocalS3 } from '../../dev/local-s3/local-s3.ts';

/** A stored object as an outsider sees it. */
export interface SeenObject {
  readonly body: string;
  readonly etag: string;
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A new bucket: of a local server, or of a real one if `TEST_S3_ENDPOINT`, `TEST_S3_ACCESS_KEY` and
 * `TEST_S3_SECRET_KEY` name one. Tests inspect and change it through the SDK, as anyone could.
 */
export class TestBucket {
  readonly name: string;
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly client: S3Client;
  readonly #server: LocalS3 | undefined;

  private constructor(endpoint: string, credentials: TestBucket['credentials'], server: LocalS3 | undefined) {
    this.name = `test-${randomUUID()}`;
    this.endpoint = endpoint;
    this.credentials = credentials;
    this.client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
    this.#server = server;
  }

  /** @param options for the local server; not used with a real one */
  static async create(options: LocalS3Options = {}): Promise<TestBucket> {
    const endpoint = process.env.TEST_S3_ENDPOINT;
    const server = endpoint === undefined ? await startLocalS3(options) : undefined;
    const credentials = {
      accessKeyId: process.env.TEST_S3_ACCESS_KEY ?? 'test',
      secretAccessKey: process.env.TEST_S3_SECRET_KEY ?? 'testsecret1',
    };
    const bucket = new TestBucket(server?.url ?? endpoint ?? '', credentials, server);
    if (server === undefined) await bucket.client.send(new CreateBucketCommand({ Bucket: bucket.name }));
    else server.createBucket({ name: bucket.name });
    return bucket;
  }

  /** The local server, for tests that count requests or inject faults; they do not run against a real server. */
  get server(): LocalS3 {
    if (this.#server === undefined) throw new Error('This test needs the local server: name its file *.local.test.ts');
    return this.#server;
  }

  async put(key: string, body: string | Uint8Array, options: Partial<SeenObject> = {}): Promise<void> {
    const { metadata, contentType: ContentType, cacheControl: CacheControl } = options;
    await this.client.send(
      new PutObjectCommand({
        Bucket: this.name,
        Key: key,
        Body: Buffer.from(body),
        Metadata: { ...metadata },
        ContentType,
        CacheControl,
      }),
    );
  }

  async get(key: string): Promise<SeenObject | undefined> {
    try {
      const output = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
      return {
        body: (await output.Body?.transformToString()) ?? '',
        etag: output.ETag ?? '',
        contentType: output.ContentType,
        cacheControl: output.CacheControl,
        metadata: output.Metadata ?? {},
      };
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  async keys(prefix = ''): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client: this.client }, { Bucket: this.name, Prefix: prefix }))
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
    return keys;
  }

  async copy(source: string, target: string): Promise<void> {
    const CopySource = `${this.name}/${source.split('/').map(encodeURIComponent).join('/')}`;
    await this.client.send(new CopyObjectCommand({ Bucket: this.name, Key: target, CopySource }));
  }

  /** The keys of the multipart uploads that were begun and neither completed nor aborted. */
  async openUploads(): Promise<string[]> {
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name }));
    return Uploads.map(({ Key }) => Key ?? '');
  }

  async delete(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }));
  }

  async close(): Promise<void> {
    if (this.#server === undefined) await this.#remove();
    this.client.destroy();
    await this.#server?.close();
  }

  async abortUploads(prefix = ''): Promise<void> {
    const Bucket = this.name;
    // With a prefix, MinIO only finds them by their whole key.
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }));
    for (const { Key, UploadId } of Uploads)
      await this.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }

  /** Deletes the bucket from a real server, which outlives the tests. */
  async #remove(): Promise<void> {
    await this.abortUploads();
    for (const key of await this.keys()) await this.delete(key);
    await this.client.send(new DeleteBucketCommand({ Bucket: this.name }));
  }
}
