import type { SetLocation } from '../core/keys.ts';
import { describeWriter, type UploadingRecord } from '../core/record.ts';
import { UserError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { type Finding, type LookUp, lookUp } from './look-up.ts';

/** A copy out of the cache takes seconds: worth waiting for even by a check that was told not to wait. */
const PROMOTION_WAIT_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export interface Waiting {
  readonly first: Finding;
  /** By the clock of the context. */
  readonly startedMs: number;
  readonly waitMs: number;
}

/** Looks a set up again and again, with growing pauses, until it settles or the time is up. @returns the last finding */
export async function waitForSet(
  context: LookUp & Pick<Ports, 'log' | 'signal'>,
  location: SetLocation,
  { first, startedMs, waitMs }: Waiting,
): Promise<Finding> {
  const { clock, log, signal } = context;
  let toldOf: string | undefined;
  let finding = first;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
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
    finding = await lookUp(context, location);
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
