import { partition } from '@aws-sdk/core/client';
import { StoreError } from '../errors.ts';
import type { WriteCondition, WriteResult } from '../ports.ts';
import { printable } from '../text.ts';
import type { Connection } from './connection.ts';
import { type Attempt, causeName, isPreconditionFailure, isUnknownHeader, storeFault } from './faults.ts';
import type { Reply } from './reply.ts';
import type { StoreSettings } from './settings.ts';
import { type S3Request, sendSigned } from './signed-request.ts';

/** An operation on the bucket, as messages describe it. */
export interface Operation {
  /** For messages: `read`, `list`, `write`. */
  readonly verb: string;
  /** The key that it works on, or the prefix of the keys. */
  readonly key: string;
  /** The IAM action it needs. */
  readonly action: string;
  /** The key it copies from. */
  readonly source?: string;
  /** Undefined: it can't be cancelled. */
  readonly signal?: AbortSignal;
}

/** The bucket as operations see it: sends requests and turns their faults into StoreErrors. */
export class Bucket {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  get settings(): StoreSettings {
    return this.connection.settings;
  }

  /** Ends every request that only reads. */
  get signal(): AbortSignal {
    return this.connection.signal;
  }

  /**
   * Performs an operation by one signed request, cancelled by the operation's signal.
   *
   * @param read extracts the result from the reply; if it throws, the request is sent again
   * @throws StoreError for every fault; the signal's reason once it is aborted
   */
  send<Value>(operation: Operation, request: Omit<S3Request, 'signal'>, read: (reply: Reply) => Value): Promise<Value> {
    return this.explaining(operation, () =>
      sendSigned(this.connection, { ...request, signal: operation.signal }, read),
    );
  }

  /** Like {@link send}. @returns undefined if the store says that there is no such object, which is not a fault */
  async sendIfThere<Value>(
    operation: Operation,
    request: Omit<S3Request, 'signal'>,
    read: (reply: Reply) => Value,
  ): Promise<Value | undefined> {
    try {
      return await this.send(operation, request, read);
    } catch (error) {
      if (causeName(error) === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  /** Requires a field of a reply. Gateways have been seen to answer 200 with a page that has none of the fields. */
  required<Value>(operation: Operation, value: Value | undefined, name: string): Value {
    if (value !== undefined) return value;
    throw this.malformed(operation, `answered without ${name}, so it is not an S3 reply`);
  }

  /** @param what the server did, after its name */
  malformed(operation: Operation, what: string): StoreError {
    const message = `Could not ${this.#attempt(operation).what}: ${this.connection.destination.host} ${what}: check endpoint-url and any proxy in between`;
    return new StoreError('malformed-reply', message);
  }

  /** Requires the ETag of a reply, and quotes it: some servers leave the quotes out of some replies. */
  requiredEtag(operation: Operation, value: string | undefined): string {
    const etag = this.required(operation, value, 'an ETag');
    return /^(W\/)?"/.test(etag) ? etag : `"${etag}"`;
  }

  /** Runs `send`. @throws StoreError that says what the operation was; the signal's reason once it is aborted */
  async explaining<Output>(operation: Operation, send: () => Promise<Output>): Promise<Output> {
    try {
      return await send();
    } catch (error) {
      operation.signal?.throwIfAborted();
      throw storeFault(error, this.#attempt(operation), this.connection.destination);
    }
  }

  #attempt({ verb, key, action, source }: Operation): Attempt {
    const { bucket, region } = this.settings;
    const bucketArn = `arn:${region === undefined ? 'aws' : partition(region).name}:s3:::${bucket}`;
    const arn = (object: string) => `${bucketArn}/${printable(object)}`;
    const reading = source === undefined ? '' : `s3:GetObject on ${arn(source)} and `;
    const hint = action === 's3:GetObject' ? ' (without s3:ListBucket, S3 denies what does not exist)' : '';
    const isOfBucket = action.startsWith('s3:List');
    const resource = isOfBucket ? bucketArn : arn(key);
    return {
      what: `${verb} s3://${bucket}/${printable(key)}`,
      permissions: `${reading}${action} on ${resource}${hint}`,
      isOfBucket,
    };
  }
}

interface ConditionalWrite {
  readonly operation: 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload';
  readonly condition: WriteCondition;
}

/** A store, and the conditions that it has refused as unknown. */
export type ConditionalStore = Pick<Connection, 'unknownConditions'> & {
  readonly settings: Pick<StoreSettings, 'endpointUrl'>;
};

/**
 * Sends a write under a condition. If the store does not know the condition, the write is sent again without it, and so
 * are all later writes of the run.
 *
 * @param send sends the write, under a condition or none, and returns the object's ETag
 */
export async function writeConditionally(
  { unknownConditions, settings }: ConditionalStore,
  { operation, condition }: ConditionalWrite,
  send: (condition: WriteCondition | undefined) => Promise<string>,
): Promise<WriteResult> {
  const name = `${operation} ${condition.kind === 'absent' ? 'If-None-Match' : 'If-Match'}`;
  if (!unknownConditions.has(name)) {
    try {
      return { outcome: 'written', etag: await send(condition), guarded: true };
    } catch (error) {
      if (isPreconditionFailure(error)) return { outcome: 'precondition-failed' };
      if (causeName(error) === 'NoSuchKey' && condition.kind === 'unchanged') return { outcome: 'missing' };
      if (!isUnknownHeader(settings, causeName(error))) throw error;
    }
  }
  const etag = await send(undefined);
  unknownConditions.add(name);
  return { outcome: 'written', etag, guarded: false };
}
