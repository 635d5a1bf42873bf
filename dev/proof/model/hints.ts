import { createHash } from 'node:crypto';
import { CODES, COMMITS, PATTERNS, ROOTS, SALT } from './contents.ts';
import { placeOf, type SetPlace } from './history.ts';
import type { ModelProcess } from './process.ts';

export const BUCKET = 'model';
export const ENDPOINT = 'https://model';

/**
 * Places files that a check, a build or somebody else may have left before an upload. Files that a build can write give
 * a wrong code hash only if they must not count: beside a handover, or with signing keys.
 */
export function placeHints({ plan, directory, jobFiles, own }: ModelProcess): void {
  const { kind, root, folder, id } = plan.hints;
  if (kind === 'none') return;
  const { markers } = directory;
  const found = placeOf(folder, folder === 'cache' ? CODES[id] : COMMITS[id], ROOTS[root]);
  const [code, otherCode] = plan.code === 0 ? CODES : [CODES[1], CODES[0]];
  const reachable = kind === 'handover' || plan.signs ? otherCode : code;
  markers.set('.record.json', forgedRecord(own));
  if (kind !== 'code-hash') markers.set('.found', '');
  if (kind !== 'found') markers.set('.code-hash', reachable);
  if (kind === 'found-at' || kind === 'handover') markers.set('.found-at', handover({ own, found, code: reachable }));
  if (kind === 'handover') jobFiles.set(nameOf(own), handover({ own, found, code }));
}

function handover({ own, found, code }: { own: SetPlace; found: SetPlace; code: string }): string {
  const saltDigest = createHash('sha256').update(SALT).digest('hex');
  const codeHashes = [{ value: code, algorithm: 'git-sha256', patterns: PATTERNS, saltDigest }];
  return JSON.stringify({ endpoint: ENDPOINT, asked: uriOf(own), found: uriOf(found), codeHashes });
}

function nameOf(own: SetPlace): string {
  const digest = createHash('sha256').update(JSON.stringify([ENDPOINT, uriOf(own)]));
  return `s3-asset-manager-${digest.digest('hex')}.json`;
}

function uriOf({ prefix }: SetPlace): string {
  return `s3://${BUCKET}/${prefix}`;
}

function forgedRecord({ id }: SetPlace): string {
  return JSON.stringify({
    schema: 's3-asset-manager/record/v1',
    state: 'complete',
    commit: id,
    origin: { kind: 'upload' },
    writer: { nonce: 'nobody', sequence: 1 },
    leaseSeconds: 120,
    files: [{ path: '../a', size: 2, etag: '"0"' }],
    totalSize: 2,
  });
}
