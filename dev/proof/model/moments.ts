import { type Moment, momentsOf, recordIn, type SetPlace } from './history.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

const LEASE_SLACK_MS = 6000;

/** Whether a condition was true at some moment between the start and the end of a process. */
export function someMoment(
  { bucket }: World,
  { startedAt, endedAt }: ModelProcess,
  place: SetPlace,
  holds: (moment: Moment) => boolean,
): boolean {
  for (const moment of momentsOf(bucket, place, startedAt, endedAt)) if (holds(moment)) return true;
  return false;
}

/** Whether an outsider changed a set while a process was running. */
export function wasDisturbed(
  { bucket }: World,
  { startedAt, endedAt }: ModelProcess,
  { prefix, recordKey }: SetPlace,
): boolean {
  const changes = bucket.changes.slice(startedAt, endedAt);
  return changes.some(({ key, author }) => author === 'outsider' && (key === recordKey || key.startsWith(prefix)));
}

/** Whether another process had a record under a live lease, give or take some seconds. */
export function wasInProgress(world: World, process: ModelProcess, place: SetPlace): boolean {
  return someMoment(world, process, place, ({ record }) => {
    if (record === undefined || recordIn(record).state === 'complete' || typeof record.author !== 'number')
      return false;
    const author = world.processOf(record.author);
    if (author.runId === process.runId && author.attempt < process.attempt) return false;
    const lapsesMs = record.modifiedMs + recordIn(record).leaseSeconds * 1000 + LEASE_SLACK_MS;
    return lapsesMs >= process.startedMs;
  });
}
