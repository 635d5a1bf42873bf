import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { ACCOUNT_ID } from './account.ts';
import type { BucketOptions } from './bucket.ts';
import { CredentialStore, type TemporaryCredentials } from './credentials.ts';
import type { Fault } from './faults.ts';
import { type FixtureOptions, makeObject } from './fixtures.ts';
import type { MultipartUpload } from './multipart-upload.ts';
import { type LocalS3Options, resolveSettings } from './options.ts';
import type { Deny } from './permissions.ts';
import { type LoggedRequest, RequestLog } from './request-log.ts';
import { serve } from './serve.ts';
import type { Service } from './service.ts';
import { Storage } from './storage.ts';
import type { StoredObject } from './stored-object.ts';

export type { BucketOptions } from './bucket.ts';
export type { Checksum, ChecksumAlgorithm } from './checksums.ts';
export { Content } from './content.ts';
export type { Credentials, TemporaryCredentials } from './credentials.ts';
export type { Fault, FaultAction, FaultTime } from './faults.ts';
export type { FixtureOptions } from './fixtures.ts';
export type { MultipartUpload, UploadedPart } from './multipart-upload.ts';
export type { Operation } from './operation.ts';
export type { LocalS3Options } from './options.ts';
export type { Access, Deny, IamAction } from './permissions.ts';
export type { Reply } from './reply.ts';
export { type LoggedRequest, peakConcurrency } from './request-log.ts';
export type { CheckWebIdentity, Role, WebIdentity } from './roles.ts';
export type { StoredObject, Tag } from './stored-object.ts';

/** The default keys of a server. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'testsecret1' } as const;

/** A running server. It speaks S3 and STS at the same address. */
export interface LocalS3 extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly LoggedRequest[];
  clearRequests(): void;
  /** Decides the fault of each request, if any. */
  fault: Fault | undefined;
  /** Decides which requests are refused with AccessDenied. */
  deny: Deny | undefined;

  // Direct access for fixtures: no HTTP, no log, no faults. All throw if there is no such bucket.
  createBucket(options: BucketOptions): void;
  put(bucket: string, key: string, body: string | Uint8Array, options?: FixtureOptions): StoredObject;
  get(bucket: string, key: string): StoredObject | undefined;
  /** In the order of their UTF-8 bytes. */
  keys(bucket: string, prefix?: string): string[];
  delete(bucket: string, key: string): void;
  /** The open multipart uploads. */
  uploads(bucket: string): MultipartUpload[];
  /** A key pair with a session token, as from STS. */
  issueCredentials(durationSeconds?: number): TemporaryCredentials;

  /** Ends live connections at once. */
  close(): Promise<void>;
}

/** Starts a server on 127.0.0.1. All its data is in memory, and is lost when it closes. */
export async function startLocalS3(options: LocalS3Options = {}): Promise<LocalS3> {
  const closing = new AbortController();
  const service = createService(options, closing.signal);
  const server = createServer((message, response) => void serve(service, message, response));
  // The Date header comes from the server's clock. Idle connections stay open, since closing one could break a request.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await once(server.listen(options.port ?? 0, '127.0.0.1'), 'listening');
  return new RunningServer(service, server, closing);
}

function createService(options: LocalS3Options, closing: AbortSignal): Service {
  const settings = resolveSettings(options);
  const storage = new Storage();
  const credentials = new CredentialStore();
  const { accessKeyId = CREDENTIALS.accessKeyId, secretAccessKey = CREDENTIALS.secretAccessKey } = options;
  for (const known of [{ accessKeyId, secretAccessKey }, ...(options.credentials ?? [])]) credentials.add(known);
  const service = { settings, storage, credentials, log: new RequestLog(), closing };
  for (const bucket of options.buckets ?? []) {
    addBucket(service, typeof bucket === 'string' ? { name: bucket } : bucket);
  }
  return { ...service, fault: options.fault, deny: options.deny };
}

function addBucket({ settings, storage }: Pick<Service, 'settings' | 'storage'>, options: BucketOptions): void {
  storage.create(
    { region: settings.region, owner: ACCOUNT_ID, objectLock: false, ...options },
    new Date(settings.now()),
  );
}

class RunningServer implements LocalS3 {
  readonly port: number;
  readonly url: string;
  readonly #service: Service;
  readonly #server: Server;
  readonly #closing: AbortController;
  #closed: Promise<unknown> | undefined;

  constructor(service: Service, server: Server, closing: AbortController) {
    this.#service = service;
    this.#server = server;
    this.#closing = closing;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  get requests(): readonly LoggedRequest[] {
    return this.#service.log.requests;
  }

  clearRequests(): void {
    this.#service.log.clear();
  }

  get fault(): Fault | undefined {
    return this.#service.fault;
  }

  set fault(fault: Fault | undefined) {
    this.#service.fault = fault;
  }

  get deny(): Deny | undefined {
    return this.#service.deny;
  }

  set deny(deny: Deny | undefined) {
    this.#service.deny = deny;
  }

  createBucket(options: BucketOptions): void {
    addBucket(this.#service, options);
  }

  put(bucket: string, key: string, body: string | Uint8Array, options: FixtureOptions = {}): StoredObject {
    const object = makeObject(key, body, { lastModified: new Date(this.#service.settings.now()), ...options });
    return this.#service.storage.require(bucket).put(object);
  }

  get(bucket: string, key: string): StoredObject | undefined {
    return this.#service.storage.require(bucket).get(key);
  }

  keys(bucket: string, prefix = ''): string[] {
    return this.#service.storage.require(bucket).keys.filter((key) => key.startsWith(prefix));
  }

  delete(bucket: string, key: string): void {
    this.#service.storage.require(bucket).delete(key);
  }

  uploads(bucket: string): MultipartUpload[] {
    return [...this.#service.storage.require(bucket).uploads.values()];
  }

  issueCredentials(durationSeconds = 3600): TemporaryCredentials {
    const arn = `arn:aws:sts::${ACCOUNT_ID}:assumed-role/local/session`;
    const expiresAt = this.#service.settings.now() + durationSeconds * 1000;
    return this.#service.credentials.issue({ arn, expiresAt });
  }

  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = once(this.#server, 'close');
      this.#closing.abort();
      this.#server.close();
      this.#server.closeAllConnections();
    }
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
