import { hash } from 'node:crypto';
import type { CodeHash, CodeHashAlgorithm, CodeHashRequest } from '../code-hash/code-hash.ts';
import type { JobFiles } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { defined, isObject, isText, parsedJson } from '../text.ts';
import { isCodeHash, type SetLocation, setAt, uriOf } from './location.ts';
import type { Lookup } from './lookup.ts';
import { buildSecondsOf, recordText } from './record.ts';

/** A bucket on one server. */
interface Place {
  readonly endpoint: string;
  readonly bucket: string;
}

/**
 * The code hash that a check was asked for, and what it is computed from. Without `algorithm`, it was given as an
 * input.
 */
interface HandedCodeHash {
  /** Undefined if the check found the commit's own set, and so did not compute it. */
  readonly value?: string;
  readonly algorithm?: CodeHashAlgorithm;
  readonly patterns?: readonly string[];
  /** SHA-256 of the salt as hex, since a salt may be a secret. */
  readonly saltDigest?: string;
}

/**
 * Writes the record of a complete set beside its assets, and the digests of its files in the format of `sha256sum
 * --check`. Writes nothing for a set without a record, or in a dry run.
 */
export async function leaveRecord({ packages, dryRun }: RunContext, { status }: Pick<Lookup, 'status'>): Promise<void> {
  if (dryRun || status.reason !== 'complete') return;
  const { record } = status;
  await packages.writeMarker('.record.json', recordText(record));
  const lines = record.files.map(
    ({ path, sha256 }) => sha256 && `${Buffer.from(sha256, 'base64').toString('hex')}  ${path}\n`,
  );
  await packages.writeMarker('.sha256sums', lines.join(''));
}

/** The result of a check, for the upload that follows it. Readers must treat it as a hint. */
export interface Handover {
  readonly endpoint: string;
  /** URI of the commit's own set. */
  readonly asked: string;
  /** URI of the set that was found; undefined for a miss. */
  readonly found?: string;
  /** When the check ended, by this machine's clock: milliseconds since the epoch. */
  readonly checkedAtMs?: number;
  /** One per request: several checks may ask for one commit with different filters. */
  readonly codeHashes: readonly HandedCodeHash[];
}

/** @returns the name of the job's file with the handover for a commit's own set */
export function handoverName(place: Place, own: SetLocation): string {
  return `s3-asset-manager-${digestOf(place, own)}.json`;
}

function digestOf({ endpoint, bucket }: Place, own: SetLocation): string {
  return hash('sha256', JSON.stringify([endpoint, uriOf(bucket, own)]), 'hex');
}

/** @returns the name of the job's file that says that a step has written a set's block of the job summary */
function blockName(place: Place, own: SetLocation): string {
  return `s3-asset-manager-summary-${digestOf(place, own)}`;
}

/** Whether earlier steps of the job have written a block of the job summary for each of these sets. */
export async function haveBlocks(
  place: Place,
  jobFiles: JobFiles | undefined,
  sets: readonly SetLocation[],
): Promise<boolean> {
  for (const own of sets) {
    const note = await jobFiles?.read(blockName(place, own)).catch(() => undefined);
    if (note === undefined) return false;
  }
  return sets.length > 0;
}

/** Notes for later steps of the job that these sets have a block. */
export async function noteBlocks(
  place: Place,
  jobFiles: JobFiles | undefined,
  sets: readonly SetLocation[],
): Promise<void> {
  for (const own of sets) await jobFiles?.write(blockName(place, own), '');
}

/** @returns the name of the job's file with the sources of a code hash */
function handedSourcesName(codeHash: string): string {
  return `s3-asset-manager-sources-${codeHash}.json`;
}

/**
 * Stores the sources of a code hash for the upload that follows a miss, since the build in between may change them: in
 * a file of the job if the job has a place for files, else in `.code-sources`.
 */
export async function handOverSources(
  { packages, jobFiles, explain }: RunContext,
  codeHash: CodeHash | undefined,
): Promise<void> {
  if (!explain || codeHash?.sources === undefined) return;
  const text = await codeHash.sources();
  if (text === undefined) return;
  if (jobFiles === undefined) await packages.writeMarker('.code-sources', `${codeHash.value}\n${text}`);
  else await jobFiles.write(handedSourcesName(codeHash.value), text);
}

/** @returns the sources that a check handed over for this code hash, as JSON; undefined if there are none */
export async function handedSources(
  { packages, jobFiles }: RunContext,
  { value }: CodeHash,
): Promise<string | undefined> {
  if (jobFiles !== undefined) return jobFiles.read(handedSourcesName(value));
  const text = await packages.readMarker('.code-sources');
  return text?.startsWith(`${value}\n`) ? text.slice(value.length + 1) : undefined;
}

/**
 * Converts a request for a code hash, and its result, to the form in which they are handed over.
 *
 * @param value undefined if it was not computed
 */
export function handedCodeHash(request: CodeHashRequest, value: string | undefined): HandedCodeHash {
  if (request.kind === 'given') return { value: request.value };
  const { algorithm, salt, package: one } = request;
  // An empty text, which can't be a pattern, separates the patterns of different packages.
  const needs = one?.needs.flatMap((need) => ['', ...need.patterns]) ?? [];
  const patterns = [...request.patterns, ...needs];
  return defined({ value, algorithm, patterns, saltDigest: hash('sha256', salt, 'hex') });
}

/** Whether two code hashes have the same given value, or the same algorithm, patterns and salt. */
export function isSameRequest(left: HandedCodeHash, right: HandedCodeHash): boolean {
  return requestKey(left) === requestKey(right);
}

function requestKey({ value, algorithm, patterns, saltDigest }: HandedCodeHash): string {
  return JSON.stringify(algorithm === undefined ? [value] : [algorithm, patterns, saltDigest]);
}

/**
 * Parses a handover.
 *
 * @param own the commit's own set
 * @returns undefined if the text is not a handover, or is about another set
 */
export function parseHandover(text: string, { endpoint, bucket }: Place, own: SetLocation): Handover | undefined {
  const value = parsedJson(text);
  return isHandover(value) && value.endpoint === endpoint && value.asked === uriOf(bucket, own) ? value : undefined;
}

/** @returns the set that was found; undefined for a miss, or if the URI is not that of a set in this bucket */
export function foundIn({ found }: Handover, bucket: string): SetLocation | undefined {
  return found === undefined ? undefined : setAt(bucket, found);
}

function isHandover(value: unknown): value is Handover {
  if (!isObject(value)) return false;
  const { endpoint, asked, found, codeHashes } = value;
  if (!isText(endpoint) || !isText(asked) || !(found === undefined || isText(found))) return false;
  return Array.isArray(codeHashes) && codeHashes.every(isHandedCodeHash);
}

function isHandedCodeHash(item: unknown): item is HandedCodeHash {
  if (!isObject(item)) return false;
  const { value, algorithm, patterns, saltDigest } = item;
  const isHash = value === undefined || (isText(value) && isCodeHash(value));
  if (algorithm === undefined) return isHash && value !== undefined;
  const isAlgorithm = algorithm === 'git-sha256' || algorithm === 'md5';
  return isHash && isAlgorithm && Array.isArray(patterns) && patterns.every(isText) && isText(saltDigest);
}

/** @returns the time of the build: whole seconds since a check of this job ended in a miss; undefined if unknown */
export function secondsSinceMiss({ clock }: RunContext, hints: Hints): number | undefined {
  if (hints.kind !== 'handover' || !hints.isOutOfReach) return undefined;
  const { found, checkedAtMs } = hints.handover;
  if (found !== undefined || typeof checkedAtMs !== 'number') return undefined;
  return buildSecondsOf(Math.round((clock.wallTime().getTime() - checkedAtMs) / 1000));
}

interface CheckResult {
  /** Undefined for a miss. */
  readonly found: SetLocation | undefined;
  /** Undefined if the check was not asked for one. */
  readonly codeHash: HandedCodeHash | undefined;
  /** Whether only this set's build comes between the check and its upload, so that the build can be timed. */
  readonly isTimed: boolean;
}

/**
 * Leaves the result of a check for later steps: in `.found-at` and, since a build may empty the package directory, also
 * in a file of the job if the job has a place for files. Keeps the code hashes that other checks of the same commit
 * left.
 *
 * @param own the commit's own set
 */
export async function handOver(run: RunContext, own: SetLocation, result: CheckResult): Promise<void> {
  const { found, codeHash, isTimed } = result;
  const { store, packages, jobFiles } = run;
  const name = handoverName(store, own);
  const before = jobFiles === undefined ? packages.readMarker('.found-at') : jobFiles.read(name);
  // An unreadable handover is replaced.
  const text = (await before.catch(() => undefined)) ?? '';
  const codeHashes = withCodeHash(parseHandover(text, store, own)?.codeHashes ?? [], codeHash);
  const handover: Handover = defined({
    endpoint: store.endpoint,
    asked: uriOf(store.bucket, own),
    found: found && uriOf(store.bucket, found),
    checkedAtMs: isTimed ? run.clock.wallTime().getTime() : undefined,
    codeHashes,
  });
  await jobFiles?.write(name, JSON.stringify(handover));
  await packages.writeMarker('.found-at', JSON.stringify(handover));
}

/** Times the build of the only set that a check of several packages left to build, from now on. */
export async function timeBuild({ store, jobFiles, clock, dryRun }: RunContext, own: SetLocation): Promise<void> {
  const name = handoverName(store, own);
  const text = await jobFiles?.read(name).catch(() => undefined);
  const handover = parseHandover(text ?? '', store, own);
  if (dryRun || handover === undefined) return;
  const timed: Handover = { ...handover, checkedAtMs: clock.wallTime().getTime() };
  await jobFiles?.write(name, JSON.stringify(timed));
}

/**
 * Adds a code hash to those of earlier checks. A check that did not compute its value keeps the one that an earlier
 * check computed.
 */
function withCodeHash(
  earlier: readonly HandedCodeHash[],
  codeHash: HandedCodeHash | undefined,
): readonly HandedCodeHash[] {
  if (codeHash === undefined) return earlier;
  const same = earlier.find((other) => isSameRequest(other, codeHash));
  return [...earlier.filter((other) => other !== same), { ...same, ...codeHash }];
}

/** Hints that earlier steps left for an upload. */
export type Hints =
  | {
      readonly kind: 'handover';
      readonly handover: Handover;
      /** Whether it comes from a file of the job, where builds don't write. */
      readonly isOutOfReach: boolean;
    }
  /** The markers in the package directory are about another set. */
  | { readonly kind: 'foreign' }
  /** There was no check, or only one by the Python tool. */
  | { readonly kind: 'unknown' };

/** @param own the commit's own set */
export async function readHints(run: RunContext, own: SetLocation): Promise<Hints> {
  const { store, packages, jobFiles, log } = run;
  const handed = await jobFiles?.read(handoverName(store, own));
  const handover = handed === undefined ? undefined : parseHandover(handed, store, own);
  if (handover !== undefined) return { kind: 'handover', handover, isOutOfReach: true };
  const text = await packages.readMarker('.found-at');
  if (text === undefined) return { kind: 'unknown' };
  const marked = parseHandover(text, store, own);
  if (marked !== undefined) return { kind: 'handover', handover: marked, isOutOfReach: false };
  log.info(
    `${packages.path}/.found-at is not about ${uriOf(store.bucket, own)}: neither .found nor .code-hash counts for this upload.`,
  );
  return { kind: 'foreign' };
}

/** @returns the set that earlier steps say they found; undefined if they found none */
export async function hintedSet(
  { store, packages }: RunContext,
  own: SetLocation,
  hints: Hints,
): Promise<SetLocation | undefined> {
  const found = hints.kind === 'handover' ? foundIn(hints.handover, store.bucket) : undefined;
  if (found !== undefined && hints.kind === 'handover' && hints.isOutOfReach) return found;
  if (hints.kind === 'foreign' || (await packages.readMarker('.found')) === undefined) return undefined;
  return found ?? own;
}
