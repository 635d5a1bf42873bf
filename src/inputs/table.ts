import {
  bucketName,
  choice,
  codeHash,
  commitSha,
  endpointUrl,
  filePatterns,
  flag,
  keyPrefix,
  keyPrefixes,
  localPath,
  matching,
  type Parser,
  patterns,
  plainText,
  tagging,
  userMetadata,
  wholeNumber,
} from './values.ts';

/** How one input is found, parsed and documented. */
export interface InputRow {
  /** Environment variables to read after {@link ownVariable}; the first that is set counts. */
  readonly variables?: readonly string[];
  readonly parse: Parser<unknown>;
  /** For a required input: what to give, as the error says it. */
  readonly required?: string;
  /** The text that is parsed if none is given. */
  readonly default?: string;
  /** For an input without `default`: what happens if it is not given, in Markdown. */
  readonly without?: string;
  /** Takes several items; on the command line, the flag can be repeated. */
  readonly list?: true;
  /** Most people use it: `--help` shows it first, and the README lists it. */
  readonly common?: true;
  /**
   * For an input that shares its name with an output: the form of that output in an env file, unless it is empty. A
   * variable with such a value may be another package's output, so it does not set the input.
   */
  readonly outputForm?: RegExp;
  /** Masked in the log before anything else happens, and refused as a flag. */
  readonly secret?: true;
  /** One line of Markdown for action.yml, `--help` and the documentation: no initial capital, no final full stop. */
  readonly help: string;
}

/** Without the archives: an object in one can't be read until it is restored. */
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

const REGION = matching(/^[a-z0-9-]+$/, "give a region such as 'eu-west-1'");
const ROLE_ARN = matching(
  /^arn:[a-z-]+:iam::[^:]*:role\/.+$/,
  "give the role's ARN, 'arn:aws:iam::<account>:role/<name>'",
);
const SESSION_NAME = matching(/^[\w+=,.@-]{2,64}$/, 'give 2 to 64 letters, digits and +=,.@-');
const ACCOUNT = matching(/^\d{12}$/, 'give the 12 digits of an account id');
const MEDIA_TYPE = matching(/^[\w.+-]+\/[\w.+-]+( *;[\x20-\x7e]*)?$/, "give a media type such as 'application/zip'");
const HEADER_VALUE = matching(/^[\x20-\x7e]+$/, "give a header value such as 'max-age=3600'");

/** `[`, percent-encoded. */
const LIST = /^%5B/;

/** Every input, declared once. A test compares action.yml and the documentation with it. */
const TABLE = {
  mode: {
    parse: choice('check', 'upload', 'restore'),
    required: 'check, upload or restore',
    help: "`check` looks for the commit's assets, `upload` stores them, `restore` downloads them",
  },
  bucket: {
    variables: ['PACKAGE_ASSETS_BUCKET'],
    parse: bucketName,
    required: 'its name',
    common: true,
    help: 'name of the bucket',
  },

  // What is built, and where its assets are.
  'repository-path': {
    common: true,
    variables: ['GIT_REPO_PATH'],
    parse: localPath,
    without: '`.`',
    help: 'root of the checked-out repository; `~` is the home directory',
  },
  'package-directory': {
    common: true,
    variables: ['PACKAGE_DIRECTORY'],
    parse: localPath,
    default: './packages',
    help: 'directory of the assets and marker files; `~` is the home directory; `check` and `restore` create it, `upload` fails if it is missing',
  },
  'commit-sha': {
    parse: commitSha,
    without: "the workflow's; elsewhere `HEAD`",
    help: 'commit that the set belongs to: a full id, or `HEAD` for the commit that is checked out',
  },

  // The code hash.
  'code-hash-filter': {
    list: true,
    common: true,
    variables: ['CODE_HASH_FIND_FILTER'],
    parse: (_, text) => patterns(text),
    without: 'off',
    help: 'patterns for the sources the build depends on, separated by white space; `!pattern` excludes; every other pattern must match something; turns caching on',
  },
  'code-hash-algorithm': {
    parse: choice('git-sha256', 'md5'),
    default: 'git-sha256',
    help: '`md5` shares the cache of the Python tool',
  },
  'code-hash-salt': {
    common: true,
    parse: plainText,
    without: 'empty',
    help: 'anything else the build depends on: tool versions, operating system, build flags',
  },
  'code-hash': {
    parse: codeHash,
    outputForm: /^[0-9a-f]+$/,
    without: 'computed',
    help: 'a code hash computed elsewhere, 32 to 128 lowercase hex digits; turns caching on',
  },
  'unmatched-patterns': {
    parse: choice('error', 'warn'),
    default: 'error',
    help: '`error` fails if a pattern of `code-hash-filter` matches nothing, `warn` only warns; with `md5` always `warn`',
  },

  // Which sets count, and what is done with them.
  prefix: {
    common: true,
    parse: keyPrefix,
    without: 'empty',
    help: 'start of every key: give each package, matrix leg or level of trust its own; no segment may be `artifacts`, `cache` or `records`',
  },
  'fallback-prefixes': {
    list: true,
    parse: keyPrefixes,
    without: 'none',
    help: "prefixes to search, without writing there, if nothing was found under `prefix`, one per line; `/` is the bucket's root (check, restore)",
  },
  packages: {
    parse: plainText,
    outputForm: LIST,
    without: 'one package',
    help: 'several packages in one step: YAML, or the path of a `.yml`, `.yaml` or `.json` file',
  },
  package: {
    parse: plainText,
    without: 'all of them',
    help: 'which one of `packages` this step is about; `upload` and `restore` need it',
  },
  files: {
    list: true,
    common: true,
    parse: filePatterns,
    outputForm: LIST,
    without: 'everything not hidden, subfolders too',
    help: 'patterns for the assets to upload or restore, relative to the package directory, one per line; `!pattern` excludes',
  },
  'include-hidden-files': { parse: flag, default: 'false', help: '`true` uploads hidden files too' },
  'if-no-files-found': {
    parse: choice('error', 'warn', 'ignore', 'store'),
    default: 'error',
    help: 'what to do without files: `error`, `warn`, `ignore`, or `store`, which stores a set without files to say that this code passed (upload)',
  },
  overwrite: {
    parse: flag,
    default: 'false',
    help: '`true` sends every file again and replaces a complete set and its copy in the cache (upload)',
  },
  restore: { parse: flag, common: true, default: 'false', help: '`true` also restores the assets on a hit (check)' },
  'fail-on-miss': {
    common: true,
    parse: flag,
    without: '`false`; restore `true`',
    help: '`true` fails the step if nothing was found or nothing was restored (check, restore)',
  },
  legacy: {
    parse: choice('trust', 'ignore'),
    without: '`trust`',
    help: '`trust` accepts sets without a record, `ignore` does not; with signing keys always `ignore`',
  },
  access: {
    parse: choice('read-write', 'read', 'write'),
    without: '`read-write`',
    help: '`read` stores nothing: a set found by code hash is used where it is, and `upload` does nothing; `write` forces a build: `check` finds nothing, and `upload` replaces what is there',
  },
  'wait-timeout-seconds': {
    parse: wholeNumber(0, 21_600),
    without: 'check `0`; upload, restore `600`',
    help: "how long to wait, in total, for other runs that are writing a set this step could use: the commit's own, the cache's or a fallback's",
  },

  // The bucket, its server and the credentials.
  'aws-region': {
    common: true,
    variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    parse: REGION,
    without: "the bucket's",
    help: 'region of the bucket; if it is not given, the action asks S3',
  },
  'aws-access-key-id': {
    parse: plainText,
    secret: true,
    help: "access key id; without one, credentials are found the way AWS's own tools do",
  },
  'aws-secret-access-key': { parse: plainText, secret: true, help: 'secret key' },
  'aws-session-token': { parse: plainText, secret: true, help: 'session token of temporary credentials' },
  'role-to-assume': {
    common: true,
    variables: ['AWS_ROLE'],
    parse: ROLE_ARN,
    help: "ARN of the role to assume, with GitHub's OIDC token if the job can get one and no keys are given as inputs, otherwise with the credentials at hand",
  },
  'role-chaining': {
    parse: flag,
    default: 'false',
    help: '`true` always assumes the role with the credentials at hand',
  },
  'role-session-name': { parse: SESSION_NAME, default: 's3-asset-manager', help: "name of the role's session" },
  'role-duration-seconds': {
    parse: wholeNumber(900, 43_200),
    default: '1200',
    help: "how long the role's session lasts",
  },
  'role-external-id': { parse: plainText, help: "external id that the role's trust policy requires" },
  audience: { parse: plainText, default: 'sts.amazonaws.com', help: 'audience of the OIDC token' },
  'expected-bucket-owner': {
    parse: ACCOUNT,
    help: 'id of the account that must own the bucket; sent with every request',
  },
  'requester-pays': {
    parse: flag,
    default: 'false',
    help: '`true` charges requests to this account, as buckets with Requester Pays require',
  },
  'endpoint-url': {
    common: true,
    variables: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
    parse: endpointUrl,
    without: 'AWS',
    help: 'URL of an S3 server other than AWS',
  },
  'force-path-style': {
    parse: flag,
    without: '`true` with an endpoint, else `false`',
    help: '`true` puts the bucket into the path of URLs, `false` into the host name',
  },

  // How assets are stored.
  'storage-class': { parse: choice(...STORAGE_CLASSES), without: "S3's", help: 'storage class of assets' },
  'server-side-encryption': {
    parse: choice('AES256', 'aws:kms', 'aws:kms:dsse'),
    without: "the bucket's",
    help: '`AES256`, `aws:kms` or `aws:kms:dsse`',
  },
  'sse-kms-key-id': { parse: plainText, help: 'KMS key for server-side encryption' },
  acl: { parse: choice(...ACLS), help: 'canned ACL of stored objects' },
  tags: { list: true, parse: tagging, help: 'tags of assets, one `name=value` per line' },
  metadata: { list: true, parse: userMetadata, help: 'further object metadata of assets, one `name=value` per line' },
  'content-type': { parse: MEDIA_TYPE, without: 'by extension', help: 'content type of assets' },
  'cache-control': { parse: HEADER_VALUE, help: 'Cache-Control of assets' },

  // Whose sets count.
  'signing-key': {
    parse: plainText,
    secret: true,
    help: 'Ed25519 private key, as `openssl genpkey -algorithm ed25519` writes it: signs records, and only signed sets count; keep it in a secret',
  },
  'verify-keys': {
    list: true,
    parse: plainText,
    help: 'Ed25519 public keys, as `openssl pkey -pubout` writes them, one per line: only sets signed by one of them, or by `signing-key`, count',
  },

  // How the step runs.
  concurrency: { parse: wholeNumber(1, 256), default: '64', help: 'number of requests at once' },
  'part-size-mib': {
    parse: wholeNumber(5, 5120),
    default: '8',
    help: 'size in MiB of the parts in which large files are sent',
  },
  'max-attempts': {
    parse: wholeNumber(1, 100),
    default: '25',
    help: 'how many times a request is tried before it fails; at most 4 times if no server answers',
  },
  'job-summary': {
    parse: flag,
    default: 'true',
    help: '`true` adds to the job summary what this step found and did, and why a build is needed',
  },
  explain: {
    parse: flag,
    default: 'true',
    help: '`true` says why a build is needed, and stores the names of source files to find out; `false` does neither (check, upload)',
  },
  'dry-run': {
    parse: flag,
    default: 'false',
    help: '`true` only logs what would be done; bucket and package directory stay as they are',
  },
} as const satisfies Record<string, InputRow>;

export type InputName = keyof typeof TABLE;

export const INPUTS: Readonly<Record<InputName, InputRow>> = TABLE;

/** The variable that every input has, such as `ASSETS_CODE_HASH_FILTER`. */
export function ownVariable(name: string): string {
  return `ASSETS_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** In the order of the table. */
export const INPUT_NAMES: readonly InputName[] = Object.keys(INPUTS).filter(
  (name): name is InputName => name in INPUTS,
);

/** The inputs that are masked in the log. */
export const SECRET_INPUTS = INPUT_NAMES.filter((name) => INPUTS[name].secret);

type Row<Name extends InputName> = (typeof TABLE)[Name];

/** The parsed type of an input; includes undefined unless the input is required or has a default. */
export type InputValue<Name extends InputName> =
  | ReturnType<Row<Name>['parse']>
  | (Row<Name> extends { readonly required: string } | { readonly default: string } ? never : undefined);
