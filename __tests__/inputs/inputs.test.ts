import { describe, expect, it } from '@jest/globals';
import { InputError } from '../../src/errors.ts';
import {
  earlierOutputs,
  type Inputs,
  overwrittenInputs,
  parseInputs,
  SWITCHES,
  secretsIn,
} from '../../src/inputs/inputs.ts';
import { INPUTS, type InputName, ownVariable, SECRET_INPUTS } from '../../src/inputs/table.ts';

const COMMIT = 'c'.repeat(40);
const CODE_HASH = 'd'.repeat(64);

type Texts = Partial<Record<InputName, string>>;
type Variables = Readonly<Record<string, string>>;
const OWN = { ASSETS_MODE: 'check', ASSETS_BUCKET: 'my-assets' };

/** Parses valid inputs, with a test's own values. */
function parse(overrides: Texts = {}, variables: Variables = {}): Inputs {
  const texts: Texts = { mode: 'check', bucket: 'my-assets', ...overrides };
  return parseInputs({ input: (name) => texts[name] ?? '', variable: (name) => variables[name] });
}

describe('inputs that are not given', () => {
  it('have defaults', () => {
    expect(parse()).toEqual({
      mode: 'check',
      prefix: '',
      packageDirectory: './packages',
      jobSummary: true,
      dryRun: false,
      access: { value: 'read-write', isNamed: false, withheldBy: undefined },
      explain: true,
      legacy: 'trust',
      trust: undefined,
      waitMs: 0,
      concurrency: 64,
      repository: { path: '.', isGiven: false },
      commitSha: undefined,
      codeHash: undefined,
      selection: { patterns: [], includeHidden: false },
      search: { restore: false, failOnMiss: false, fallbackPrefixes: [] },
      upload: {
        ifNoFilesFound: 'error',
        overwrite: false,
        contentType: undefined,
        cacheControl: undefined,
        metadata: undefined,
      },
      store: {
        bucket: 'my-assets',
        region: undefined,
        endpointUrl: undefined,
        forcePathStyle: undefined,
        fips: undefined,
        dualstack: undefined,
        ignoresConfiguredEndpoints: undefined,
        credentials: undefined,
        role: undefined,
        expectedBucketOwner: undefined,
        requesterPays: false,
        maxAttempts: 25,
        partSizeBytes: 8 * 1024 ** 2,
        storageClass: undefined,
        serverSideEncryption: undefined,
        sseKmsKeyId: undefined,
        acl: undefined,
        tagging: undefined,
      },
    });
  });

  it.each([
    { mode: 'check', waitMs: 0, failOnMiss: false },
    { mode: 'upload', waitMs: 600_000, failOnMiss: false },
    { mode: 'restore', waitMs: 600_000, failOnMiss: true },
  ])('have defaults that depend on the mode: %j', ({ mode, waitMs, failOnMiss }) => {
    expect(parse({ mode })).toMatchObject({ mode, waitMs, search: { failOnMiss } });
  });

  it.each<[InputName, string]>([
    ['mode', 'mode is not set: give check, upload or restore, or set ASSETS_MODE'],
    ['bucket', 'bucket is not set: give its name, or set ASSETS_BUCKET'],
  ])('are an error if they have no default: %s', (name, message) => {
    expect(() => parse({ [name]: '' })).toThrow(new InputError(message));
  });

  it.each<InputName>(['code-hash-algorithm', 'code-hash-salt'])(
    'do not turn caching on if only %s is given',
    (name) => {
      expect(parse({ [name]: 'md5' }).codeHash).toBeUndefined();
    },
  );
});

describe('inputs that are given', () => {
  it.each<[Texts, object]>([
    [{ bucket: 'a.b-3' }, { store: { bucket: 'a.b-3' } }],
    [{ 'repository-path': 'sources' }, { repository: { path: 'sources', isGiven: true } }],
    [{ 'repository-path': '.' }, { repository: { path: '.', isGiven: true } }],
    [{ 'package-directory': 'out' }, { packageDirectory: 'out' }],
    [{ 'commit-sha': COMMIT }, { commitSha: COMMIT }],
    [{ 'commit-sha': 'HEAD' }, { commitSha: 'HEAD' }],
    [{ prefix: 'team/app/' }, { prefix: 'team/app' }],
    [{ 'fallback-prefixes': 'main/\n\n  shared\n' }, { search: { fallbackPrefixes: ['main', 'shared'] } }],
    [{ files: '*.zip\n!secret*\nmy folder/**' }, { selection: { patterns: ['*.zip', '!secret*', 'my folder/**'] } }],
    [{ files: 'a b.zip' }, { selection: { patterns: ['a b.zip'] } }],
    [{ files: 'a..b/..c/...' }, { selection: { patterns: ['a..b/..c/...'] } }],
    [{ 'include-hidden-files': 'true' }, { selection: { includeHidden: true } }],
    [{ 'if-no-files-found': 'warn' }, { upload: { ifNoFilesFound: 'warn' } }],
    [{ overwrite: 'true' }, { upload: { overwrite: true } }],
    [{ restore: 'true' }, { search: { restore: true } }],
    [{ 'fail-on-miss': 'true' }, { search: { failOnMiss: true } }],
    [{ mode: 'restore', 'fail-on-miss': 'false' }, { search: { failOnMiss: false } }],
    [{ legacy: 'ignore' }, { legacy: 'ignore' }],
    [{ access: 'read' }, { access: { value: 'read', isNamed: true }, upload: { overwrite: false } }],
    [{ access: 'write' }, { access: { value: 'write', isNamed: true }, upload: { overwrite: true } }],
    [{ access: 'read-write' }, { access: { value: 'read-write', isNamed: true }, upload: { overwrite: false } }],
    [{ 'wait-timeout-seconds': '90' }, { waitMs: 90_000 }],
    [{ mode: 'upload', 'wait-timeout-seconds': '0' }, { waitMs: 0 }],
    [{ 'aws-region': 'eu-west-1' }, { store: { region: 'eu-west-1' } }],
    [{ 'expected-bucket-owner': '012345678901' }, { store: { expectedBucketOwner: '012345678901' } }],
    [
      { 'endpoint-url': 'http://localhost:9000' },
      { store: { endpointUrl: 'http://localhost:9000', forcePathStyle: undefined } },
    ],
    [{ 'endpoint-url': 'http://localhost:9000', 'force-path-style': 'false' }, { store: { forcePathStyle: false } }],
    [{ 'requester-pays': 'true' }, { store: { requesterPays: true } }],
    ...['My_Assets', 'tenant:mine'].map((bucket): [Texts, object] => [
      { bucket, 'endpoint-url': 'http://localhost:9000' },
      { store: { bucket } },
    ]),
    [{ 'force-path-style': 'true' }, { store: { forcePathStyle: true } }],
    [{ 'storage-class': 'STANDARD_IA' }, { store: { storageClass: 'STANDARD_IA' } }],
    [{ 'server-side-encryption': 'aws:kms' }, { store: { serverSideEncryption: 'aws:kms' } }],
    [{ 'sse-kms-key-id': 'alias/key' }, { store: { sseKmsKeyId: 'alias/key' } }],
    [{ acl: 'bucket-owner-full-control' }, { store: { acl: 'bucket-owner-full-control' } }],
    [{ tags: 'team=a b+c\nstage=' }, { store: { tagging: 'team=a%20b%2Bc&stage=' } }],
    [{ metadata: 'team=a b\nstage-2=x=y' }, { upload: { metadata: { team: 'a b', 'stage-2': 'x=y' } } }],
    [{ 'content-type': 'text/html; charset=utf-8' }, { upload: { contentType: 'text/html; charset=utf-8' } }],
    [{ 'cache-control': 'max-age=3600, public' }, { upload: { cacheControl: 'max-age=3600, public' } }],
    [{ concurrency: '1' }, { concurrency: 1 }],
    [{ 'part-size-mib': '5' }, { store: { partSizeBytes: 5 * 1024 ** 2 } }],
    [{ 'max-attempts': '3' }, { store: { maxAttempts: 3 } }],
    [{ 'job-summary': 'false' }, { jobSummary: false }],
    [{ 'dry-run': 'true' }, { dryRun: true }],
  ])('take effect, as inputs or as variables: %j', (texts, expected) => {
    expect(parse(texts)).toMatchObject(expected);
    const variables = Object.entries(texts).map(([name, text]) => [ownVariable(name), text]);
    expect(parse({ mode: '', bucket: '' }, { ...OWN, ...Object.fromEntries(variables) })).toMatchObject(expected);
  });

  it('are trimmed', () => {
    expect(parse({ mode: ' check\n', bucket: '\tmy-assets ' })).toEqual(parse());
  });

  it('count as not given if they are empty or blank', () => {
    const blank = Object.fromEntries(Object.keys(INPUTS).map((name, index) => [name, index % 2 === 0 ? '' : ' \n']));
    expect(parse({ ...blank, mode: 'check', bucket: 'my-assets' })).toEqual(parse());
  });
});

describe('a set without files', () => {
  const store: Texts = { mode: 'upload', 'if-no-files-found': 'store' };

  it('is stored if files is not given', () => {
    expect(parse(store)).toMatchObject({ upload: { ifNoFilesFound: 'store' } });
    expect(parse({ ...store, mode: 'restore', files: '*.zip' })).toMatchObject({ mode: 'restore' });
  });

  it('is not stored with a pattern, which may be misspelt', () => {
    expect(() => parse({ ...store, files: '*.zip' })).toThrow(
      new InputError(
        "if-no-files-found is 'store': with files, a pattern that matches nothing would store a set without files: leave out 'files', or give 'error'",
      ),
    );
  });
});

describe('the code hash', () => {
  it.each<[Texts, object]>([
    [
      { 'code-hash-filter': 'src/**' },
      { kind: 'computed', patterns: ['src/**'], algorithm: 'git-sha256', salt: '', unmatchedPatterns: 'error' },
    ],
    [{ 'code-hash-filter': 'src/** !src/*.md  lib/**' }, { patterns: ['src/**', '!src/*.md', 'lib/**'] }],
    [{ 'code-hash-filter': 'src/** lib/**\n!docs' }, { patterns: ['src/**', 'lib/**', '!docs'] }],
    [{ 'code-hash-filter': 'src/**', 'unmatched-patterns': 'warn' }, { unmatchedPatterns: 'warn' }],
    [{ 'code-hash-filter': 'src/**', 'code-hash-salt': 'node 24' }, { salt: 'node 24' }],
    [
      { 'code-hash-filter': 'src/** lib/**', 'code-hash-algorithm': 'md5' },
      { algorithm: 'md5', unmatchedPatterns: 'warn' },
    ],
    [{ 'code-hash': CODE_HASH }, { kind: 'given', value: CODE_HASH }],
    [
      { 'code-hash': CODE_HASH, 'code-hash-filter': 'src/**' },
      { kind: 'given', value: CODE_HASH },
    ],
  ])('is requested by %j', (texts, expected) => {
    expect(parse(texts).codeHash).toMatchObject(expected);
  });
});

describe('credentials', () => {
  const key = { 'aws-access-key-id': 'AKIA', 'aws-secret-access-key': 'secret' };

  it('are a key and its secret', () => {
    expect(parse(key).store.credentials).toEqual({ accessKeyId: 'AKIA', secretAccessKey: 'secret' });
  });

  it('may have a session token', () => {
    expect(parse({ ...key, 'aws-session-token': 'token' }).store.credentials).toEqual({
      accessKeyId: 'AKIA',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    });
  });

  it.each<Texts>([
    { 'aws-access-key-id': 'AKIA' },
    { 'aws-secret-access-key': 'secret' },
    { 'aws-session-token': 'token' },
    { 'aws-access-key-id': 'AKIA', 'aws-session-token': 'token' },
  ])('are refused if incomplete, without showing them: %j', (texts) => {
    expect(() => parse(texts)).toThrow(
      new InputError(
        'aws-access-key-id, aws-secret-access-key and aws-session-token belong together: give the first two, or none of them',
      ),
    );
  });

  it('are kept out of the log, wherever they come from', () => {
    const variables: Variables = { ASSETS_AWS_SECRET_ACCESS_KEY: 'of a variable', AWS_SECRET_ACCESS_KEY: 'of AWS' };
    const texts: Texts = { bucket: 'my-assets', 'signing-key': 'of an input' };
    const source = { input: (name: InputName) => texts[name] ?? '', variable: (name: string) => variables[name] };
    expect(secretsIn(source)).toEqual(['of a variable', 'of an input']);
  });

  it('are all declared as secrets', () => {
    expect(SECRET_INPUTS).toEqual(['aws-access-key-id', 'aws-secret-access-key', 'aws-session-token', 'signing-key']);
  });
});

describe('a role', () => {
  const arn = 'arn:aws:iam::123456789012:role/path/deploy';

  it('has defaults', () => {
    expect(parse({ 'role-to-assume': arn }).store.role).toEqual({
      arn,
      sessionName: 's3-asset-manager',
      durationSeconds: 1200,
      externalId: undefined,
      audience: 'sts.amazonaws.com',
      chaining: false,
    });
  });

  it('has settings', () => {
    const texts = {
      'role-session-name': 'ci@main',
      'role-duration-seconds': '900',
      'role-external-id': 'x',
      'role-chaining': 'true',
      audience: 'a',
    };
    expect(parse({ 'role-to-assume': arn, ...texts }).store.role).toEqual({
      arn,
      sessionName: 'ci@main',
      durationSeconds: 900,
      externalId: 'x',
      audience: 'a',
      chaining: true,
    });
  });

  it.each(['arn:aws-cn:iam::123456789012:role/deploy', 'arn:aws-us-gov:iam::123456789012:role/deploy'])(
    'can be in another partition: %s',
    (other) => {
      expect(parse({ 'role-to-assume': other }).store.role).toMatchObject({ arn: other });
    },
  );

  it('is not assumed if only its settings are given', () => {
    expect(parse({ 'role-session-name': 'ci', audience: 'a' }).store.role).toBeUndefined();
  });
});

describe('environment variables', () => {
  const texts: Variables = {
    PACKAGE_ASSETS_BUCKET: 'from-variable',
    GIT_REPO_PATH: 'repo',
    PACKAGE_DIRECTORY: 'out',
    CODE_HASH_FIND_FILTER: 'src/** lib/**',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-2',
    AWS_ROLE: 'arn:aws:iam::123456789012:role/deploy',
    AWS_ENDPOINT_URL_S3: 'http://localhost:9000',
    AWS_ENDPOINT_URL: 'http://localhost:9001',
  };

  const read: Readonly<Record<string, (inputs: Inputs) => unknown>> = {
    PACKAGE_ASSETS_BUCKET: ({ store }) => store.bucket,
    GIT_REPO_PATH: ({ repository }) => (repository.isGiven ? repository.path : undefined),
    PACKAGE_DIRECTORY: ({ packageDirectory }) => packageDirectory,
    CODE_HASH_FIND_FILTER: ({ codeHash }) => (codeHash?.kind === 'computed' ? codeHash.patterns.join(' ') : undefined),
    AWS_REGION: ({ store }) => store.region,
    AWS_DEFAULT_REGION: ({ store }) => store.region,
    AWS_ROLE: ({ store }) => store.role?.arn,
    AWS_ENDPOINT_URL_S3: ({ store }) => store.endpointUrl,
    AWS_ENDPOINT_URL: ({ store }) => store.endpointUrl,
  };

  const declared = Object.entries(INPUTS).flatMap(([input, { variables = [] }]) =>
    variables.map((variable) => ({ input, variable })),
  );

  it('are all in this table', () => {
    expect(declared.map(({ variable }) => variable).toSorted()).toEqual(Object.keys(texts).toSorted());
  });

  it.each(declared)('$variable stands in for $input', ({ input, variable }) => {
    const inputs = parse({ [input]: '' }, { PACKAGE_ASSETS_BUCKET: 'my-assets', [variable]: texts[variable] ?? '' });
    expect(read[variable]?.(inputs)).toBe(texts[variable]);
  });

  it.each([
    { input: 'bucket', given: 'from-input', variable: 'PACKAGE_ASSETS_BUCKET' },
    { input: 'repository-path', given: 'from-input', variable: 'GIT_REPO_PATH' },
    { input: 'package-directory', given: 'from-input', variable: 'PACKAGE_DIRECTORY' },
    { input: 'code-hash-filter', given: 'from-input', variable: 'CODE_HASH_FIND_FILTER' },
    { input: 'aws-region', given: 'from-input', variable: 'AWS_REGION' },
    { input: 'role-to-assume', given: 'arn:aws:iam::123456789012:role/from-input', variable: 'AWS_ROLE' },
    { input: 'endpoint-url', given: 'http://from-input', variable: 'AWS_ENDPOINT_URL_S3' },
  ])('yield to the input: $variable', ({ input, given, variable }) => {
    expect(read[variable]?.(parse({ [input]: given }, texts))).toBe(given);
  });

  it.each([
    ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  ])('have an order: %s before %s', (first, second) => {
    expect(read[first]?.(parse({}, texts))).toBe(texts[first]);
    expect(read[first]?.(parse({}, { ...texts, [first]: ' ' }))).toBe(texts[second]);
  });

  it.each(['true', 'True', ' TRUE '])("of AWS's own are on when they are %j", (text) => {
    const variables = Object.fromEntries(Object.values(SWITCHES).map((name) => [name, text]));
    expect(parse({}, variables).store).toMatchObject({ fips: true, dualstack: true, ignoresConfiguredEndpoints: true });
  });

  it("of AWS's own are off when they are anything else", () => {
    const variables = Object.fromEntries(Object.values(SWITCHES).map((name) => [name, '1']));
    expect(parse({}, variables).store).toMatchObject({ fips: false, dualstack: false });
  });

  it('for endpoints are ignored with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, the input is not', () => {
    const variables = {
      AWS_ENDPOINT_URL_S3: 'http://s3.example.com',
      AWS_ENDPOINT_URL: 'http://example.com',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'True',
    };
    expect(parse({}, variables).store.endpointUrl).toBeUndefined();
    expect(parse({ 'endpoint-url': 'http://given.example.com' }, variables).store.endpointUrl).toBe(
      'http://given.example.com',
    );
  });

  it('count as not set if they are empty', () => {
    const empty = Object.fromEntries(Object.keys(texts).map((name) => [name, '']));
    expect(parse({}, empty)).toEqual(parse());
  });

  it('are checked like inputs', () => {
    expect(() => parse({ bucket: '' }, { PACKAGE_ASSETS_BUCKET: 's3://mine' })).toThrow(
      new InputError("bucket is 's3://mine': give the name alone: 3 to 63 lowercase letters, digits, dots and hyphens"),
    );
  });

  it.each([{ HOME: '/home/runner' }, { HOME: '', USERPROFILE: '/home/runner' }])('determine what ~ is: %j', (home) => {
    const given = { GIT_REPO_PATH: '~/repo', PACKAGE_DIRECTORY: '~/packages', ...home };
    expect(parse({}, given)).toMatchObject({
      repository: { path: '/home/runner/repo', isGiven: true },
      packageDirectory: '/home/runner/packages',
    });
    expect(parse({ 'repository-path': '~', 'package-directory': '~/x' }, given)).toMatchObject({
      repository: { path: '/home/runner/' },
      packageDirectory: '/home/runner/x',
    });
  });

  it('are read only by their declared names', () => {
    const asked = new Set<string>();
    parseInputs({
      input: (name) => (name === 'mode' ? 'check' : name === 'bucket' ? 'my-assets' : ''),
      variable: (name) => void asked.add(name),
    });
    const own = Object.keys(INPUTS).map(ownVariable);
    const others = ['GITHUB_ACTIONS', 'ACTIONS_CACHE_MODE', 'ASSETS_FOUND'];
    const known = [...own, ...declared.map(({ variable }) => variable), ...Object.values(SWITCHES), ...others];
    expect(known).toEqual(expect.arrayContaining([...asked]));
  });
});

describe('an input that cannot be used', () => {
  const FLAG = "give 'true' or 'false'";
  const BUCKET = 'give the name alone: 3 to 63 lowercase letters, digits, dots and hyphens';
  const COMMIT_ID = "give a full commit id (40 or 64 lowercase hex digits) or 'HEAD'";
  const CODE_HASH_FORM = 'give 32 to 128 lowercase hex digits';
  const PREFIX = "give segments divided by '/', none of them empty, '.' or '..', and no leading '/'";
  const RELATIVE = 'give patterns relative to package-directory';
  const RESERVED = 'this action sets it itself';
  const METADATA_NAME = 'names are lowercase letters, digits and hyphens';
  const METADATA_VALUE = 'values are printable ASCII, and not empty';
  const PAIR = "give one 'name=value' a line";
  const ROLE = "give the role's ARN, 'arn:aws:iam::<account>:role/<name>'";
  const SESSION = 'give 2 to 64 letters, digits and +=,.@-';
  const MEDIA_TYPE = "give a media type such as 'application/zip'";

  it.each<[InputName, string, string]>([
    ['mode', 'download', 'give one of check, upload, restore'],
    ['mode', 'Check', 'give one of check, upload, restore'],
    ['bucket', 's3://mine', BUCKET],
    ['bucket', 'mine/prefix', BUCKET],
    ['bucket', 'My-Assets', BUCKET],
    ['bucket', 'my_assets', BUCKET],
    ['bucket', 'ab', BUCKET],
    ['bucket', 'a'.repeat(64), BUCKET],
    ['bucket', '-mine', BUCKET],
    ['bucket', 'mine.', BUCKET],
    ['bucket', 'arn:aws:s3:::mine', "give a bucket's name, or an access point's alias, not an ARN"],
    ...['x-s3', 'xa-s3', 'xa--s3'].map((end): [InputName, string, string] => [
      'bucket',
      `mine--usw2-az1--${end}`,
      'directory buckets need sessions, which this action does not support: use another bucket',
    ]),
    ['bucket', 'tenant:mine', BUCKET],
    ['requester-pays', 'requester', FLAG],
    ['commit-sha', 'abc1234', COMMIT_ID],
    ['commit-sha', 'C'.repeat(40), COMMIT_ID],
    ['commit-sha', 'main', COMMIT_ID],
    ['commit-sha', 'head', COMMIT_ID],
    ['code-hash', 'abc', CODE_HASH_FORM],
    ['code-hash', 'D'.repeat(64), CODE_HASH_FORM],
    ['code-hash', `../${CODE_HASH}`, CODE_HASH_FORM],
    ['code-hash-algorithm', 'sha256', 'give one of git-sha256, md5'],
    ['unmatched-patterns', 'ignore', 'give one of error, warn'],
    ['prefix', '/team', PREFIX],
    ['prefix', 'team//app', PREFIX],
    ['prefix', '../other', PREFIX],
    ['fallback-prefixes', '/main', PREFIX],
    [
      'fallback-prefixes',
      'main/cache',
      "this action keeps its own objects under 'cache', so give that segment another name",
    ],
    ['files', '/etc/passwd', RELATIVE],
    ['files', '!/etc/passwd', RELATIVE],
    ['files', '../secret', RELATIVE],
    ['files', 'a/../../secret', RELATIVE],
    ['files', '!..', RELATIVE],
    ['files', '~/secret', RELATIVE],
    ['files', 'C:\\secret', RELATIVE],
    ['files', '..\\secret', RELATIVE],
    ['include-hidden-files', 'ture', FLAG],
    ['overwrite', 'yes', FLAG],
    ['restore', '1', FLAG],
    ['fail-on-miss', 'True', FLAG],
    ['access', 'none', 'give one of read-write, read, write'],
    ['force-path-style', 'on', FLAG],
    ['job-summary', 'none', FLAG],
    ['dry-run', 'TRUE', FLAG],
    ['if-no-files-found', 'fail', 'give one of error, warn, ignore, store'],
    ['legacy', 'distrust', 'give one of trust, ignore'],
    ['wait-timeout-seconds', '10m', 'give a whole number from 0 to 21600'],
    ['wait-timeout-seconds', '21601', 'give a whole number from 0 to 21600'],
    ['concurrency', '0', 'give a whole number from 1 to 256'],
    ['concurrency', '257', 'give a whole number from 1 to 256'],
    ['part-size-mib', '4', 'give a whole number from 5 to 5120'],
    ['part-size-mib', '5121', 'give a whole number from 5 to 5120'],
    ['max-attempts', '0', 'give a whole number from 1 to 100'],
    ['max-attempts', '1.5', 'give a whole number from 1 to 100'],
    ['aws-region', 'EU (Ireland)', "give a region such as 'eu-west-1'"],
    ['aws-region', 'evil.com/', "give a region such as 'eu-west-1'"],
    ['role-to-assume', 'deploy', ROLE],
    ['role-to-assume', 'arn:aws:iam::123456789012:user/deploy', ROLE],
    ['role-session-name', 'a', SESSION],
    ['role-session-name', 'my session', SESSION],
    ['role-duration-seconds', '899', 'give a whole number from 900 to 43200'],
    ['expected-bucket-owner', '1234-5678-9012', 'give the 12 digits of an account id'],
    ['endpoint-url', 'minio:9000', "give a URL such as 'https://s3.example.com'"],
    ['endpoint-url', 's3.example.com', "give a URL such as 'https://s3.example.com'"],
    ['content-type', 'zip', MEDIA_TYPE],
    ['content-type', 'text/html; charset=é', MEDIA_TYPE],
    ['cache-control', 'größer', "give a header value such as 'max-age=3600'"],
    ['tags', 'team', PAIR],
    ['metadata', 'team: a', PAIR],
  ])('is refused with its value and the fix: %s %j', (name, text, advice) => {
    expect(() => parse({ [name]: text })).toThrow(new InputError(`${name} is '${text}': ${advice}`));
  });

  it.each<[InputName, string, string]>([
    ['fallback-prefixes', 'main\nteam//app', `fallback-prefixes is 'team//app': ${PREFIX}`],
    ['files', '*.zip\n../secret', `files is '../secret': ${RELATIVE}`],
    ['tags', 'team=a\nstage', `tags is 'stage': ${PAIR}`],
    ['metadata', 'team=a\nStage=b', `metadata is 'Stage': ${METADATA_NAME}`],
    ['metadata', 'a_b=c', `metadata is 'a_b': ${METADATA_NAME}`],
    ['metadata', 'commit-hash=x', `metadata is 'commit-hash': ${RESERVED}`],
    ['metadata', 'package-hash=x', `metadata is 'package-hash': ${RESERVED}`],
    ['metadata', 'code-hash=x', `metadata is 'code-hash': ${RESERVED}`],
    ['metadata', 'asset-record=x', `metadata is 'asset-record': ${RESERVED}`],
    ['metadata', 'team=größer', `metadata is 'größer': ${METADATA_VALUE}`],
    ['metadata', 'team=', `metadata is '': ${METADATA_VALUE}`],
    ['metadata', `team=${'x'.repeat(1497)}`, 'metadata has 1501 bytes: S3 leaves room for 1500'],
    [
      'cache-control',
      'no-cache\nx-evil: 1',
      "cache-control is 'no-cache\\u{a}x-evil: 1': give a header value such as 'max-age=3600'",
    ],
    ['mode', 'check\u001b[2J', "mode is 'check\\u{1b}[2J': give one of check, upload, restore"],
    [
      'endpoint-url',
      'https://key:secret@host',
      "endpoint-url is 'https://***@host': give a URL such as 'https://s3.example.com'",
    ],
  ])('is refused with the wrong part of its value: %s %j', (name, text, message) => {
    expect(() => parse({ [name]: text })).toThrow(new InputError(message));
  });

  it('is refused if it has more tags than S3 allows', () => {
    const tags = Array.from({ length: 11 }, (_, index) => `tag${index}=x`);
    expect(parse({ tags: tags.slice(1).join('\n') }).store.tagging).toContain('tag10=x');
    expect(() => parse({ tags: tags.join('\n') })).toThrow(new InputError('tags has 11 tags: S3 takes at most 10'));
  });

  it.each(['GLACIER', 'DEEP_ARCHIVE', 'standard'])("is refused if objects of the class can't be read: %s", (text) => {
    expect(() => parse({ 'storage-class': text })).toThrow(`storage-class is '${text}': give one of STANDARD, `);
  });

  it.each<[InputName, string, string]>([
    ['server-side-encryption', 'aes256', 'give one of AES256, aws:kms, aws:kms:dsse'],
    ['acl', 'public', 'give one of private, public-read, '],
  ])('is refused if S3 would refuse it: %s %j', (name, text, advice) => {
    expect(() => parse({ [name]: text })).toThrow(`${name} is '${text}': ${advice}`);
  });

  it.each<[Texts, string]>([
    [
      { 'code-hash-salt': 'node 24' },
      "code-hash-salt is 'node 24': the algorithm 'md5' takes no salt, since the Python tool has none: use 'git-sha256'",
    ],
    [
      { 'code-hash-filter': 'src/** !src/*.md' },
      "code-hash-filter is '!src/*.md': the algorithm 'md5' can't exclude, since Python's glob can't: use 'git-sha256'",
    ],
  ])('is refused if the Python tool has no equivalent: %j', (texts, message) => {
    const md5 = { 'code-hash-filter': 'src/**', 'code-hash-algorithm': 'md5' };
    expect(() => parse({ ...md5, ...texts })).toThrow(new InputError(message));
  });

  it('is always refused with an InputError', () => {
    expect(() => parse({ mode: 'download' })).toThrow(InputError);
  });
});

describe('a variable that an env file set', () => {
  const FILE: Variables = {
    ASSETS_FOUND: 'false',
    ASSETS_COMMIT_SHA: COMMIT,
    ASSETS_CODE_HASH: CODE_HASH,
    ASSETS_FILES: '%5B%5D',
    ASSETS_PACKAGES: '%5B%7B%22name%22:%22api%22%7D%5D',
  };
  const sourceOf = (variables: Variables, texts: Texts = {}) => ({
    input: (name: InputName) => texts[name] ?? '',
    variable: (name: string) => variables[name],
  });

  it('sets no input but the commit', () => {
    expect(parse({}, FILE)).toEqual(parse({ 'commit-sha': COMMIT }));
    expect(earlierOutputs(sourceOf(FILE))).toEqual(['code-hash', 'packages', 'files']);
    expect(parse({ packages: 'packages.yml' }, FILE)).toMatchObject({ several: { text: 'packages.yml' } });
  });

  it('leaves an input that is given as it is', () => {
    const given = { 'code-hash': 'e'.repeat(64), 'commit-sha': 'HEAD' };
    expect(parse(given, FILE)).toMatchObject({
      codeHash: { kind: 'given', value: 'e'.repeat(64) },
      commitSha: 'HEAD',
    });
    expect(earlierOutputs(sourceOf(FILE, given))).toEqual(['packages', 'files']);
  });

  it('is an input where no env file was read', () => {
    const { ASSETS_FOUND, ASSETS_FILES, ASSETS_PACKAGES, ...others } = FILE;
    expect(parse({}, others)).toMatchObject({ codeHash: { value: CODE_HASH }, commitSha: COMMIT });
    expect(parse({}, { ...others, ASSETS_FOUND: ' ' })).toMatchObject({ codeHash: { value: CODE_HASH } });
    expect(earlierOutputs(sourceOf(others))).toEqual([]);
  });

  it('is an input if its value can be no output', () => {
    const own = { ASSETS_FILES: '*.zip', ASSETS_CODE_HASH: '' };
    const variables = { ...FILE, ...own, ASSETS_PACKAGES: '' };
    expect(parse({}, variables)).toMatchObject({ selection: { patterns: ['*.zip'] } });
    expect(earlierOutputs(sourceOf(variables))).toEqual([]);
    expect(parse({}, { ...FILE, ASSETS_PACKAGES: 'ci/packages.yml' }).several?.text).toBe('ci/packages.yml');
  });

  it.each(['true', 'no', '%', '$(id)', '\u001b[31m', 'x'.repeat(100_000)])(
    'sets no input but the commit, whatever marks it, and every other variable still does: %#',
    (mark) => {
      const variables = { ...FILE, ASSETS_FOUND: mark, ASSETS_PREFIX: 'team' };
      expect(parse({}, variables)).toEqual(parse({ prefix: 'team', 'commit-sha': COMMIT }));
    },
  );

  it('is reported by the step that writes the file, if it is an input there', () => {
    const set = {
      ASSETS_FILES: '*.zip',
      ASSETS_CODE_HASH: CODE_HASH,
      ASSETS_PREFIX: 'team',
      ASSETS_COMMIT_SHA: COMMIT,
    };
    expect(overwrittenInputs(sourceOf(set))).toEqual(['code-hash', 'files']);
    expect(overwrittenInputs(sourceOf({ ...set, ASSETS_FOUND: 'true' }))).toEqual(['files']);
    expect(overwrittenInputs(sourceOf(FILE))).toEqual([]);
  });
});
