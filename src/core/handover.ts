import { createHash } from 'node:crypto';
import { type CodeHashAlgorithm, type CodeHashRequest, isCodeHash } from './code-hash-request.ts';
import { defined } from './defined.ts';
import { type SetLocation, setAt, uriOf } from './keys.ts';

/** A bucket on one server. */
export interface Place {
  readonly endpoint: string;
  readonly bucket: string;
}

/** The code hash that a check was asked for, and what it is computed from; without algorithm: given as an input. */
export interface HandedCodeHash {
  /** Undefined: the check found the commit's own set, and had no need to compute it. */
  readonly value?: string;
  readonly algorithm?: CodeHashAlgorithm;
  readonly patterns?: readonly string[];
  /** SHA-256 of the salt as hex, since a salt may be a secret. */
  readonly saltDigest?: string;
}

/** What a check found out, for the upload that follows it. Whoever reads one treats it as a hint. */
export interface Handover {
  readonly endpoint: string;
  /** URI of the commit's own set. */
  readonly asked: string;
  /** URI of the set that was found; undefined for a miss. */
  readonly found?: string;
  /** One for each request: several checks may ask for one commit with different filters. */
  readonly codeHashes: readonly HandedCodeHash[];
}

/** Where a handover for the commit's own set lies among the job's files. */
export function handoverName({ endpoint, bucket }: Place, own: SetLocation): string {
  const digest = createHash('sha256').update(JSON.stringify([endpoint, uriOf(bucket, own)]));
  return `s3-asset-manager-${digest.digest('hex')}.json`;
}

/** What a request for a code hash and its result are handed over as. */
export function handedCodeHash(request: CodeHashRequest, value: string | undefined): HandedCodeHash {
  if (request.kind === 'given') return { value: request.value };
  const { algorithm, patterns, salt } = request;
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
  const value = parsed(text);
  return isHandover(value) && value.endpoint === endpoint && value.asked === uriOf(bucket, own) ? value : undefined;
}

/** @returns the set that was found; undefined for a miss, and where that is no set of the bucket */
export function foundIn({ found }: Handover, bucket: string): SetLocation | undefined {
  return found === undefined ? undefined : setAt(bucket, found);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isHandover(value: unknown): value is Handover {
  if (typeof value !== 'object' || value === null) return false;
  const { endpoint, asked, found, codeHashes }: Partial<Record<keyof Handover, unknown>> = value;
  if (typeof endpoint !== 'string' || typeof asked !== 'string') return false;
  return isTextOrAbsent(found) && Array.isArray(codeHashes) && codeHashes.every(isHandedCodeHash);
}

function isHandedCodeHash(item: unknown): item is HandedCodeHash {
  if (typeof item !== 'object' || item === null) return false;
  const { value, algorithm, patterns, saltDigest }: Partial<Record<keyof HandedCodeHash, unknown>> = item;
  const isHash = value === undefined || (typeof value === 'string' && isCodeHash(value));
  if (algorithm === undefined) return isHash && value !== undefined;
  const isAlgorithm = algorithm === 'git-sha256' || algorithm === 'md5';
  const arePatterns = Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === 'string');
  return isHash && isAlgorithm && arePatterns && typeof saltDigest === 'string';
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
