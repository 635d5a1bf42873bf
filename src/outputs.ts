import { uriOf } from './asset-set/location.ts';
import { totalSize } from './asset-set/record.ts';
import { missingPackages, type Outcome, type PackageOutcome } from './modes/outcome.ts';
import type { OutputValue } from './text.ts';

/**
 * Every output, with the function that computes it. A test compares them with `action.yml` and docs/guide/inputs.md.
 */
export const OUTPUTS = {
  found: ({ found }) => found,
  source: ({ source }) => source,
  reason: ({ reason }) => reason,
  'cache-hit': ({ source }) => source === 'cache',
  'commit-sha': ({ commit }) => commit,
  'code-hash': ({ codeHash }) => codeHash ?? '',
  'built-from-commit': ({ builtFromCommit }) => builtFromCommit ?? '',
  'artifact-prefix': ({ location, packages }) => (packages === undefined ? location.prefix : ''),
  'artifact-uri': ({ location, packages }, bucket) => (packages === undefined ? uriOf(bucket, location) : ''),
  'record-uri': ({ location, packages }, bucket) =>
    packages === undefined ? `s3://${bucket}/${location.recordKey}` : '',
  'file-count': ({ files }) => files.length,
  'total-bytes': ({ files }) => totalSize(files),
  uploaded: ({ uploaded }) => uploaded,
  cached: ({ cached }) => cached,
  restored: ({ restored }) => restored,
  explanation: ({ explanation, packages }) => (packages === undefined ? (explanation ?? {}) : explanationsOf(packages)),
  files: ({ files, location, packages }) =>
    packages === undefined
      ? files.map(({ path, size, sha256 }) => ({ path, size, sha256, key: location.prefix + path }))
      : [],
  packages: ({ packages = [] }, bucket) => packages.map((one) => packageOutput(one, bucket)),
  build: (outcome) => missingPackages(outcome).map(({ name }) => name),
  matrix: (outcome) => ({
    include: missingPackages(outcome).map(({ name, directory, prefix, outcome: { codeHash = '' } }) => ({
      package: name,
      directory,
      prefix,
      'code-hash': codeHash,
    })),
  }),
} as const satisfies Record<string, (outcome: Outcome, bucket: string) => OutputValue>;

/** Explanations by package name, for the packages that have one. */
function explanationsOf(packages: readonly PackageOutcome[]) {
  return Object.fromEntries(
    packages.flatMap(({ name, outcome: { explanation } }) => (explanation === undefined ? [] : [[name, explanation]])),
  );
}

function packageOutput({ name, outcome }: PackageOutcome, bucket: string) {
  return {
    name,
    found: outcome.found,
    reason: outcome.reason,
    source: outcome.source,
    'code-hash': outcome.codeHash ?? '',
    'artifact-uri': uriOf(bucket, outcome.location),
    'built-from-commit': outcome.builtFromCommit ?? '',
  };
}

/** @returns the value of every output, by name */
export function outputsOf(outcome: Outcome, bucket: string): ReadonlyMap<string, OutputValue> {
  return new Map(Object.entries(OUTPUTS).map(([name, compute]) => [name, compute(outcome, bucket)]));
}
