import { type SetLocation, uriOf } from '../core/keys.ts';
import { type CompleteRecord, parseRecord } from '../core/record.ts';
import type { Reader } from '../core/verdict.ts';
import { UserError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { isUsable, lookUp } from '../steps/look-up.ts';
import { builtFrom, type Outcome } from './outcome.ts';

interface MarkedSet {
  readonly commit: string;
  /** Where an earlier step found the set. */
  readonly location: SetLocation;
}

interface MarkedRequest {
  readonly writer: Reader;
  readonly legacy: 'trust' | 'ignore';
}

/**
 * Does nothing, since `.found` says that an earlier step had found the set.
 *
 * @throws UserError where only signed sets count, and that one does not
 */
export async function uploadMarked(
  request: MarkedRequest,
  ports: Ports,
  { commit, location }: MarkedSet,
): Promise<Outcome> {
  const { packages, store, log } = ports;
  if (store.requiresSignatures) await assertCounts(request, ports, location);
  log.info(`The assets of ${commit} were found by an earlier step (${packages.path}/.found): nothing to upload.`);
  const record = await readFoundRecord(ports, location);
  return {
    found: true,
    source: 'artifact',
    reason: 'marker',
    cacheHit: false,
    commit,
    codeHash: record?.codeHash,
    builtFromCommit: record && builtFrom(record),
    location,
    files: record?.files ?? [],
    uploaded: false,
    cached: false,
    restored: false,
  };
}

/** A step without keys finds sets that nobody has signed. */
async function assertCounts({ writer, legacy }: MarkedRequest, ports: Ports, location: SetLocation): Promise<void> {
  const finding = await lookUp({ ...ports, reader: writer }, location);
  if (isUsable(finding, legacy)) return;
  const { packages, store } = ports;
  throw new UserError(
    `${packages.path}/.found is there, but the set at ${uriOf(store.bucket, location)} does not count (${finding.verdict.reason}): give the step that checks the same signing-key and verify-keys`,
  );
}

/** What an earlier step left of the set it found; a check of the Python tool leaves older records lying about. */
async function readFoundRecord({ packages }: Ports, { kind, id }: SetLocation): Promise<CompleteRecord | undefined> {
  const text = await packages.readMarker('.record.json');
  if (text === undefined) return undefined;
  const record = parseRecord(text, `${packages.path}/.record.json`);
  if (record.state !== 'complete') return undefined;
  return (kind === 'artifact' ? record.commit : record.codeHash) === id ? record : undefined;
}
