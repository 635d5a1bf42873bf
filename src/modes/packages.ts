import { timeBuild } from '../asset-set/handover.ts';
import { artifactSet } from '../asset-set/location.ts';
import { mapConcurrently } from '../async.ts';
import { CancelledError, describeError, StoreError, UserError } from '../errors.ts';
import type { RunContext } from '../run-context.ts';
import { counted, listed } from '../text.ts';
import { type CheckOptions, check } from './check.ts';
import type { Outcome, PackageOutcome } from './outcome.ts';

/** Any further failures are only counted. */
const MOST_FAILURES = 5;

const LOST_RACE = 'The set of the same code was not copied, since another run began this one and has not finished it';

/** A package to check, and a context of its own, with the package's prefix, directory and sources. */
export interface PackageCheck {
  readonly name: string;
  /** As the user gave it. */
  readonly directory: string;
  readonly run: RunContext;
  readonly options: CheckOptions;
}

type Settled = { readonly answer: PackageOutcome } | Failure;

/**
 * Answers "must I build?" for several packages concurrently. A failure of one package fails the run, but only after all
 * others have been checked; whatever was copied or restored for them is kept.
 *
 * @param run the context that all packages share
 * @throws UserError naming each failure and its packages, CancelledError when cancelled
 */
export async function checkPackages(
  run: Pick<RunContext, 'prefix' | 'concurrency'>,
  checks: readonly PackageCheck[],
): Promise<Outcome> {
  const settled = await mapConcurrently(checks, run.concurrency, settle);
  const failures = settled.filter((one) => 'error' in one);
  if (failures.length > 0) throw failureOf(failures);
  const packages = settled.filter((one) => 'answer' in one).map(({ answer }) => answer);
  await timeOnlyBuild(checks, packages);
  return outcomeOfPackages(run.prefix, packages);
}

/** Several builds can follow one another, so the time until an upload is that of a build only if there is just one. */
async function timeOnlyBuild(checks: readonly PackageCheck[], packages: readonly PackageOutcome[]): Promise<void> {
  const [missing, ...others] = packages.filter(({ outcome }) => !outcome.found);
  const run = checks.find(({ name }) => name === missing?.name)?.run;
  if (missing === undefined || others.length > 0 || run === undefined) return;
  await timeBuild(run, artifactSet(missing.prefix, missing.outcome.commit));
}

async function settle({ name, directory, run, options }: PackageCheck): Promise<Settled> {
  try {
    const outcome = await check(run, { ...options, isOneOfMany: true });
    // Building it now would build the same code twice.
    if (outcome.lostRace !== undefined) throw new UserError(`${LOST_RACE}: ${outcome.lostRace} Re-run the job`);
    return { answer: { name, directory, prefix: run.prefix, outcome } };
  } catch (error) {
    return { name, error };
  }
}

interface Failure {
  readonly name: string;
  readonly error: unknown;
}

function failureOf(failures: readonly Failure[]): unknown {
  const [first] = failures;
  const cancelled = failures.find(({ error }) => error instanceof CancelledError);
  if (cancelled !== undefined) return cancelled.error;
  const lines = [...Map.groupBy(failures, faultOf)].map(([fault, those]) => {
    const names = listed(those.map(({ name }) => name));
    return `${names}: ${those.length === 1 ? describeError(those[0]?.error).line : fault}`;
  });
  const rest = lines.length - MOST_FAILURES;
  const more = rest > 0 ? [`and ${counted(rest, 'more failure')}`] : [];
  return new UserError([...lines.slice(0, MOST_FAILURES), ...more].join('; '), { cause: first?.error });
}

/** @returns what failures for the same reason have in common: a missing bucket fails the request of every package */
function faultOf({ error }: Failure): string {
  return (error instanceof StoreError ? error.fault : undefined) ?? describeError(error).line;
}

/** The outcome for all packages together, which is not about any single set. */
function outcomeOfPackages(prefix: string, packages: readonly PackageOutcome[]): Outcome {
  const outcomes = packages.map(({ outcome }) => outcome);
  const missing = outcomes.find(({ found }) => !found);
  const isFromCache = outcomes.some(({ source }) => source === 'cache');
  const commit = outcomes[0]?.commit ?? '';
  return {
    found: missing === undefined,
    source: missing === undefined ? (isFromCache ? 'cache' : 'artifact') : 'none',
    reason: missing?.reason ?? 'complete',
    commit,
    codeHash: undefined,
    builtFromCommit: undefined,
    location: artifactSet(prefix, commit),
    files: outcomes.flatMap(({ files }) => files),
    uploaded: false,
    cached: false,
    restored: outcomes.some(({ restored }) => restored) && outcomes.every(({ restored, found }) => restored || !found),
    packages,
  };
}
