import type { WriteCondition, WriteResult } from '../../ports.ts';
import type { Bucket } from './bucket.ts';
import { causeName, isPreconditionFailure, isUnknownHeader } from './refusal.ts';

export interface ConditionalWrite {
  readonly operation: 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload';
  readonly condition: WriteCondition;
}

/**
 * Sends a write under a condition, and says how that ended. A store that does not know the condition is sent the write
 * again without, and further ones of the run never with it.
 *
 * @param send sends it under a condition, or under none, and returns the object's ETag
 */
export async function writeConditionally(
  bucket: Bucket,
  { operation, condition }: ConditionalWrite,
  send: (condition: WriteCondition | undefined) => Promise<string>,
): Promise<WriteResult> {
  const { unknownConditions } = bucket.connection;
  const name = `${operation} ${condition.kind === 'absent' ? 'If-None-Match' : 'If-Match'}`;
  if (!unknownConditions.has(name)) {
    try {
      return { outcome: 'written', etag: await send(condition), guarded: true };
    } catch (error) {
      if (isPreconditionFailure(error)) return { outcome: 'precondition-failed' };
      if (causeName(error) === 'NoSuchKey' && condition.kind === 'unchanged') return { outcome: 'missing' };
      if (!isUnknownHeader(bucket.settings, causeName(error))) throw error;
    }
  }
  const etag = await send(undefined);
  unknownConditions.add(name);
  return { outcome: 'written', etag, guarded: false };
}
