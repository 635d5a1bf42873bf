import type { S3Client } from '@aws-sdk/client-s3';
import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import { createClient, type Sdk } from './client.ts';
import type { Connection } from './connection.ts';
import { type Attempt, required, storeFault } from './faults.ts';
import { type LeanRequest, sendLean } from './lean-request.ts';
import type { Limits } from './limits.ts';
import { once } from './once.ts';
import type { Reply } from './reply.ts';
import type { StoreSettings } from './settings.ts';

/** What an operation does, in the terms of its messages. */
export interface Operation {
  /** For messages: `read`, `list`, `write`. */
  readonly verb: string;
  /** The key it is done to, or the prefix of keys. */
  readonly key: string;
  /** The IAM action it needs. */
  readonly action: string;
  /** The key it copies from. */
  readonly source?: string;
  readonly signal?: AbortSignal;
}

/** The bucket as operations see it: how requests are sent, and how their faults are told. */
export class Bucket {
  /** Part of every request of the SDK's client. */
  readonly address: { readonly Bucket: string; readonly ExpectedBucketOwner?: string };
  readonly #connection: Connection;
  /** Loads the SDK, when the first request needs it. */
  readonly #sdk: () => Promise<{ readonly client: S3Client; readonly sdk: Sdk }>;

  constructor(connection: Connection) {
    const { bucket, expectedBucketOwner } = connection.settings;
    this.address = defined({ Bucket: bucket, ExpectedBucketOwner: expectedBucketOwner });
    this.#connection = connection;
    this.#sdk = once(async () => {
      const sdk = await import('./sdk.ts');
      return { sdk, client: await createClient(connection, sdk) };
    });
  }

  get settings(): StoreSettings {
    return this.#connection.settings;
  }

  get limits(): Limits {
    return this.#connection.limits;
  }

  /**
   * Performs an operation with the SDK's client.
   *
   * @throws StoreError for every fault; the signal's reason when it was aborted
   */
  async perform<Output>(operation: Operation, send: (client: S3Client, sdk: Sdk) => Promise<Output>): Promise<Output> {
    return this.#telling(operation, async () => {
      const { client, sdk } = await this.#sdk();
      return send(client, sdk);
    });
  }

  /** Performs an operation by the lean path; see there. */
  performLean(operation: Operation, request: LeanRequest): Promise<Reply> {
    return this.#telling(operation, () => sendLean(this.#connection, request));
  }

  /** Requires a field of an operation's reply: a page with status 200 that has none of them has been seen. */
  required<Value>(operation: Operation, value: Value | undefined, name: string): Value {
    return required({ value, name, attempt: this.#attempt(operation), destination: this.#connection.destination });
  }

  /** Requires the ETag of an operation's reply; some servers leave out the quotes in some replies. */
  requiredEtag(operation: Operation, value: string | undefined): string {
    const etag = this.required(operation, value, 'an ETag');
    return /^(W\/)?"/.test(etag) ? etag : `"${etag}"`;
  }

  /** The fields of a copy out of this bucket, of nothing but the source's ETag. */
  copySource({ key, etag }: { key: string; etag: string }) {
    return {
      CopySource: `${this.settings.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
      CopySourceIfMatch: etag,
      ...defined({ ExpectedSourceBucketOwner: this.address.ExpectedBucketOwner }),
    };
  }

  async #telling<Output>(operation: Operation, send: () => Promise<Output>): Promise<Output> {
    try {
      return await send();
    } catch (error) {
      operation.signal?.throwIfAborted();
      throw storeFault(error, this.#attempt(operation), this.#connection.destination);
    }
  }

  #attempt({ verb, key, action, source }: Operation): Attempt {
    const { bucket } = this.settings;
    const arn = (object: string) => `arn:aws:s3:::${bucket}/${printable(object)}`;
    const reading = source === undefined ? '' : `s3:GetObject on ${arn(source)} and `;
    const hint = action === 's3:GetObject' ? ' (without s3:ListBucket, S3 denies what does not exist)' : '';
    const resource = action.startsWith('s3:List') ? `arn:aws:s3:::${bucket}` : arn(key);
    return {
      what: `${verb} s3://${bucket}/${printable(key)}`,
      permissions: `${reading}${action} on ${resource}${hint}`,
    };
  }
}
