import { createHash } from 'node:crypto';
import type { CodeHash, CodeHashAlgorithm, CodeHashRequest } from '../code-hash/code-hash.ts';
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

/** The code hash that a check was asked for, and what it is computed from; without algorithm: given as an input. */
interface HandedCodeHash {
  /** Undefined: the check found the commit's own set, and had no need to compute it. */
  readonly value?: string;
  readonly algorithm?: CodeHashAlgorithm;
  readonly patterns?: readonly string[];
  /** SHA-256 of the salt as hex, since a salt may be a secret. */
  readonly saltDigest?: string;
}

/**
 * Leaves the record of a complete set beside its assets, and the digests of its files in the form of `sha256sum --check`.
 * Nothing is left of a set without a record, nor by a dry run.
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

/** What a check found out, for the upload that follows it. Whoever reads one treats it as a hint. */
export interface Handover {
  readonly endpoint: string;
  /** URI of the commit's own set. */
  readonly asked: string;
  /** URI of the set that was found; undefined for a miss. */
  readonly found?: string;
  /** When the check ended, by this machine's clock: milliseconds since the epoch. */
  readonly checkedAtMs?: number;
  /** One for each request: several checks may ask for one commit with different filters. */
  readonly codeHashes: readonly HandedCodeHash[];
}

/** Where a handover for the commit's own set lies among the job's files. */
export function handoverName({ endpoint, bucket }: Place, own: SetLocation): string {
  const digest = createHash('sha256').update(JSON.stringify([endpoint, uriOf(bucket, own)]));
  return `s3-asset-manager-${digest.digest('hex')}.json`;
}

/** Of one of the job's files. */
function handedSourcesName(codeHash: string): string {
  return `s3-asset-manager-sources-${codeHash}.json`;
}

/**
 * Leaves what a code hash was computed from for the upload that follows a miss, since the build in between may change it:
 * among the job's files, or else in `.code-sources`.
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

/** @returns what a check handed over of this very code hash; undefined where it did not */
export async function handedSources(
  { packages, jobFiles }: RunContext,
  { value }: CodeHash,
): Promise<string | undefined> {
  if (jobFiles !== undefined) return jobFiles.read(handedSourcesName(value));
  const text = await packages.readMarker('.code-sources');
  return text?.startsWith(`${value}\n`) ? text.slice(value.length + 1) : undefined;
}

/** What a request for a code hash and its result are handed over as. */
export function handedCodeHash(request: CodeHashRequest, value: string | undefined): HandedCodeHash {
  if (request.kind === 'given') return { value: request.value };
  const { algorithm, salt, package: one } = request;
  // An empty text, which is no pattern, stands between what belongs to different packages.
  const needs = one?.needs.flatMap((need) => ['', ...need.patterns]) ?? [];
  const patterns = [...request.patterns, ...needs];
  return defined({ value, algorithm, patterns, saltDigest: createHash('sha256').update(salt).digest('hex') });
}

/** Whether two code hashes were asked for in the same words. */
export function isSameRequest(left: HandedCodeHash, right: HandedCodeHash): boolean {
  return wordsOf(left) === wordsOf(right);
}

function wordsOf({ value, algorithm, patterns, saltDigest }: HandedCodeHash): string {
  return JSON.stringify(algorithm === undefined ? [value] : [algorithm, patterns, saltDigest]);
}

/**
 * @returns the handover that a text holds, if it is about the commit's own set; undefined for any other, and for what is
 *   no handover
 */
export function parseHandover(text: string, { endpoint, bucket }: Place, own: SetLocation): Handover | undefined {
  const value = parsedJson(text);
  return isHandover(value) && value.endpoint === endpoint && value.asked === uriOf(bucket, own) ? value : undefined;
}

/** @returns the set that was found; undefined for a miss, and where that is no set of the bucket */
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

/** @returns how long ago, in whole seconds, a check of this job found nothing: the build lies in between */
export function secondsSinceMiss({ clock }: RunContext, hints: Hints): number | undefined {
  if (hints.kind !== 'handover' || !hints.isOutOfReach) return undefined;
  const { found, checkedAtMs } = hints.handover;
  if (found !== undefined || typeof checkedAtMs !== 'number') return undefined;
  return buildSecondsOf(Math.round((clock.wallTime().getTime() - checkedAtMs) / 1000));
}

/** What a check found out. */
interface CheckResult {
  /** Undefined for a miss. */
  readonly found: SetLocation | undefined;
  /** Undefined where the check was asked for none. */
  readonly codeHash: HandedCodeHash | undefined;
  /** Whether nothing but its build follows until its upload. */
  readonly isTimed: boolean;
}

/**
 * Leaves what a check found out for later steps: among the job's files, where there are any, since a build may empty the
 * package directory, and in `.found-at`. What other checks of the same commit left of their code hashes stays.
 *
 * @param own the commit's own set
 */
export async function handOver(run: RunContext, own: SetLocation, result: CheckResult): Promise<void> {
  const { found, codeHash, isTimed } = result;
  const { store, packages, jobFiles } = run;
  const name = handoverName(store, own);
  const before = jobFiles === undefined ? packages.readMarker('.found-at') : jobFiles.read(name);
  // What can't be read is replaced.
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

/** A check that had no need to compute a code hash leaves the value that an earlier one computed. */
function withCodeHash(
  earlier: readonly HandedCodeHash[],
  codeHash: HandedCodeHash | undefined,
): readonly HandedCodeHash[] {
  if (codeHash === undefined) return earlier;
  const same = earlier.find((other) => isSameRequest(other, codeHash));
  return [...earlier.filter((other) => other !== same), { ...same, ...codeHash }];
}

/** What earlier steps say to an upload. All of it is hints. */
export type Hints =
  | {
      readonly kind: 'handover';
      readonly handover: Handover;
      /** Whether it lies where builds don't write. */
      readonly isOutOfReach: boolean;
    }
  /** The markers in the package directory are about another set. */
  | { readonly kind: 'foreign' }
  /** There was no check, or one of the Python tool. */
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

/** @returns the set that earlier steps say they found; undefined where they found none */
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
