import { readableSize } from '../../core/counted.ts';
import { printable } from '../../core/printable.ts';
import { MOST_RECORD_BYTES } from '../../core/record.ts';
import { StoreError } from '../../errors.ts';
import type { StoredDocument } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import { causeName } from './refusal.ts';

/** A signature comes on top of what a record may have. */
const MOST_BYTES = MOST_RECORD_BYTES + 1024;

/** @returns an object whole; undefined when the store says that there is none */
export async function readDocument(bucket: Bucket, key: string): Promise<StoredDocument | undefined> {
  const operation = { verb: 'read', key, action: 's3:GetObject', signal: bucket.signal };
  const request = { method: 'GET', key, mostReplyBytes: MOST_BYTES } as const;
  try {
    return await bucket.sendIfThere(operation, request, ({ body, headers }) => ({
      body,
      etag: bucket.requiredEtag(operation, headers.etag),
      lastModifiedMs: bucket.required(operation, timeOf(headers['last-modified']), 'Last-Modified'),
      dateMs: bucket.required(operation, timeOf(headers.date), 'a Date'),
    }));
  } catch (error) {
    throw causeName(error) === 'OversizedReplyError' ? oversized(bucket, key, error) : error;
  }
}

function oversized({ settings: { bucket } }: Bucket, key: string, cause: unknown): StoreError {
  return new StoreError(
    'malformed-reply',
    `s3://${bucket}/${printable(key)} has more than ${readableSize(MOST_RECORD_BYTES)}, the most a record can have: find out who wrote it, and delete it to start anew`,
    { cause },
  );
}

function timeOf(header: string | undefined): number | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
