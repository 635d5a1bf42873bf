import { waitForAll } from '../async.ts';
import { UserError } from '../errors.ts';
import type { RunContext } from '../run-context.ts';
import type { SetLocation } from './location.ts';
import { type Finding, lookUp, unfinished } from './lookup.ts';
import { describeWriter, type UploadingRecord } from './record.ts';
import { leaseIsLive } from './status.ts';

/**
 * Looks a set up, and while another run is writing it looks again, until it settles or the time is up.
 *
 * @param waitMs how long to wait at most; a promotion is waited for 15 s in any case
 * @returns the last finding, still `in-progress` when the time was up
 */
export async function lookUpSettled(run: RunContext, location: SetLocation, waitMs = run.waitMs): Promise<Finding> {
  const first = await lookUp(run, location);
  if (first.verdict.reason !== 'in-progress') return first;
  const [last = first] = await waitForSets(run, [first], waitMs);
  return last;
}

/** As {@link lookUpSettled}. @throws UserError if another run is still writing the set when the time is up */
export async function lookUpFinished(run: RunContext, location: SetLocation): Promise<Finding> {
  const finding = await lookUpSettled(run, location);
  assertFinished(run, finding);
  return finding;
}

/** For whoever can't go on without the set. @throws UserError if another run is still writing it */
export function assertFinished({ waitMs }: RunContext, finding: Finding): void {
  const unfinishedBy = describeUnfinished(finding);
  if (unfinishedBy !== undefined)
    throw new UserError(`${unfinishedBy} after ${waitMs / 1000} s: wait for it to end, or raise wait-timeout-seconds`);
}

/** @returns which run is still writing the set; undefined if none is */
export function describeUnfinished({ verdict, location }: Finding): string | undefined {
  if (verdict.reason !== 'in-progress') return undefined;
  return `${describeWriter(verdict.record.writer)} is still writing ${location.prefix}`;
}

/** A copy out of the cache takes seconds: worth waiting for even by a check that was told not to wait. */
const PROMOTION_WAIT_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Looks sets up again and again, with growing pauses, until one of them settles or the time is up.
 *
 * @param first sets that were in progress when they were looked up
 * @returns all of them as they were last seen
 */
export async function waitForSets(
  run: RunContext,
  first: readonly Finding[],
  waitMs: number,
): Promise<readonly Finding[]> {
  const { clock, signal } = run;
  const startedMs = clock.monotonicMs();
  const watch = new Watch(run, first);
  let findings = first;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const records = findings.map(recordInProgress).filter((record) => record !== undefined);
    if (records.length < findings.length) return findings;
    const patienceMs = Math.max(...records.map((record) => patienceFor(record, waitMs)));
    const leftMs = startedMs + patienceMs - clock.monotonicMs();
    if (leftMs <= 0) return findings;
    watch.tell(findings, leftMs);
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
    findings = await waitForAll(findings.map(({ location }) => watch.lookAgain(location)));
  }
}

function recordInProgress({ verdict }: Finding): UploadingRecord | undefined {
  return verdict.reason === 'in-progress' ? verdict.record : undefined;
}

function patienceFor(record: UploadingRecord, waitMs: number): number {
  return record.origin.kind === 'cache' ? Math.max(waitMs, PROMOTION_WAIT_MS) : waitMs;
}

/** What a waiting reader has seen so far. */
class Watch {
  readonly #run: RunContext;
  /** By the record's key: how long its ETag has been the same, by this machine's monotonic clock. */
  readonly #unchanged = new Map<string, { readonly etag: string | undefined; readonly sinceMs: number }>();
  readonly #toldOf = new Set<string>();

  constructor(run: RunContext, first: readonly Finding[]) {
    this.#run = run;
    for (const finding of first) this.#remember(finding);
  }

  #remember({ location, record }: Finding): void {
    const sinceMs = this.#run.clock.monotonicMs();
    this.#unchanged.set(location.recordKey, { etag: record?.etag, sinceMs });
  }

  /** A lease also lapses while nobody renews it: by the server's times alone, one from the future would not. */
  async lookAgain(location: SetLocation): Promise<Finding> {
    const { clock, writer } = this.#run;
    const askedAtMs = clock.monotonicMs();
    const finding = await lookUp(this.#run, location);
    const record = recordInProgress(finding);
    if (record === undefined) return finding;
    const known = this.#unchanged.get(location.recordKey);
    if (known === undefined || known.etag !== finding.record?.etag) {
      this.#remember(finding);
      return finding;
    }
    const isLive = leaseIsLive({ record, ageMs: askedAtMs - known.sinceMs }, writer);
    return isLive ? finding : { ...finding, verdict: unfinished(record) };
  }

  /** Says once of each writer that it is waited for. */
  tell(findings: readonly Finding[], leftMs: number): void {
    for (const finding of findings) {
      const writer = recordInProgress(finding)?.writer;
      if (writer === undefined || this.#toldOf.has(writer.nonce)) continue;
      this.#toldOf.add(writer.nonce);
      this.#run.log.info(
        `Waiting up to ${Math.ceil(leftMs / 1000)} s for ${describeWriter(writer)}, which is writing ${finding.location.prefix}.`,
      );
    }
  }
}
