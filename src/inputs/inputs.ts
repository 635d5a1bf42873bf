import type { CodeHashRequest } from '../code-hash/code-hash.ts';
import { InputError } from '../errors.ts';
import type { Access } from '../run-context.ts';
import { INPUT_NAMES, INPUTS, type InputName, type InputValue, ownVariable, SECRET_INPUTS } from './table.ts';
import { matching, refused } from './values.ts';

/** The source of inputs and variables; an empty text counts as not given. */
export interface InputSource {
  readonly input: (name: InputName) => string;
  readonly variable: (name: string) => string | undefined;
}

export type Inputs = ReturnType<typeof parseInputs>;
type Mode = InputValue<'mode'>;

/** @returns the values of secret inputs, even invalid ones, to keep out of the log */
export function secretsIn(source: InputSource): string[] {
  const given = new GivenInputs(source);
  return SECRET_INPUTS.map((name) => given.text(name)).filter((text) => text !== undefined);
}

/**
 * Whether the variable of an input holds an output of an earlier step. GitLab and others hand the lines of an env file
 * to later jobs, where this package's build would be filed under another package's code hash. GitLab's limit
 * leaves no room for a line that marks them, so `ASSETS_FOUND` does: a job that has it has read an env file.
 */
function isEarlierOutput({ variable }: InputSource, name: InputName): boolean {
  const own = variable(ownVariable(name))?.trim() ?? '';
  return Boolean(variable(ownVariable('found'))?.trim()) && INPUTS[name].outputForm?.test(own) === true;
}

/** @returns the inputs that stay unset, since their variables hold outputs of an earlier step */
export function earlierOutputs(source: InputSource): readonly InputName[] {
  return INPUT_NAMES.filter((name) => source.input(name).trim() === '' && isEarlierOutput(source, name));
}

/** @returns the inputs that are set by variables which an env file overwrites */
export function overwrittenInputs(source: InputSource): readonly InputName[] {
  const isSet = (name: InputName) => Boolean(source.variable(ownVariable(name))?.trim());
  return INPUT_NAMES.filter(
    (name) => INPUTS[name].outputForm !== undefined && isSet(name) && !isEarlierOutput(source, name),
  );
}

/**
 * Reads every input: its own text, or else that of a variable, or else the default.
 *
 * @throws InputError for the first invalid input, with its value and the fix
 */
export function parseInputs(source: InputSource) {
  const given = new GivenInputs(source);
  const mode = given.value('mode');
  const several = packagesInputs(given, mode);
  const codeHash = codeHashRequest(given);
  const search = searchInputs(given, mode);
  const dryRun = given.value('dry-run');
  const looksElsewhere = codeHash !== undefined || several !== undefined || search.fallbackPrefixes.length > 0;
  const repositoryPath = given.value('repository-path');
  const mayWrite = !dryRun && (mode === 'upload' || looksElsewhere);
  const access = accessInput(given, mayWrite);
  const writes = mayWrite && access.value !== 'read';
  return {
    mode,
    ...trustInputs(given, writes),
    prefix: given.value('prefix') ?? '',
    packageDirectory: given.value('package-directory'),
    several,
    jobSummary: given.value('job-summary'),
    dryRun,
    access,
    explain: given.value('explain'),
    waitMs: (given.value('wait-timeout-seconds') ?? (mode === 'check' ? 0 : 600)) * 1000,
    concurrency: given.value('concurrency'),
    repository: { path: repositoryPath ?? '.', isGiven: repositoryPath !== undefined },
    commitSha: given.value('commit-sha'),
    codeHash,
    selection: { patterns: given.value('files') ?? [], includeHidden: given.value('include-hidden-files') },
    search,
    upload: {
      ifNoFilesFound: ifNoFilesFound(given, mode),
      overwrite: given.value('overwrite') || access.value === 'write',
      contentType: given.value('content-type'),
      cacheControl: given.value('cache-control'),
      metadata: given.value('metadata'),
    },
    store: storeInputs(given),
  };
}

/** Looks up inputs and their variables. */
class GivenInputs {
  readonly #source: InputSource;

  constructor(source: InputSource) {
    this.#source = source;
  }

  /** @param variables that stand in for the input, in addition to its own variable */
  text(name: InputName, variables = INPUTS[name].variables ?? []): string | undefined {
    const given = this.#source.input(name).trim();
    const own = isEarlierOutput(this.#source, name) ? [] : [ownVariable(name)];
    return given || [...own, ...variables].map((one) => this.variable(one)).find(Boolean);
  }

  /** Like `text`, but parsed. @throws InputError if it is invalid, or required and not given */
  value<Name extends InputName>(name: Name, variables = INPUTS[name].variables ?? []): InputValue<Name> {
    const { parse, required, default: otherwise } = INPUTS[name];
    const text = this.text(name, variables);
    if (required !== undefined && text === undefined)
      throw new InputError(`${name} is not set: give ${required}, or set ${ownVariable(name)}`);
    const chosen = text ?? otherwise;
    const value = chosen === undefined ? undefined : parse(name, chosen, this.#source.variable);
    // This is the type that the row's parser returns, which the compiler can't infer through the table.
    return value as InputValue<Name>;
  }

  /** Reads any variable, even one that stands in for no input. */
  variable(name: string): string | undefined {
    return this.#source.variable(name)?.trim() || undefined;
  }
}

function codeHashRequest(given: GivenInputs): CodeHashRequest | undefined {
  const algorithm = given.value('code-hash-algorithm');
  const salt = given.value('code-hash-salt') ?? '';
  const patterns = given.value('code-hash-filter');
  const unmatched = given.value('unmatched-patterns');
  const value = given.value('code-hash');
  if (value !== undefined) return { kind: 'given', value };
  if (patterns === undefined) return undefined;
  if (algorithm === 'md5') refuseForMd5(salt, patterns);
  // The Python tool ignores unmatched patterns, and its users may rely on that.
  const unmatchedPatterns = algorithm === 'md5' ? 'warn' : unmatched;
  return { kind: 'computed', patterns, algorithm, salt, unmatchedPatterns };
}

/** Inputs that each package sets itself, or that make no sense with several packages. */
const INSTEAD = {
  'code-hash-filter': "each package has 'sources'",
  'code-hash-salt': "packages and their defaults have a 'salt'",
  'code-hash': "it is computed from each package's 'sources'",
  files: "each package has 'files'",
} as const;

/** The inputs for several packages. Only a check may leave `package` out, and then looks for all of them. */
function packagesInputs(given: GivenInputs, mode: Mode) {
  const text = given.value('packages');
  const name = given.value('package');
  if (text === undefined) {
    if (name === undefined) return undefined;
    throw refused('package', name, "leave it out, or define it in 'packages'");
  }
  for (const [other, why] of Object.entries(INSTEAD) as readonly [keyof typeof INSTEAD, string][])
    if (given.text(other) !== undefined)
      throw new InputError(`${other} is set together with packages: leave it out, since ${why}`);
  if (given.value('code-hash-algorithm') === 'md5')
    throw refused('code-hash-algorithm', 'md5', "packages are hashed by 'git-sha256' alone: leave it out");
  if (name === undefined && mode !== 'check')
    throw new InputError(`package is not set: name the one of 'packages' to ${mode}`);
  return { text, name, unmatchedPatterns: given.value('unmatched-patterns') };
}

function refuseForMd5(salt: string, patterns: readonly string[]): void {
  if (salt !== '')
    throw refused(
      'code-hash-salt',
      salt,
      "the algorithm 'md5' takes no salt, since the Python tool has none: use 'git-sha256'",
    );
  const excluding = patterns.find((pattern) => pattern.startsWith('!'));
  if (excluding !== undefined)
    throw refused(
      'code-hash-filter',
      excluding,
      "the algorithm 'md5' can't exclude, since Python's glob can't: use 'git-sha256'",
    );
}

/**
 * Reads `access`. Unless it is given, GitHub's `cache-mode` also keeps a job from writing here, but never from reading:
 * https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode
 *
 * @returns the access, whether it was given, and the `cache-mode` that keeps this run from writing, if any
 */
function accessInput(given: GivenInputs, mayWrite: boolean) {
  const named = given.value('access');
  const isActions = given.variable('GITHUB_ACTIONS') === 'true';
  const mode = isActions && named === undefined ? given.variable('ACTIONS_CACHE_MODE') : undefined;
  const cacheMode = mode === 'read' || mode === 'none' ? mode : undefined;
  const value: Access = named ?? (cacheMode === undefined ? 'read-write' : 'read');
  return { value, isNamed: named !== undefined, withheldBy: mayWrite ? cacheMode : undefined };
}

/** How check and restore look for a set. */
function searchInputs(given: GivenInputs, mode: Mode) {
  return {
    fallbackPrefixes: given.value('fallback-prefixes') ?? [],
    restore: given.value('restore'),
    failOnMiss: given.value('fail-on-miss') ?? mode === 'restore',
  };
}

/** @throws InputError if a misspelt pattern would record that the code passed */
function ifNoFilesFound(given: GivenInputs, mode: Mode) {
  const action = given.value('if-no-files-found');
  if (action === 'store' && mode === 'upload' && given.value('files') !== undefined)
    throw refused(
      'if-no-files-found',
      action,
      "with files, a pattern that matches nothing would store a set without files: leave out 'files', or give 'error'",
    );
  return action;
}

/**
 * Reads which sets count.
 *
 * @param writes whether this run may write a set
 * @returns the keys that sets must be signed with, if any, and whether sets without a record count
 * @throws InputError if this run's own sets would not count
 */
function trustInputs(given: GivenInputs, writes: boolean) {
  const signingKey = given.value('signing-key');
  const verifyKeys = given.value('verify-keys');
  const legacy = given.value('legacy');
  if (signingKey === undefined && verifyKeys === undefined) return { legacy: legacy ?? 'trust', trust: undefined };
  if (legacy === 'trust')
    throw new InputError(
      "legacy is 'trust', but a set without a record is not signed: leave out either it or the keys",
    );
  if (signingKey === undefined && writes)
    throw new InputError(
      "signing-key is not set, but verify-keys is: no set that this step stores would count. Make sure that the job can read the secret; without it, set access to 'read'",
    );
  return { legacy: 'ignore', trust: { signingKey, verifyKeys } } as const;
}

/** AWS's own variables without a corresponding input. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html */
export const SWITCHES = {
  ignoresConfiguredEndpoints: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  fips: 'AWS_USE_FIPS_ENDPOINT',
  dualstack: 'AWS_USE_DUALSTACK_ENDPOINT',
} as const;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const AWS_BUCKET = matching(
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  'give the name alone: 3 to 63 lowercase letters, digits, dots and hyphens',
);

/** Also allows capitals and `_`, as AWS once did, and Ceph's `tenant:name`. */
const OTHER_BUCKET = matching(
  /^[a-z0-9][\w.:-]{1,253}[a-z0-9]$/i,
  "give the name alone: letters, digits and '.', '-', '_', ':'",
);

function storeInputs(given: GivenInputs) {
  const ignoresConfiguredEndpoints = isSwitchedOn(given, SWITCHES.ignoresConfiguredEndpoints);
  const endpointUrl = ignoresConfiguredEndpoints ? given.value('endpoint-url', []) : given.value('endpoint-url');
  const bucketForm = endpointUrl === undefined ? AWS_BUCKET : OTHER_BUCKET;
  return {
    bucket: bucketForm('bucket', given.value('bucket')),
    region: given.value('aws-region'),
    endpointUrl,
    ignoresConfiguredEndpoints,
    fips: isSwitchedOn(given, SWITCHES.fips),
    dualstack: isSwitchedOn(given, SWITCHES.dualstack),
    forcePathStyle: given.value('force-path-style'),
    credentials: credentials(given),
    role: role(given),
    expectedBucketOwner: given.value('expected-bucket-owner'),
    requesterPays: given.value('requester-pays'),
    maxAttempts: given.value('max-attempts'),
    partSizeBytes: given.value('part-size-mib') * 1024 ** 2,
    storageClass: given.value('storage-class'),
    serverSideEncryption: given.value('server-side-encryption'),
    sseKmsKeyId: given.value('sse-kms-key-id'),
    acl: given.value('acl'),
    tagging: given.value('tags'),
  };
}

/** Accepts `true` in any case, like AWS's own tools. */
function isSwitchedOn(given: GivenInputs, variable: string): boolean | undefined {
  const text = given.variable(variable);
  return text === undefined ? undefined : text.toLowerCase() === 'true';
}

function credentials(given: GivenInputs) {
  const accessKeyId = given.value('aws-access-key-id');
  const secretAccessKey = given.value('aws-secret-access-key');
  const sessionToken = given.value('aws-session-token');
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey, sessionToken };
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined) return undefined;
  throw new InputError(
    'aws-access-key-id, aws-secret-access-key and aws-session-token belong together: give the first two, or none of them',
  );
}

function role(given: GivenInputs) {
  const details = {
    sessionName: given.value('role-session-name'),
    durationSeconds: given.value('role-duration-seconds'),
    externalId: given.value('role-external-id'),
    audience: given.value('audience'),
    chaining: given.value('role-chaining'),
  };
  const arn = given.value('role-to-assume');
  return arn === undefined ? undefined : { arn, ...details };
}
