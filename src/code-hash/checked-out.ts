import { type Hints, handedCodeHash, handedSources, isSameRequest } from '../asset-set/handover.ts';
import { describeLack, isCodeHash } from '../asset-set/location.ts';
import { sourcesText } from '../asset-set/sources.ts';
import { once, waitForAll } from '../async.ts';
import { InputError, UserError } from '../errors.ts';
import type { Log, PatternGroup, SourceListing, SourceTree } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { counted, defined, printable, shortId } from '../text.ts';
import {
  type CodeHash,
  type CodeHashAlgorithm,
  type CodeHashRequest,
  describeUnmatched,
  gitSha256,
  md5,
} from './code-hash.ts';

type ComputedHash = Extract<CodeHashRequest, { readonly kind: 'computed' }>;

interface HashedSources {
  /** Hex. */
  readonly value: string;
  readonly fileCount: number;
  /** Patterns that match nothing. */
  readonly unmatched: readonly string[];
  /** git's listing, if that was hashed. */
  readonly listing?: SourceListing;
}

/**
 * Returns the code hash that was given, or hashes the sources of a commit. That commit must be checked out, since
 * another commit's hash would lead to another commit's build.
 *
 * @throws InputError if there is no repository or a pattern matches nothing, UserError if another commit is checked out
 */
export async function hashCheckedOut(
  { sources, log }: Pick<RunContext, 'sources' | 'log'>,
  request: CodeHashRequest,
  commit: string,
): Promise<CodeHash> {
  if (request.kind === 'given') {
    log.info(`The code hash is ${shortId(request.value)}.`);
    return { value: request.value, algorithm: undefined };
  }
  const assertion = assertHead(commit, sources);
  // git can list the sources while HEAD is read. The md5 algorithm reads all files, so it waits for the answer.
  if (request.algorithm === 'md5') await assertion;
  const [, hashed] = await waitForAll([assertion, hashSources(request, sources)]);
  reportUnmatched(request, hashed, { sources, log });
  log.info(`The code hash is ${shortId(hashed.value)}, of ${counted(hashed.fileCount, 'file')}.`);
  const { value, listing } = hashed;
  return defined({ value, algorithm: request.algorithm, sources: listing && sourcesFor(request, listing) });
}

/** Computed on demand, since only a miss needs it. */
function sourcesFor(request: ComputedHash, listing: SourceListing): () => Promise<string> {
  return once(() => sourcesText(request, listing));
}

async function assertHead(commit: string, sources: SourceTree): Promise<void> {
  const head = await sources.head();
  if (head === commit) return;
  if (head !== undefined)
    throw new UserError(
      `The code hash of ${commit} is needed, but ${head} is checked out at repository-path '${printable(sources.path)}': check out ${commit} there, set commit-sha to 'HEAD' to use ${head}, or give code-hash`,
    );
  const lack = await describeLack(sources);
  const [nested] = await sources.nested();
  if (nested === undefined)
    throw new InputError(`${lack}: check out ${commit} there before this step, or give code-hash`);
  const path = printable(nested.path);
  throw new InputError(`${lack}, but one at '${path}': set repository-path to '${path}', or give code-hash`);
}

async function hashSources(
  { algorithm, patterns, salt, ...request }: ComputedHash,
  sources: SourceTree,
): Promise<HashedSources> {
  if (algorithm === 'md5') {
    const { pieces, ...found } = await sources.contents(patterns);
    return { ...found, value: await md5(pieces) };
  }
  const { entries, unmatched } = await sources.entries(patterns, needsOf(request));
  return { unmatched, value: gitSha256(salt, entries), fileCount: countOf(entries), listing: entries };
}

function needsOf({ package: one }: Pick<ComputedHash, 'package'>): readonly PatternGroup[] {
  return one?.needs.map(({ patterns }) => patterns) ?? [];
}

/** Counts entries, each of which ends with NUL. */
function countOf(entries: Uint8Array): number {
  let count = 0;
  for (let end = entries.indexOf(0); end !== -1; end = entries.indexOf(0, end + 1)) count += 1;
  return count;
}

/** Changes to files that a misspelt pattern was meant to match would still be a hit. */
function reportUnmatched(
  request: ComputedHash,
  { unmatched, fileCount }: HashedSources,
  { sources, log }: { readonly sources: SourceTree; readonly log: Log },
): void {
  if (unmatched.length > 0) {
    const lines = unmatchedLines(request, unmatched, sources.path);
    if (request.unmatchedPatterns === 'error')
      throw new InputError(`${lines.join('; ')}: correct or remove it, or set unmatched-patterns to 'warn'`);
    for (const line of lines)
      log.warning(`${line}: if it is misspelt, changes to the files it means will not cause a build.`);
  }
  if (fileCount === 0)
    throw new InputError(
      `${ownerOf(request)} '${printable(request.patterns.join(' '))}' matches no file in '${printable(sources.path)}': correct the patterns, which are relative to it`,
    );
}

/** @returns one line for the patterns of the input, or one for each place in the input `packages` */
function unmatchedLines({ package: one }: ComputedHash, unmatched: readonly string[], path: string): string[] {
  if (one === undefined) return [describeUnmatched(unmatched, path)];
  const mistakes = one.declared.filter(({ pattern }) => unmatched.includes(pattern));
  const lines = mistakes.map(({ place, pattern, owner }) => `${place}: ${describeUnmatched([pattern], path, owner)}`);
  // Every package has the patterns of `defaults`.
  return [...new Set(lines)];
}

/** @returns the beginning of a message about all patterns */
function ownerOf({ package: one }: ComputedHash): string {
  if (one === undefined) return 'code-hash-filter';
  const [first] = one.declared;
  return `${first === undefined ? '' : `${first.place}: `}the sources of package '${printable(one.name)}'`;
}

const LENGTHS: Readonly<Record<CodeHashAlgorithm, number>> = { md5: 32, 'git-sha256': 64 };

/**
 * Finds the code hash for an upload: the given one, else the one that a check found before the build, which may have
 * changed the sources, else one computed now.
 *
 * @param commit full hex id
 * @param hints of earlier steps about the commit's own set
 * @returns undefined if nothing is to be cached; warns if a check had a code hash
 * @throws UserError if the marker `.code-hash` does not contain one, and as `hashCheckedOut` does
 */
export async function findCodeHash(run: RunContext, commit: string, hints: Hints): Promise<CodeHash | undefined> {
  const { codeHash: asked, log } = run;
  if (asked?.kind === 'given') return hashCheckedOut(run, asked, commit);
  const handed = await codeHashOfCheck(run, commit, hints);
  if (handed !== undefined) log.info(`The code hash is ${shortId(handed.value)}, as check found it.`);
  return handed ?? (asked && hashCheckedOut(run, asked, commit));
}

async function codeHashOfCheck(run: RunContext, commit: string, hints: Hints): Promise<CodeHash | undefined> {
  const { codeHash: asked, packages, store } = run;
  if (hints.kind === 'foreign') return reportForeign(run);
  const handed = hints.kind === 'handover' ? handedBy(run, hints) : await readMarker(run);
  if (handed === 'not computed') return untouchedCodeHash(run, commit);
  if (handed === undefined) return undefined;
  const isOutOfReach = hints.kind === 'handover' && hints.isOutOfReach;
  if (isOutOfReach || !store.requiresSignatures) return handed;
  if ((await untouchedCodeHash(run, commit))?.value === handed.value) return handed;
  if (asked === undefined) reportNoCaching(run, `with signing keys, a code hash from ${packages.path} is not trusted`);
  return undefined;
}

/** Warns if a check left a code hash that belongs to another set. */
async function reportForeign(run: RunContext): Promise<undefined> {
  const { codeHash: asked, packages } = run;
  const marker = (await packages.readMarker('.code-hash'))?.trim() ?? '';
  if (asked === undefined && marker !== '') reportNoCaching(run, `${packages.path}/.code-hash belongs to another set`);
}

/** @returns the code hash that a check of this commit left, if this step asks for the same one or for none */
function handedBy(
  run: RunContext,
  { handover: { codeHashes }, isOutOfReach }: Hints & { kind: 'handover' },
): CodeHash | 'not computed' | undefined {
  const { codeHash: asked, packages, log } = run;
  const own = asked && handedCodeHash(asked, undefined);
  const [first, ...others] = codeHashes.filter((other) => own === undefined || isSameRequest(other, own));
  if (first?.value !== undefined && others.length === 0) {
    const codeHash = { value: first.value, algorithm: first.algorithm };
    return { ...codeHash, sources: () => handedSources(run, codeHash) };
  }
  if (asked !== undefined && first !== undefined) return 'not computed';
  if (first === undefined && codeHashes.length > 0)
    log.warning(
      `${isOutOfReach ? 'The check' : `The check behind ${packages.path}/.found-at`} computed its code hash from another filter, algorithm or salt than this step: give both the same, or the next check does not find what is cached now.`,
    );
  if (asked === undefined && others.length > 0) reportNoCaching(run, 'the checks of this commit had different filters');
  else if (asked === undefined && first !== undefined)
    reportNoCaching(run, "check found the commit's own set, so it computed no code hash");
  return undefined;
}

function reportNoCaching({ log }: RunContext, why: string): void {
  log.warning(
    `Nothing is cached for other commits of the same code, since ${why}: give this step the same code-hash-filter, code-hash-algorithm and code-hash-salt as check.`,
  );
}

/** Reads the code hash that a check of the Python tool left. */
async function readMarker({ codeHash: asked, packages }: RunContext): Promise<CodeHash | undefined> {
  const text = (await packages.readMarker('.code-hash'))?.trim();
  if (text === undefined || text === '') return undefined;
  if (!isCodeHash(text))
    throw new UserError(`${packages.path}/.code-hash does not hold a code hash: run check again, or delete the file`);
  const algorithm = asked?.kind === 'computed' ? asked.algorithm : undefined;
  return { value: text, algorithm: algorithm && LENGTHS[algorithm] === text.length ? algorithm : undefined };
}

/**
 * Finds a code hash that no build can change: the given one, or that of the commit's own tree.
 *
 * @returns undefined if another commit is checked out, the patterns match nothing in it, or the algorithm is the Python
 *   tool's, which can hash only files
 */
export async function untouchedCodeHash(
  { codeHash: asked, sources }: RunContext,
  commit: string,
): Promise<CodeHash | undefined> {
  if (asked?.kind === 'given') return { value: asked.value, algorithm: undefined };
  if (asked?.algorithm !== 'git-sha256') return undefined;
  if ((await sources.head()) !== commit) return undefined;
  const entries = await sources.committedEntries(asked.patterns, needsOf(asked));
  if (entries.length === 0) return undefined;
  return { value: gitSha256(asked.salt, entries), algorithm: asked.algorithm, sources: sourcesFor(asked, entries) };
}
