import type { SetLocation } from '../core/keys.ts';
import { describeWriter, type UploadingRecord } from '../core/record.ts';
import { UserError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { type Finding, type LookUp, lookUp } from './look-up.ts';

/** A copy out of the cache takes seconds: worth waiting for even by a check that was told not to wait. */
const PROMOTION_WAIT_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Looks a set up, and while another run is writing it looks again, with growing pauses, until it settles or the time
 * is up.
 *
 * @param waitMs how long to wait at most; a promotion is waited for 15 s in any case
 * @returns the last finding, still `in-progress` when the time was up
 */
export async function lookUpSettled(
  context: LookUp & Pick<Ports, 'log' | 'signal'>,
  location: SetLocation,
  waitMs: number,
): Promise<Finding> {
  const { clock, log, signal } = context;
  const startedMs = clock.monotonicMs();
  let toldOf: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const finding = await lookUp(context, location);
    if (finding.verdict.reason !== 'in-progress') return finding;
    const { record } = finding.verdict;
    const leftMs = startedMs + patienceMs(record, waitMs) - clock.monotonicMs();
    if (leftMs <= 0) return finding;
    if (toldOf !== record.writer.nonce)
      log.info(
        `Waiting up to ${Math.ceil(leftMs / 1000)} s for ${describeWriter(record.writer)}, which is writing it.`,
      );
    toldOf = record.writer.nonce;
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
}

function patienceMs(record: UploadingRecord, waitMs: number): number {
  return record.origin.kind === 'cache' ? Math.max(waitMs, PROMOTION_WAIT_MS) : waitMs;
}

/** The patience of a mode that can't go on without the set has ended. */
export function stillInProgress(
  { writer }: UploadingRecord,
  { location, waitMs }: { readonly location: SetLocation; readonly waitMs: number },
): UserError {
  return new UserError(
    `${describeWriter(writer)} is still writing ${location.prefix} after ${waitMs / 1000} s: wait for it to end, or raise wait-timeout-seconds`,
  );
}
