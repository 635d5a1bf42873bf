import { SetChangedError } from '../errors.ts';
import type { ObjectStore } from '../ports.ts';
import type { Finding } from './look-up.ts';

const MOST_ROUNDS = 3;

/**
 * Makes sure that what was read over some time was so at one moment. A listing in several pages can agree with a record
 * although the set never did: its first page shows what another run was about to replace, its last what that had
 * replaced. While the record stays, no run of this action replaces anything.
 *
 * @param again looks the set up once more
 * @throws SetChangedError where the record is another one each time
 */
export async function lookUpStill(store: ObjectStore, found: Finding, again: () => Promise<Finding>): Promise<Finding> {
  let finding = found;
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    if (!isInDoubt(finding)) return finding;
    const head = await store.head(finding.location.recordKey);
    if (head?.etag === finding.record?.etag) return finding;
    const before = finding;
    finding = await again();
    // Some servers tell ETags otherwise in a reply to HEAD: read twice, the record says as well that it stood still.
    if (finding.record?.etag === before.record?.etag) return before;
  }
  if (!isInDoubt(finding)) return finding;
  throw new SetChangedError(
    `Others keep writing s3://${store.bucket}/${found.location.recordKey}: find out who writes there besides this action`,
  );
}

function isInDoubt({ verdict, isPaged }: Finding): boolean {
  return verdict.reason === 'complete' && isPaged;
}
