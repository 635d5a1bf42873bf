import { mapConcurrently } from '../async.ts';
import { CancelledError, SetChangedError, StoreError } from '../errors.ts';
import type { RunContext } from '../run-context.ts';
import { counted, printable } from '../text.ts';
import type { RecordClaim } from './claim.ts';
import { type SetLocation, uriOf } from './location.ts';
import type { AssetFile, CompleteRecord } from './record.ts';
import { confirmDisagreements, disagreements, type Listing, readListing, unexpectedIn } from './status.ts';

const MOST_ROUNDS = 3;
const LISTINGS_AT_ONCE = 8;

interface SetCompletion {
  /** The assets that the set will have. */
  readonly planned: readonly Pick<AssetFile, 'path' | 'size'>[];
  /**
   * Stores every asset that is missing or has different bytes.
   *
   * @param listing the set's listing, if the set is being repaired
   */
  readonly transfer: (listing?: Listing) => Promise<readonly AssetFile[]>;
}

/**
 * Transfers a set's assets, seals its record and lists the set. The set is complete only if the listing agrees with the
 * record. If not, a writer that had lost the record reached the store late, and the set is repaired.
 *
 * @param claim to the set's record; ended here on success, released on failure
 * @throws RecordLostError when another writer has the record, SetChangedError when others keep overwriting the set;
 *   also any error of `transfer`
 */
export async function completeSet(
  run: RunContext,
  claim: RecordClaim,
  { planned, transfer }: SetCompletion,
): Promise<CompleteRecord> {
  const { store, log } = run;
  const { location } = claim;
  try {
    let before: Listing | undefined;
    for (let round = 1; round <= MOST_ROUNDS; round += 1) {
      if (claim.isTakeOver) await abortOpenUploads(run, claim, planned);
      const record = await claim.seal(await transfer(before));
      const after = await readListing(store, location);
      const [changed] = await confirmDisagreements(store, location, disagreements(record, after));
      if (changed === undefined) {
        warnOfUnexpected(run, location, unexpectedIn(record, after));
        claim.end();
        return record;
      }
      log.warning(`'${printable(changed.file.path)}' changed while the set was sealed: repairing it.`);
      before = after;
      await claim.reopen();
    }
    throw new SetChangedError(
      `Others keep overwriting ${uriOf(store.bucket, location)}: find out who writes there besides this action`,
    );
  } catch (error) {
    await claim.release();
    // A lost record causes other errors: its new holder aborts open uploads, for example.
    throw error instanceof CancelledError ? error : (claim.loss ?? error);
  }
}

/**
 * Aborts the multipart uploads that the previous holder left open, since their parts would cost money forever. The set
 * does not depend on this, so a refusal by the store is only a warning.
 */
async function abortOpenUploads(
  { store, log }: RunContext,
  claim: RecordClaim,
  planned: SetCompletion['planned'],
): Promise<void> {
  async function abort(prefix: string): Promise<number> {
    claim.assertLease();
    // If listing took longer than the lease, the list may show uploads that a new holder has just begun.
    return store.abortUploads(prefix, () => claim.assertLease());
  }
  const { prefix } = claim.location;
  const large = planned.filter(({ size }) => size > store.partSizeBytes);
  try {
    const first = await abort(prefix);
    // MinIO lists uploads only by their whole key; on other servers, none are left by now.
    const others = await mapConcurrently(large, LISTINGS_AT_ONCE, ({ path }) => abort(prefix + path));
    const count = others.reduce((sum, each) => sum + each, first);
    if (count > 0) log.info(`Aborted ${counted(count, 'unfinished multipart upload')} of an earlier run.`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warning(`Parts of large files that an earlier run did not finish may be left behind: ${error.message}`);
  }
}

function warnOfUnexpected({ log }: RunContext, location: SetLocation, paths: ReadonlySet<string>): void {
  const [first] = paths;
  if (first !== undefined)
    log.warning(
      `${location.prefix} holds ${paths.size} object(s) that are not part of the set, such as '${printable(first)}': tools without records take them for assets. Delete them if they are of no use.`,
    );
}
