import { defined } from '../../core/defined.ts';
import type { AssetRead, ReadResult } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import { causeName, isPreconditionFailure } from './refusal.ts';

/** What refuses a request is longer than a short range. */
const REFUSAL_BYTES = 64 * 1024;

/** How a store answers that an object is gone or shorter, or longer than was asked for. */
const CHANGED: ReadonlySet<string> = new Set(['NoSuchKey', 'InvalidRange', 'OversizedReplyError']);

/** @returns a range of an asset, read whole; 'changed' where the object is not the one asked for any more */
export async function readAsset(bucket: Bucket, read: AssetRead): Promise<ReadResult> {
  const { key, etag, sizeBytes, range, into, signal } = read;
  const operation = { verb: 'read', key, action: 's3:GetObject', signal };
  const isWhole = range.lengthBytes === sizeBytes;
  const lastByte = range.position + range.lengthBytes - 1;
  const headers = { 'if-match': etag, ...(isWhole ? {} : { range: `bytes=${range.position}-${lastByte}` }) };
  const query = { 'x-id': 'GetObject' };
  const mostReplyBytes = Math.max(range.lengthBytes, REFUSAL_BYTES);
  try {
    const request = { method: 'GET', key, query, headers, mostReplyBytes, ...defined({ into }) } as const;
    const reply = await bucket.send(operation, request);
    const { body, headers: told } = reply;
    const isSame = bucket.requiredEtag(operation, told.etag) === etag;
    const isRange =
      reply.status === 206 && told['content-range'] === `bytes ${range.position}-${lastByte}/${sizeBytes}`;
    const isAsked = isWhole ? reply.status === 200 : isRange;
    return isSame && isAsked && body.length === range.lengthBytes
      ? { outcome: 'read', bytes: body }
      : { outcome: 'changed' };
  } catch (error) {
    const name = causeName(error);
    if (isPreconditionFailure(error) || CHANGED.has(name ?? '')) return { outcome: 'changed' };
    throw error;
  }
}
