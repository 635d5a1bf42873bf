import { RESERVED_METADATA } from '../asset-set/attributes.ts';
import { isCommit } from '../asset-set/commit.ts';
import type { Concurrency } from '../async.ts';
import { type CodeHashRequest, isCodeHash } from '../code-hash/code-hash.ts';
import { InputError } from '../errors.ts';
import {
  choice,
  endpointUrl,
  flag,
  type InputSource,
  type InputSpec,
  keyPrefix,
  lines,
  matching,
  pairs,
  patterns,
  refused,
  Texts,
} from './values.ts';

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

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const AWS_BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Capitals and `_`, as AWS allowed them long ago, and `tenant:name`, as Ceph has it. */
const OTHER_BUCKET = /^[a-z0-9][\w.:-]{1,253}[a-z0-9]$/i;

/** Variables of AWS's own that no input stands for. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html */
export const SWITCHES = {
  ignoresConfiguredEndpoints: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  fips: 'AWS_USE_FIPS_ENDPOINT',
  dualstack: 'AWS_USE_DUALSTACK_ENDPOINT',
} as const;

/** Where and how the bucket is reached. */
function storeInputs(texts: Texts<InputName>) {
  const ignoresConfiguredEndpoints = switched(texts, SWITCHES.ignoresConfiguredEndpoints);
  const endpoint = texts.parsed('endpoint-url', endpointUrl, { variablesCount: !ignoresConfiguredEndpoints });
  return {
    bucket: bucketName(texts.required('bucket'), endpoint === undefined),
    region: texts.form('aws-region', /^[a-z0-9-]+$/, "give a region such as 'eu-west-1'"),
    endpointUrl: endpoint,
    ignoresConfiguredEndpoints,
    fips: switched(texts, SWITCHES.fips),
    dualstack: switched(texts, SWITCHES.dualstack),
    forcePathStyle: texts.parsed('force-path-style', flag),
    credentials: credentials(texts),
    role: role(texts),
    expectedBucketOwner: texts.form('expected-bucket-owner', /^\d{12}$/, 'give the 12 digits of an account id'),
    requesterPays: texts.parsed('requester-pays', flag) ?? false,
    maxAttempts: texts.number('max-attempts', { min: 1, max: 100 }) ?? 25,
    partSizeBytes: (texts.number('part-size-mib', { min: 5, max: 5120 }) ?? 8) * 1024 ** 2,
    storageClass: texts.oneOf('storage-class', STORAGE_CLASSES),
    serverSideEncryption: texts.oneOf('server-side-encryption', ['AES256', 'aws:kms', 'aws:kms:dsse']),
    sseKmsKeyId: texts.get('sse-kms-key-id'),
    acl: texts.oneOf('acl', ACLS),
    tagging: texts.parsed('tags', tagging),
  };
}

function bucketName(text: string, isAtAws: boolean): string {
  if (/^arn:/i.test(text))
    throw refused('bucket', text, "give a bucket's name, or an access point's alias, not an ARN");
  // Their access points' names end much alike.
  if (/--xa?-+s3$/.test(text))
    throw refused('bucket', text, 'directory buckets need sessions, which this action has none of: use another bucket');
  return matching('bucket', text, {
    form: isAtAws ? AWS_BUCKET : OTHER_BUCKET,
    advice: isAtAws
      ? 'give the name alone: 3 to 63 lowercase letters, digits, dots and hyphens'
      : "give the name alone: letters, digits and '.', '-', '_', ':'",
  });
}

/** On in any case of `true`. */
function switched(texts: Texts<InputName>, variable: string): boolean | undefined {
  const text = texts.variable(variable);
  return text === undefined ? undefined : text.toLowerCase() === 'true';
}

/** Those from which an object can be read at once. */
const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'EXPRESS_ONEZONE',
] as const;

const ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
] as const;

function credentials(texts: Texts<InputName>) {
  const accessKeyId = texts.get('aws-access-key-id');
  const secretAccessKey = texts.get('aws-secret-access-key');
  const sessionToken = texts.get('aws-session-token');
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey, sessionToken };
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined) return undefined;
  throw new InputError(
    'aws-access-key-id, aws-secret-access-key and aws-session-token belong together: give the first two, or none of them',
  );
}

function role(texts: Texts<InputName>) {
  const arn = texts.form(
    'role-to-assume',
    /^arn:[a-z-]+:iam::[^:]*:role\/.+$/,
    "give the role's ARN, 'arn:aws:iam::<account>:role/<name>'",
  );
  const sessionName = texts.form('role-session-name', /^[\w+=,.@-]{2,64}$/, 'give 2 to 64 letters, digits and +=,.@-');
  const durationSeconds = texts.number('role-duration-seconds', { min: 900, max: 43_200 });
  const chaining = texts.parsed('role-chaining', flag) ?? false;
  if (arn === undefined) return undefined;
  return {
    arn,
    sessionName: sessionName ?? 's3-asset-manager',
    durationSeconds: durationSeconds ?? 1200,
    externalId: texts.get('role-external-id'),
    audience: texts.get('audience') ?? 'sts.amazonaws.com',
    chaining,
  };
}

function tagging(name: string, text: string): string {
  const tags = pairs(name, text);
  if (tags.size > 10) throw new InputError(`${name} has ${tags.size} tags: S3 takes at most 10`);
  return new URLSearchParams([...tags]).toString().replaceAll('+', '%20');
}

/**
 * Whose sets count.
 *
 * @param writes whether this run may write a set
 * @returns the keys that sets have to be signed with, undefined where there are none, and whether sets without a record count
 * @throws InputError for keys with which this run's own sets would not count
 */
function trustInputs(texts: Texts<InputName>, { writes }: { readonly writes: boolean }) {
  const signingKey = texts.get('signing-key');
  const verifyKeys = texts.get('verify-keys');
  const legacy = texts.oneOf('legacy', ['trust', 'ignore']);
  if (signingKey === undefined && verifyKeys === undefined) return { legacy: legacy ?? 'trust', trust: undefined };
  if (legacy === 'trust')
    throw new InputError(
      "legacy is 'trust', but a set without a record is not signed: leave out either it or the keys",
    );
  if (signingKey === undefined && writes)
    throw new InputError(
      "signing-key is not set, but verify-keys is: no set that this step stores would count. Make sure that the job can read the secret; without it, check and restore need promote to be 'false'",
    );
  return { legacy: 'ignore', trust: { signingKey, verifyKeys } } as const;
}
