import { InputError } from './errors.ts';
import type { Texts } from './input-texts.ts';
import { endpointUrl, flag, matching, pairs, refused } from './input-values.ts';
import type { InputName } from './inputs.ts';

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
export function storeInputs(texts: Texts<InputName>) {
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
