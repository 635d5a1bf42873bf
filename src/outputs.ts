import { uriOf } from './asset-set/location.ts';
import { totalSize } from './asset-set/record.ts';
import type { OutputValue } from './host/host.ts';
import type { Outcome } from './modes/outcome.ts';

/** Every output, declared once, with how it is told. `action.yml` and the README's table are held to it by a test. */
export const OUTPUTS = {
  found: ({ found }) => found,
  source: ({ source }) => source,
  reason: ({ reason }) => reason,
  'cache-hit': ({ cacheHit }) => cacheHit,
  'commit-sha': ({ commit }) => commit,
  'code-hash': ({ codeHash }) => codeHash ?? '',
  'built-from-commit': ({ builtFromCommit }) => builtFromCommit ?? '',
  'artifact-prefix': ({ location }) => location.prefix,
  'artifact-uri': ({ location }, bucket) => uriOf(bucket, location),
  'record-uri': ({ location }, bucket) => `s3://${bucket}/${location.recordKey}`,
  'file-count': ({ files }) => files.length,
  'total-bytes': ({ files }) => totalSize(files),
  uploaded: ({ uploaded }) => uploaded,
  cached: ({ cached }) => cached,
  restored: ({ restored }) => restored,
  explanation: ({ explanation }) => explanation ?? {},
  files: ({ files, location }) =>
    files.map(({ path, size, sha256 }) => ({ path, size, sha256, key: location.prefix + path })),
} as const satisfies Record<string, (outcome: Outcome, bucket: string) => OutputValue>;

/** @returns what every output holds, by name */
export function outputsOf(outcome: Outcome, bucket: string): ReadonlyMap<string, OutputValue> {
  return new Map(Object.entries(OUTPUTS).map(([name, tell]) => [name, tell(outcome, bucket)]));
}
