import {
  baselineOf,
  changesOf,
  codeChanged,
  compared,
  type Explanation,
  firstBuild,
  noSources,
  type PackageWithNeeds,
  sameCode,
  setGone,
} from '../asset-set/explanation.ts';
import type { SearchResult } from '../asset-set/find.ts';
import { artifactSet, isCommit, prefixOf, type SetLocation } from '../asset-set/location.ts';
import { readRecord } from '../asset-set/lookup.ts';
import type { CompleteRecord, FoundRecord } from '../asset-set/record.ts';
import { parseSources, readSources, type Sources } from '../asset-set/sources.ts';
import { describeError, InputError, UserError } from '../errors.ts';
import type { RunContext } from '../run-context.ts';
import { printable, readableDuration } from '../text.ts';
import type { Outcome } from './outcome.ts';

/** One for the record of an earlier build, and one for its sources. */
const MOST_REQUESTS = 2;
const PATIENCE_MS = 2000;

/**
 * Says why a build is needed, by comparing its sources with those of an earlier build. Takes at most two requests, one
 * after the other, and two seconds. A failure is only a debug line.
 *
 * @returns undefined if the code hash was not computed from git's listing, or if nothing can be said
 */
export async function explainMiss(
  run: RunContext,
  result: SearchResult,
): Promise<Pick<Outcome, 'explanation' | 'changes'> | undefined> {
  const { codeHash, own, unfinished } = result;
  if (codeHash?.sources === undefined) return undefined;
  if (unfinished !== undefined || own.status.reason === 'in-progress') return undefined;
  const { value, sources } = codeHash;
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(PATIENCE_MS)]);
  try {
    const subject = {
      codeHash: value,
      sources: async () => parseSources((await sources()) ?? ''),
      package: packageWithNeeds(run, signal),
    };
    const explanation =
      brokenSet(result, value) ??
      (await explained(subject, new Baselines(run, signal, MOST_REQUESTS), {
        known: wholeRecord(own.record),
        locations: await likelyBuilds(run, own.location.id),
      }));
    return { explanation, changes: changesOf(explanation) };
  } catch (error) {
    run.signal.throwIfAborted();
    const why = signal.aborted ? `it took more than ${readableDuration(PATIENCE_MS)}` : describeError(error).line;
    run.log.debug(`Could not explain why a build is needed: ${why}`);
    return undefined;
  }
}

/**
 * Compares the code of two commits by the sources that their uploads stored.
 *
 * @param commits one or two, as git names them; full ids need no repository. Without a second one, the first is
 *   compared with the latest of its ancestors that was built
 * @throws UserError if the first one has no stored sources, or the second one was not built; InputError for a name that
 *   git does not know
 */
export async function explainCommit(run: RunContext, [asked = '', other]: readonly string[]): Promise<Explanation> {
  const { store, prefix, fallbackPrefixes, signal } = run;
  const commit = await fullId(run, asked);
  const before = other === undefined ? await ancestorsOf(run, commit) : [await fullId(run, other)];
  const prefixes = [prefix, ...fallbackPrefixes];
  const builds = (id: string) => prefixes.map((one) => artifactSet(one, id));
  const baselines = new Baselines(run, signal, Number.POSITIVE_INFINITY);
  for (const location of builds(commit)) {
    const record = await baselines.record(location);
    if (record?.codeHash === undefined || record.sources === undefined) continue;
    const subject = {
      codeHash: record.codeHash,
      sources: () => baselines.sources(record, location),
      package: packageWithNeeds(run, signal),
    };
    const candidates = { known: undefined, locations: before.flatMap(builds), isBuilt: true } as const;
    const explanation = await explained(subject, baselines, candidates);
    if (other === undefined || explanation.kind !== 'first-build') return explanation;
    throw new UserError(
      `There is no build of ${before.join()} in s3://${store.bucket}: give a commit that was uploaded, and the prefix or the package of that upload`,
    );
  }
  throw new UserError(
    `No build of ${commit} in s3://${store.bucket} has a list of its sources: give a commit that was uploaded with code-hash-filter, and the prefix or the package of that upload`,
  );
}

async function ancestorsOf({ sources }: RunContext, commit: string): Promise<readonly string[]> {
  try {
    return await sources.ancestors(commit);
  } catch (cause) {
    const path = printable(sources.path);
    throw new UserError(
      `The repository at '${path}' does not show what came before ${commit}: give a second commit to compare with`,
      { cause },
    );
  }
}

async function fullId({ sources }: RunContext, name: string): Promise<string> {
  if (isCommit(name)) return name;
  const id = (await sources.isRepository()) ? await sources.resolve(name) : undefined;
  if (id !== undefined) return id;
  throw new InputError(
    `'${printable(name)}' is not a commit at repository-path '${printable(sources.path)}': give a full id, or what git knows there`,
  );
}

/** @returns undefined unless the sources are those of a package that needs others */
function packageWithNeeds({ codeHash, sources, log }: RunContext, signal: AbortSignal): PackageWithNeeds | undefined {
  if (codeHash?.kind !== 'computed' || codeHash.package === undefined || codeHash.package.needs.length === 0)
    return undefined;
  const { name, needs } = codeHash.package;
  const { patterns: ownPatterns } = codeHash;
  return {
    name,
    ownersOf: async (changed) => {
      try {
        const [own] = await sources.matching([ownPatterns], changed, signal);
        const others = changed.filter(({ path }) => !own?.has(path));
        const groups = others.length === 0 ? [] : needs.map(({ patterns }) => patterns);
        const found = await sources.matching(groups, others, signal);
        const ownerOf = (path: string) => needs[found.findIndex((paths) => paths.has(path))]?.name;
        return changed.map(({ path }) => (own?.has(path) ? undefined : ownerOf(path)));
      } catch (error) {
        log.debug(`Could not tell which packages the sources belong to: ${describeError(error).line}`);
        return [undefined];
      }
    },
  };
}

/** If the search found a set of this code that can't be used, that is why a build is needed. */
function brokenSet({ own, elsewhere = [], copyFault }: SearchResult, codeHash: string): Explanation | undefined {
  for (const lookup of [own, ...elsewhere]) {
    const { reason } = lookup.status;
    const record = wholeRecord(lookup.record);
    if (record?.codeHash !== codeHash) continue;
    if (reason === 'damaged' || reason === 'archived') return setGone(baselineOf(record), reason);
    if (reason === 'complete' && copyFault !== undefined) return setGone(baselineOf(record), copyFault);
  }
  return undefined;
}

/** @returns the trusted record of a set that was complete, even if the set no longer is */
function wholeRecord(found: FoundRecord | undefined): CompleteRecord | undefined {
  return found?.distrust === undefined && found?.record?.state === 'complete' ? found.record : undefined;
}

/** What GitHub and GitLab give as the commit before a branch's first push. */
const NO_COMMIT = /^0+$/;

/**
 * Where an earlier build may be, most likely first, since there are only enough requests for one: the commit before the
 * push, the pull request's base, the parents of HEAD. A pull request's workflow runs for a new merge commit each time,
 * so there the commit before the push was never built, and the base was built under a fallback prefix. So were the
 * parents of a branch's first push.
 */
async function likelyBuilds(
  { sources, prefix, fallbackPrefixes, baselines: { before, base }, commit: { context } }: RunContext,
  commit: string,
): Promise<SetLocation[]> {
  const ownFirst = [prefix, ...fallbackPrefixes];
  const baseFirst = [...fallbackPrefixes, prefix];
  const isMerge = base !== undefined && commit === context;
  const isNew = isMerge || NO_COMMIT.test(before ?? '');
  const commits = [
    { id: isMerge ? undefined : before, prefixes: ownFirst },
    { id: base, prefixes: baseFirst },
    ...(await sources.parents()).map((id) => ({ id, prefixes: isNew ? baseFirst : ownFirst })),
  ];
  const locations = new Map<string, SetLocation>();
  for (const { id, prefixes } of commits) {
    if (id === undefined || !isCommit(id) || NO_COMMIT.test(id) || id === commit) continue;
    for (const location of prefixes.map((one) => artifactSet(one, id)))
      if (!locations.has(location.recordKey)) locations.set(location.recordKey, location);
  }
  return [...locations.values()];
}

interface Subject {
  readonly codeHash: string;
  readonly sources: () => Promise<Sources>;
  readonly package: PackageWithNeeds | undefined;
}

interface Candidates {
  /** The last record of the commit's own set, of a build with another salt for example. */
  readonly known: CompleteRecord | undefined;
  readonly locations: readonly SetLocation[];
  /** Set if this code is known to be built: an earlier build of the same code then doesn't mean that a set is gone. */
  readonly isBuilt?: true;
}

/**
 * Compares with the first earlier build that has sources, as long as there are requests left.
 *
 * @throws UserError if its sources can't be read
 */
async function explained(
  { codeHash, sources, package: one }: Subject,
  baselines: Baselines,
  { known, locations, isBuilt }: Candidates,
): Promise<Explanation> {
  let first: CompleteRecord | undefined;
  const lookedAt: SetLocation[] = [];
  for (const location of [undefined, ...locations]) {
    if (location !== undefined && !baselines.canAsk(1)) break;
    if (location !== undefined) lookedAt.push(location);
    const record = location === undefined ? known : await baselines.record(location);
    if (record === undefined) continue;
    if (record.codeHash === codeHash)
      return isBuilt ? sameCode(baselineOf(record)) : setGone(baselineOf(record), 'gone');
    first ??= record;
    if (record.sources !== undefined && baselines.canAsk(1)) {
      const before = await baselines.sources(record, location);
      return compared({ now: await sources(), before, baseline: baselineOf(record), package: one });
    }
    // One request could only read the next record, but not its sources.
    if (!baselines.canAsk(2)) break;
  }
  if (first === undefined) return firstBuild(lookedAt);
  return first.sources === undefined ? noSources(baselineOf(first)) : codeChanged(baselineOf(first));
}

/** Reads earlier builds, with a limited number of requests. */
class Baselines {
  readonly #run: RunContext;
  readonly #signal: AbortSignal;
  #left: number;

  constructor(run: RunContext, signal: AbortSignal, mostRequests: number) {
    this.#run = run;
    this.#signal = signal;
    this.#left = mostRequests;
  }

  canAsk(count: number): boolean {
    return this.#left >= count;
  }

  /** @returns undefined if there is no complete set that counts */
  async record(location: SetLocation): Promise<CompleteRecord | undefined> {
    this.#left -= 1;
    const record = wholeRecord(await readRecord(this.#run.store, location, this.#signal));
    return record?.commit === location.id ? record : undefined;
  }

  /** @param location of the record; undefined if it lies under the run's own prefix */
  async sources({ codeHash, sources, origin }: CompleteRecord, location: SetLocation | undefined): Promise<Sources> {
    if (codeHash === undefined || sources === undefined) throw new UserError('the record names no sources');
    const from = origin.kind === 'cache' ? origin.prefix : undefined;
    const prefix = from ?? (location === undefined ? this.#run.prefix : prefixOf(location));
    this.#left -= 1;
    return readSources(this.#run.store, { prefix, codeHash, sha256: sources, signal: this.#signal });
  }
}
