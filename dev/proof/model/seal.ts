import { CODES } from './contents.ts';
import {
  areSame,
  type Digests,
  digestsIn,
  digestsOfFiles,
  type ModelRecord,
  momentsOf,
  placeOf,
  recordIn,
} from './history.ts';
import type { Watching } from './watching.ts';

/** A record that is just being sealed. */
export interface Seal {
  readonly sender: number;
  readonly key: string;
  readonly record: ModelRecord;
}

/** Whether a sealed record names one build's bytes, never a mix: the writer's own, or those of a set that it copied. */
export function isOneBuild(watching: Watching, { sender, key, record }: Seal): boolean {
  const digests = digestsIn(record);
  const { kind, legacy, codeHash } = record.origin;
  const code = CODES.find((id) => key === `records/cache/${id}.json`);
  if (code !== undefined) return wasSealed(watching, 'records/artifacts/', { digests, code });
  if (kind === 'upload') return isOwn(watching, sender, digests);
  if (legacy) return wasLegacy(watching, sender, { digests, code: codeHash });
  return wasSealed(watching, 'records/cache/', { digests, code: codeHash });
}

interface Wanted {
  readonly digests: Digests;
  readonly code: string | undefined;
}

/** Whether a process built just these bytes; where the build still wrote while they were sent, they may be any. */
function isOwn({ builds, processOf }: Watching, sender: number, digests: Digests): boolean {
  const { plan, wasRewritten } = processOf(sender);
  const own = [...(builds[plan.build]?.files ?? [])].map(([path, bytes]) => [path, { bytes }] as const);
  return wasRewritten || areSame(digests, digestsOfFiles(own));
}

/** Whether a set with these bytes was sealed before, of this code or without a word on which. */
function wasSealed({ bucket }: Watching, folder: string, { digests, code }: Wanted): boolean {
  return bucket.changes.some(({ key, version }) => {
    if (!key.startsWith(folder) || version === undefined) return false;
    const record = recordIn(version);
    const isOfCode = record.codeHash === undefined || record.codeHash === code;
    return record.state === 'complete' && isOfCode && areSame(digestsIn(record), digests);
  });
}

/** Whether a set without a record had these bytes at some moment since a process began. */
function wasLegacy({ bucket, processOf }: Watching, sender: number, { digests, code = '' }: Wanted): boolean {
  const { startedAt } = processOf(sender);
  for (const { record, objects } of momentsOf(bucket, placeOf('cache', code), startedAt, bucket.changes.length))
    if (record === undefined && areSame(digestsOfFiles(objects), digests)) return true;
  return false;
}
