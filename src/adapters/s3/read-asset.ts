import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import { StoreError } from '../../errors.ts';
import type { AssetRead, ReadResult } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { causeName, isPreconditionFailure } from './refusal.ts';
import { OversizedReplyError, type ReplyHead } from './reply.ts';

/** What refuses a request is longer than a short range. */
const REFUSAL_BYTES = 64 * 1024;

/** How a store answers that an object is gone or shorter. */
const GONE: ReadonlySet<string> = new Set(['NoSuchKey', 'InvalidRange']);

const CHANGED: ReadResult = { outcome: 'changed' };

/**
 * Reads a range of an asset, whole; 'changed' where the object is not the one asked for any more.
 *
 * @throws StoreError also where the reply is not the range that was asked for
 */
export async function readAsset(bucket: Bucket, read: AssetRead): Promise<ReadResult> {
  const { key, etag, range, into, signal } = read;
  const operation = { verb: 'read', key, action: 's3:GetObject', signal };
  const headers = { 'if-match': etag, ...(isWhole(read) ? {} : { range: `bytes=${firstAndLast(read)}` }) };
  const mostReplyBytes = Math.max(range.lengthBytes, REFUSAL_BYTES);
  const request = { method: 'GET', key, headers, mostReplyBytes, ...defined({ into }) } as const;
  try {
    return await bucket.send(operation, request, (reply) =>
      resultOf(bucket, operation, { read, head: reply, body: reply.body }),
    );
  } catch (error) {
    if (error instanceof StoreError && error.cause instanceof OversizedReplyError)
      return resultOf(bucket, operation, { read, head: error.cause.head });
    if (isPreconditionFailure(error) || GONE.has(causeName(error) ?? '')) return CHANGED;
    throw error;
  }
}

interface Answer {
  readonly read: AssetRead;
  readonly head: ReplyHead;
  /** Undefined where it is longer than anything that was asked for. */
  readonly body?: Buffer;
}

function resultOf(bucket: Bucket, operation: Operation, { read, head, body }: Answer): ReadResult {
  const { status, headers } = head;
  const told = headers['content-range'];
  const [, range, totalBytes] = /^bytes (\d+-\d+)\/(\d+)$/.exec(told ?? '') ?? [];
  const isSame = bucket.requiredEtag(operation, headers.etag) === read.etag;
  if (!isSame || (totalBytes !== undefined && Number(totalBytes) !== read.sizeBytes)) return CHANGED;
  const { lengthBytes } = read.range;
  const isObject = isWhole(read) && status === 200;
  const isRange = !isWhole(read) && status === 206 && range === firstAndLast(read);
  if ((isObject || isRange) && body?.length === lengthBytes) return { outcome: 'read', bytes: body };
  if (isObject) return CHANGED;
  const asked = isWhole(read) ? 'the whole object' : `bytes ${firstAndLast(read)}`;
  const answer = told === undefined ? `${status}` : `${status} with '${printable(told)}'`;
  const why = isRange ? `sent ${body?.length ?? 'more'} bytes instead of ${lengthBytes}` : 'ignores Range';
  throw bucket.malformed(operation, `was asked for ${asked} and answered ${answer}: it ${why}`);
}

function isWhole({ range, sizeBytes }: AssetRead): boolean {
  return range.lengthBytes === sizeBytes;
}

function firstAndLast({ range: { position, lengthBytes } }: AssetRead): string {
  return `${position}-${position + lengthBytes - 1}`;
}
