import type { WriteCondition, WriteResult } from '../../ports.ts';
import { causeName, isPreconditionFailure } from './refusal.ts';

/**
 * Sends a write under a condition, and says how that ended. A server that answers `NotImplemented` is sent the write
 * again without.
 *
 * @param send sends it under a condition, or under none, and returns the object's ETag
 */
export async function writeConditionally(
  condition: WriteCondition,
  send: (condition: WriteCondition | undefined) => Promise<string>,
): Promise<WriteResult> {
  try {
    return { outcome: 'written', etag: await send(condition), guarded: true };
  } catch (error) {
    const name = causeName(error);
    if (isPreconditionFailure(error)) return { outcome: 'precondition-failed' };
    if (name === 'NoSuchKey' && condition.kind === 'unchanged') return { outcome: 'missing' };
    if (name !== 'NotImplemented') throw error;
  }
  return { outcome: 'written', etag: await send(undefined), guarded: false };
}
