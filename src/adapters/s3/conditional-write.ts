import type { WriteCondition, WriteResult } from '../../ports.ts';
import type { Bucket, Operation } from './bucket.ts';
import { causeName, isPreconditionFailure } from './refusal.ts';

/**
 * Sends a write under a condition, and says how that ended. A server that answers `NotImplemented` is sent the write
 * again without.
 *
 * @param send sends it under a condition, or under none
 */
export async function writeConditionally(
  bucket: Bucket,
  { operation, condition }: { operation: Operation; condition: WriteCondition },
  send: (condition: WriteCondition | undefined) => Promise<{ readonly ETag?: string | undefined }>,
): Promise<WriteResult> {
  try {
    const { ETag } = await send(condition);
    return { outcome: 'written', etag: bucket.requiredEtag(operation, ETag), guarded: true };
  } catch (error) {
    const name = causeName(error);
    if (isPreconditionFailure(error)) return { outcome: 'precondition-failed' };
    if (name === 'NoSuchKey' && condition.kind === 'unchanged') return { outcome: 'missing' };
    if (name !== 'NotImplemented') throw error;
  }
  const { ETag } = await send(undefined);
  return { outcome: 'written', etag: bucket.requiredEtag(operation, ETag), guarded: false };
}
