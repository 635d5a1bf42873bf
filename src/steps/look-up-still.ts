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
    const { location, record, verdict, listing } = finding;
    if (verdict.reason !== 'complete' || !listing.isPaged) return finding;
    const head = await store.head(location.recordKey);
    if (head?.etag === record?.etag) return finding;
    finding = await again();
  }
  throw new SetChangedError(
    `Others keep writing s3://${store.bucket}/${found.location.recordKey}: find out who writes there besides this action`,
  );
}
