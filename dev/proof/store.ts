import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { type LocalS3, startLocalS3 } from '../local-s3/local-s3.ts';

/** A server other than the local one, and credentials to create a bucket there. */
export interface Endpoint {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SeenObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A bucket as the proof sees it: directly, without any code of the action. */
export interface ProvenStore extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly bucket: string;
  /** The server itself, if it is the local one. */
  readonly local: LocalS3 | undefined;
  /** Every object under a prefix, by its key. */
  objects(prefix: string): Promise<ReadonlyMap<string, SeenObject>>;
  /** The keys of the open multipart uploads under a prefix. */
  openUploads(prefix: string): Promise<readonly string[]>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** Moves the local server's clock ahead of the real time; the clocks of other servers can't be moved. */
  setClockAhead(ms: number): void;
}

/** @param endpoint a local server in this process if undefined */
export function openStore(endpoint: Endpoint | undefined): Promise<ProvenStore> {
  return endpoint === undefined ? openLocalStore() : openRemoteStore(endpoint);
}

async function openLocalStore(): Promise<ProvenStore> {
  const bucket = `proof-${randomUUID()}`;
  let aheadMs = 0;
  const server = await startLocalS3({ buckets: [bucket], now: () => Date.now() + aheadMs });
  return {
    bucket,
    local: server,
    endpoint: { url: server.url, accessKeyId: 'test', secretAccessKey: 'testsecret1' },
    objects: async (prefix) => {
      const keys = server.keys(bucket, prefix);
      return new Map(keys.map((key) => [key, seenLocally(server, bucket, key)]));
    },
    openUploads: async (prefix) =>
      server
        .uploads(bucket)
        .map(({ key }) => key)
        .filter((key) => key.startsWith(prefix)),
    put: async (key, bytes) => void server.put(bucket, key, bytes),
    delete: async (key) => server.delete(bucket, key),
    setClockAhead: (ms) => {
      aheadMs = ms;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function seenLocally(server: LocalS3, bucket: string, key: string): SeenObject {
  const object = server.get(bucket, key);
  if (object === undefined) throw new Error(`${key} was listed and is not there`);
  return { bytes: object.content.bytes(), etag: object.etag, metadata: object.metadata };
}

async function openRemoteStore(endpoint: Endpoint): Promise<ProvenStore> {
  const { url, ...credentials } = endpoint;
  const client = new S3Client({ endpoint: url, credentials, region: 'us-east-1', forcePathStyle: true });
  const bucket = `proof-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const store = new RemoteStore(client, bucket);
  return {
    bucket,
    endpoint,
    local: undefined,
    objects: (prefix) => store.objects(prefix),
    openUploads: async (prefix) => (await store.uploads(prefix)).map(({ Key }) => Key ?? ''),
    put: async (key, bytes) =>
      void (await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))),
    delete: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
    setClockAhead: () => {},
    [Symbol.asyncDispose]: () => store.remove(),
  };
}

class RemoteStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const { Contents = [] } of pages) keys.push(...Contents.map(({ Key }) => Key ?? ''));
    return keys;
  }

  async objects(prefix: string): Promise<ReadonlyMap<string, SeenObject>> {
    const objects = new Map<string, SeenObject>();
    for (const key of await this.keys(prefix)) {
      const output = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      const bytes = (await output.Body?.transformToByteArray()) ?? new Uint8Array();
      objects.set(key, { bytes, etag: output.ETag ?? '', metadata: output.Metadata ?? {} });
    }
    return objects;
  }

  /** As the server lists them under a prefix: MinIO lists none. One page is enough, since a proof leaves few open. */
  async uploads(prefix: string) {
    const command = new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix });
    return (await this.#client.send(command)).Uploads ?? [];
  }

  async remove(): Promise<void> {
    const Bucket = this.#bucket;
    for (const { Key, UploadId } of await this.uploads(''))
      await this.#client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    for (const Key of await this.keys('')) await this.#client.send(new DeleteObjectCommand({ Bucket, Key }));
    await this.#client.send(new DeleteBucketCommand({ Bucket }));
    this.#client.destroy();
  }
}
