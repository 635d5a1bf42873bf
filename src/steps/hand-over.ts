import { defined } from '../core/defined.ts';
import {
  foundIn,
  type HandedCodeHash,
  type Handover,
  handoverName,
  isSameRequest,
  parseHandover,
} from '../core/handover.ts';
import { type SetLocation, uriOf } from '../core/keys.ts';
import type { Ports } from '../ports.ts';

type Places = Pick<Ports, 'store' | 'packages' | 'jobFiles'>;

/** What a check found out. */
export interface CheckResult {
  /** Undefined for a miss. */
  readonly found: SetLocation | undefined;
  /** Undefined where the check was asked for none. */
  readonly codeHash: HandedCodeHash | undefined;
}

/**
 * Leaves what a check found out for later steps: among the job's files, where there are any, since a build may empty the
 * package directory, and in `.found-at`. What other checks of the same commit left of their code hashes stays.
 *
 * @param own the commit's own set
 */
export async function handOver(ports: Places, own: SetLocation, { found, codeHash }: CheckResult): Promise<void> {
  const { store, packages, jobFiles } = ports;
  const name = handoverName(store, own);
  const before = jobFiles === undefined ? packages.readMarker('.found-at') : jobFiles.read(name);
  // What can't be read is replaced.
  const text = (await before.catch(() => undefined)) ?? '';
  const codeHashes = withCodeHash(parseHandover(text, store, own)?.codeHashes ?? [], codeHash);
  const foundUri = found && uriOf(store.bucket, found);
  const handover: Handover = defined({
    endpoint: store.endpoint,
    asked: uriOf(store.bucket, own),
    found: foundUri,
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
export async function readHints(ports: Places & Pick<Ports, 'log'>, own: SetLocation): Promise<Hints> {
  const { store, packages, jobFiles, log } = ports;
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
  { store, packages }: Places,
  own: SetLocation,
  hints: Hints,
): Promise<SetLocation | undefined> {
  const found = hints.kind === 'handover' ? foundIn(hints.handover, store.bucket) : undefined;
  if (found !== undefined && hints.kind === 'handover' && hints.isOutOfReach) return found;
  if (hints.kind === 'foreign' || (await packages.readMarker('.found')) === undefined) return undefined;
  return found ?? own;
}
