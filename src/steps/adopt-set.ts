import type { CodeHash } from '../core/code-hash-request.ts';
import { counted } from '../core/counted.ts';
import { uriOf } from '../core/keys.ts';
import { RecordLostError, SetChangedError, StoreError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { type Finding, isUsable } from './look-up.ts';
import { lookUpSettled } from './look-up-settled.ts';
import { hit, miss, type SearchResult, type SetSearch, tell } from './set-search.ts';

export interface Adoption {
  readonly own: Finding;
  readonly from: Finding;
  readonly codeHash: CodeHash | undefined;
  /** When the search stops waiting for others, by the monotonic clock. */
  readonly deadlineMs: number;
}

/** Makes a set found elsewhere the commit's own; with `promote: false` it is used where it is. */
export async function adopt(search: SetSearch, ports: Ports, adoption: Adoption): Promise<SearchResult> {
  const { own, from, codeHash } = adoption;
  const source = from.location.kind;
  const ownUri = uriOf(ports.store.bucket, own.location);
  if (search.promote && search.dryRun) ports.log.info(`Dry run: would copy it to ${ownUri}.`);
  if (!search.promote || search.dryRun) return hit(from, { own, source, codeHash });
  try {
    const { promote } = await import('./promote.ts');
    const { writer, concurrency } = search;
    const record = await promote(ports, { own, from, writer, concurrency });
    ports.log.info(`Copied ${counted(record.files.length, 'asset')} to ${ownUri}.`);
    const promoted: Finding = { ...own, verdict: { reason: 'complete', record } };
    return { ...hit(promoted, { own: promoted, source, codeHash }), reason: from.verdict.reason };
  } catch (error) {
    if (error instanceof RecordLostError) return afterLostRace(search, ports, adoption);
    if (!(error instanceof SetChangedError) && !isArchived(error)) throw error;
    ports.log.warning(`The assets of the same code can't be used: ${error.message}.`);
    return miss(own, codeHash);
  }
}

/** Not every server lists what it has archived. */
function isArchived(error: unknown): error is StoreError {
  return error instanceof StoreError && error.kind === 'archived';
}

/** Another run is making the same set: what counts is how that ends. */
async function afterLostRace(
  search: SetSearch,
  ports: Ports,
  { own, codeHash, deadlineMs }: Adoption,
): Promise<SearchResult> {
  const waitMs = deadlineMs - ports.clock.monotonicMs();
  const now = await lookUpSettled({ ...ports, reader: search.writer }, own.location, waitMs);
  await tell(ports, now);
  return isUsable(now, search.legacy) ? hit(now, { own: now, source: 'artifact', codeHash }) : miss(now, codeHash);
}
