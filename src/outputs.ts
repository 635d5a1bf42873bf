import { uriOf } from './asset-set/location.ts';
import { totalSize } from './asset-set/record.ts';
import type { Outcome } from './modes/outcome.ts';

/** Runners refuse outputs of over 1 MiB a job; larger sets are in `.record.json`. */
const MOST_FILES_CHARACTERS = 256 * 1024;

/** Every output, declared once, with how it is told. `action.yml` and the README's table are held to it by a test. */
export const OUTPUTS = {
  found: ({ found }) => String(found),
  source: ({ source }) => source,
  reason: ({ reason }) => reason,
  'cache-hit': ({ cacheHit }) => String(cacheHit),
  'commit-sha': ({ commit }) => commit,
  'code-hash': ({ codeHash }) => codeHash ?? '',
  'built-from-commit': ({ builtFromCommit }) => builtFromCommit ?? '',
  'artifact-prefix': ({ location }) => location.prefix,
  'artifact-uri': ({ location }, bucket) => uriOf(bucket, location),
  'record-uri': ({ location }, bucket) => `s3://${bucket}/${location.recordKey}`,
  'file-count': ({ files }) => String(files.length),
  'total-bytes': ({ files }) => String(totalSize(files)),
  uploaded: ({ uploaded }) => String(uploaded),
  cached: ({ cached }) => String(cached),
  restored: ({ restored }) => String(restored),
  files: filesJson,
} as const satisfies Record<string, (outcome: Outcome, bucket: string) => string>;

/** @returns every output's text, by name */
export function outputsOf(outcome: Outcome, bucket: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(OUTPUTS).map(([name, tell]) => [name, tell(outcome, bucket)]));
}

/** Whether the set is too large for the output `files`, which is then empty. */
export function isTruncated(outputs: ReadonlyMap<string, string>): boolean {
  return outputs.get('files') === '';
}

function filesJson({ files, location }: Outcome): string {
  const items: string[] = [];
  let characterCount = '['.length;
  for (const { path, size, sha256 } of files) {
    const item = escapeLineEnds(JSON.stringify({ path, size, sha256, key: location.prefix + path }));
    characterCount += item.length + ','.length;
    if (characterCount > MOST_FILES_CHARACTERS) return '';
    items.push(item);
  }
  return `[${items.join(',')}]`;
}

/** JSON leaves these two as they are, and some readers take them for line ends. */
function escapeLineEnds(json: string): string {
  return json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
