import { RESERVED_METADATA } from './core/asset-metadata.ts';
import type { CodeHashRequest } from './core/code-hash-request.ts';
import { isCodeHash } from './core/code-hash-request.ts';
import { isCommit } from './core/commit.ts';
import type { Concurrency } from './core/concurrency.ts';
import { InputError } from './errors.ts';
import { type InputSource, type InputSpec, Texts } from './input-texts.ts';
import { choice, flag, keyPrefix, lines, pairs, patterns, refused } from './input-values.ts';
import { storeInputs } from './inputs-store.ts';
import { trustInputs } from './inputs-trust.ts';

const NO_VARIABLE = { variables: [] } as const;

/** Every input, declared once. `action.yml` and the README's table are held to it by a test. */
export const INPUTS = {
  mode: NO_VARIABLE,
  bucket: { variables: ['PACKAGE_ASSETS_BUCKET'] },
  'repository-path': { variables: ['GIT_REPO_PATH'] },
  'package-directory': { variables: ['PACKAGE_DIRECTORY'] },
  'commit-sha': NO_VARIABLE,
  'code-hash-filter': { variables: ['CODE_HASH_FIND_FILTER'] },
  'code-hash-algorithm': NO_VARIABLE,
  'code-hash-salt': NO_VARIABLE,
  'code-hash': NO_VARIABLE,
  'unmatched-patterns': NO_VARIABLE,
  prefix: NO_VARIABLE,
  'fallback-prefixes': NO_VARIABLE,
  files: NO_VARIABLE,
  'include-hidden-files': NO_VARIABLE,
  'if-no-files-found': NO_VARIABLE,
  overwrite: NO_VARIABLE,
  restore: NO_VARIABLE,
  'fail-on-miss': NO_VARIABLE,
  legacy: NO_VARIABLE,
  promote: NO_VARIABLE,
  'wait-timeout-seconds': NO_VARIABLE,
  'aws-region': { variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'] },
  'aws-access-key-id': NO_VARIABLE,
  'aws-secret-access-key': NO_VARIABLE,
  'aws-session-token': NO_VARIABLE,
  'role-to-assume': { variables: ['AWS_ROLE'] },
  'role-chaining': NO_VARIABLE,
  'role-session-name': NO_VARIABLE,
  'role-duration-seconds': NO_VARIABLE,
  'role-external-id': NO_VARIABLE,
  audience: NO_VARIABLE,
  'expected-bucket-owner': NO_VARIABLE,
  'requester-pays': NO_VARIABLE,
  'endpoint-url': { variables: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'] },
  'force-path-style': NO_VARIABLE,
  'storage-class': NO_VARIABLE,
  'server-side-encryption': NO_VARIABLE,
  'sse-kms-key-id': NO_VARIABLE,
  acl: NO_VARIABLE,
  tags: NO_VARIABLE,
  metadata: NO_VARIABLE,
  'content-type': NO_VARIABLE,
  'cache-control': NO_VARIABLE,
  'signing-key': NO_VARIABLE,
  'verify-keys': NO_VARIABLE,
  concurrency: NO_VARIABLE,
  'part-size-mib': NO_VARIABLE,
  'max-attempts': NO_VARIABLE,
  'job-summary': NO_VARIABLE,
  'dry-run': NO_VARIABLE,
} as const satisfies Record<string, InputSpec>;

export type InputName = keyof typeof INPUTS;

/** Kept out of the log before anything else happens. */
export const SECRET_INPUTS = [
  'aws-access-key-id',
  'aws-secret-access-key',
  'aws-session-token',
  'signing-key',
] as const satisfies readonly InputName[];

export type Inputs = ReturnType<typeof parseInputs>;

/**
 * @returns every input, parsed and validated; its text is the input's, else a variable's, else the default here
 * @throws InputError for the first that can't be used, with its value and the fix
 */
export function parseInputs(source: InputSource<InputName>) {
  const texts = new Texts(source, INPUTS);
  const mode = choice('mode', texts.required('mode'), ['check', 'upload', 'restore']);
  const codeHash = codeHashRequest(texts);
  const search = searchInputs(texts, mode);
  const dryRun = texts.parsed('dry-run', flag) ?? false;
  const looksElsewhere = codeHash !== undefined || search.fallbackPrefixes.length > 0;
  const repositoryPath = texts.path('repository-path');
  const writes = !dryRun && (mode === 'upload' || (search.promote && looksElsewhere));
  return {
    mode,
    ...trustInputs(texts, { writes }),
    prefix: texts.parsed('prefix', keyPrefix) ?? '',
    packageDirectory: texts.path('package-directory') ?? './packages',
    jobSummary: texts.parsed('job-summary', flag) ?? true,
    dryRun,
    waitMs: (texts.number('wait-timeout-seconds', { min: 0, max: 21_600 }) ?? (mode === 'check' ? 0 : 600)) * 1000,
    concurrency: concurrency(texts),
    repository: { path: repositoryPath ?? '.', isGiven: repositoryPath !== undefined },
    commitSha: texts.parsed('commit-sha', commitSha),
    codeHash,
    selection: {
      patterns: texts.parsed('files', filePatterns) ?? [],
      includeHidden: texts.parsed('include-hidden-files', flag) ?? false,
    },
    search,
    upload: uploadInputs(texts),
    store: storeInputs(texts),
  };
}

function concurrency(texts: Texts<InputName>): Concurrency {
  return texts.number('concurrency', { min: 1, max: 256 }) ?? 'adaptive';
}

function commitSha(name: string, text: string): string {
  if (text === 'HEAD' || isCommit(text)) return text;
  throw refused(name, text, "give a full commit id (40 or 64 lowercase hex digits) or 'HEAD'");
}

function codeHashRequest(texts: Texts<InputName>): CodeHashRequest | undefined {
  const algorithm = texts.oneOf('code-hash-algorithm', ['git-sha256', 'md5']) ?? 'git-sha256';
  const salt = texts.get('code-hash-salt') ?? '';
  const filter = texts.parsed('code-hash-filter', (_, text) => patterns(text));
  const unmatched = texts.oneOf('unmatched-patterns', ['error', 'warn']);
  const value = texts.get('code-hash');
  if (value !== undefined) {
    if (isCodeHash(value)) return { kind: 'given', value };
    throw refused('code-hash', value, 'give 32 to 128 lowercase hex digits');
  }
  if (filter === undefined) return undefined;
  if (algorithm === 'md5') refuseForMd5(salt, filter);
  // The Python tool passes over such patterns, and its filters may rely on that.
  const unmatchedPatterns = algorithm === 'md5' ? 'warn' : (unmatched ?? 'error');
  return { kind: 'computed', patterns: filter, algorithm, salt, unmatchedPatterns };
}

function refuseForMd5(salt: string, filter: readonly string[]): void {
  if (salt !== '')
    throw refused(
      'code-hash-salt',
      salt,
      "the algorithm 'md5' takes none, since the Python tool knows none: use 'git-sha256'",
    );
  const excluding = filter.find((pattern) => pattern.startsWith('!'));
  if (excluding !== undefined)
    throw refused(
      'code-hash-filter',
      excluding,
      "the algorithm 'md5' can't exclude, since Python's glob can't: use 'git-sha256'",
    );
}

/** Relative to the package directory: nothing outside it is ever an asset. */
function filePatterns(name: string, text: string): string[] {
  const items = lines(text);
  const outside = items.find((item) => /^!?([\\/~]|[a-z]:)|(^!?|[\\/])\.\.([\\/]|$)/i.test(item));
  if (outside !== undefined) throw refused(name, outside, 'give patterns relative to package-directory');
  return items;
}

/** How check and restore look for a set. */
function searchInputs(texts: Texts<InputName>, mode: 'check' | 'upload' | 'restore') {
  const fallbacks = texts.parsed('fallback-prefixes', (_, text) => lines(text)) ?? [];
  return {
    restore: texts.parsed('restore', flag) ?? false,
    failOnMiss: texts.parsed('fail-on-miss', flag) ?? mode === 'restore',
    promote: texts.parsed('promote', flag) ?? true,
    // `/` is the bucket's root: a scope may have a prefix where the one it falls back to has none.
    fallbackPrefixes: fallbacks.map((prefix) => (prefix === '/' ? '' : keyPrefix('fallback-prefixes', prefix))),
  };
}

function uploadInputs(texts: Texts<InputName>) {
  return {
    ifNoFilesFound: texts.oneOf('if-no-files-found', ['error', 'warn', 'ignore']) ?? 'error',
    overwrite: texts.parsed('overwrite', flag) ?? false,
    contentType: texts.form(
      'content-type',
      /^[\w.+-]+\/[\w.+-]+( *;[\x20-\x7e]*)?$/,
      "give a media type such as 'application/zip'",
    ),
    cacheControl: texts.form('cache-control', /^[\x20-\x7e]+$/, "give a header value such as 'max-age=3600'"),
    metadata: texts.parsed('metadata', userMetadata),
  };
}

/** S3 takes 2 KB of metadata; what this action adds is at most 400 bytes. */
const MOST_METADATA_BYTES = 1500;

function userMetadata(name: string, text: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of pairs(name, text)) {
    if (!/^[a-z0-9-]+$/.test(key)) throw refused(name, key, 'names are lowercase letters, digits and hyphens');
    if (RESERVED_METADATA.has(key)) throw refused(name, key, 'this action sets it itself');
    if (!/^[\x20-\x7e]+$/.test(value)) throw refused(name, value, 'values are printable ASCII, and not empty');
    metadata[key] = value;
  }
  const sizeBytes = Buffer.byteLength(Object.entries(metadata).flat().join(''));
  if (sizeBytes > MOST_METADATA_BYTES)
    throw new InputError(`${name} has ${sizeBytes} bytes: S3 leaves room for ${MOST_METADATA_BYTES}`);
  return metadata;
}
