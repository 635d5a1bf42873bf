import { describe } from '@jest/globals';
import fc from 'fast-check';
import { InputError } from '../../src/errors.ts';
import { type Inputs, parseInputs } from '../../src/inputs/inputs.ts';
import { INPUTS, type InputName } from '../../src/inputs/table.ts';
import { isPrintableLine, itHolds, troublesomeText } from './fuzzing.ts';

const WORDS = [
  ...['check', 'upload', 'restore', 'true', 'false', 'trust', 'ignore', 'error', 'warn', 'md5', 'git-sha256', 'HEAD'],
  ...[
    'my-assets',
    'us-east-1',
    'AES256',
    'aws:kms',
    'STANDARD',
    'private',
    'application/zip',
    'no-store',
    'a=b',
    'src/**',
  ],
  ...[
    'c'.repeat(40),
    'd'.repeat(64),
    'd'.repeat(32),
    '123456789012',
    'arn:aws:iam::123456789012:role/r',
    '1200',
    '12',
    '8',
  ],
  ...[
    'https://s3.example.com',
    'http://user:secret@host',
    'http://[::1]:9000/s3',
    'commit-hash=x',
    'prefix/sub/',
    '!x',
  ],
  ...['0', '1', '5', '256', '257', '-1', '1e3', '0x10', '99999999999999999999', '٣', '1.0'],
];
const NAMES = Object.keys(INPUTS).filter((name): name is InputName => name in INPUTS);
const VARIABLES = [...new Set(Object.values(INPUTS).flatMap(({ variables = [] }) => variables))];

const text = fc.oneof(fc.constantFrom(...WORDS), fc.constantFrom(...WORDS), troublesomeText(WORDS));
const given = fc.array(fc.tuple(fc.constantFrom<string>(...NAMES, ...VARIABLES), text), { maxLength: 5 });

function parse(texts: readonly (readonly [string, string])[]): Inputs | undefined {
  const all = new Map<string, string>([['mode', 'check'], ['bucket', 'my-assets'], ...texts]);
  try {
    return parseInputs({ input: (name) => all.get(name) ?? '', variable: (name) => all.get(name) });
  } catch (error) {
    if (!(error instanceof InputError) || !isPrintableLine(error.message)) throw error;
    if (error.message.startsWith('endpoint-url') && error.message.includes('user:secret@'))
      throw new Error(`It shows a password: ${error.message}`);
    return undefined;
  }
}

function isWithin(value: number, first: number, last: number): boolean {
  return Number.isInteger(value) && value >= first && value <= last;
}

function isKeyPrefix(prefix: string): boolean {
  return prefix === '' || prefix.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** What the table in the documentation promises for each. */
const PROMISES: Readonly<Record<string, (inputs: Inputs) => boolean>> = {
  mode: ({ mode }) => ['check', 'upload', 'restore'].includes(mode),
  access: ({ access }) => ['read-write', 'read', 'write'].includes(access.value),
  legacy: ({ legacy }) => ['trust', 'ignore'].includes(legacy),
  flags: ({ dryRun, selection, search, upload, store }) =>
    [dryRun, selection.includeHidden, search.restore, search.failOnMiss, upload.overwrite].every(
      (flag) => typeof flag === 'boolean',
    ) && ['boolean', 'undefined'].includes(typeof store.forcePathStyle),
  waitMs: ({ waitMs }) => isWithin(waitMs, 0, 21_600_000),
  concurrency: ({ concurrency }) => isWithin(concurrency, 1, 256),
  maxAttempts: ({ store }) => isWithin(store.maxAttempts, 1, 100),
  partSizeBytes: ({ store }) => isWithin(store.partSizeBytes, 5 * 1024 ** 2, 5120 * 1024 ** 2),
  prefixes: ({ prefix, search }) => [prefix, ...search.fallbackPrefixes].every(isKeyPrefix),
  commitSha: ({ commitSha = 'HEAD' }) => /^(HEAD|[0-9a-f]{40}|[0-9a-f]{64})$/.test(commitSha),
  codeHash: ({ codeHash }) =>
    codeHash === undefined ||
    (codeHash.kind === 'given' ? /^[0-9a-f]{32,128}$/.test(codeHash.value) : codeHash.patterns.length > 0),
  packageDirectory: ({ packageDirectory }) => packageDirectory !== '',
  bucket: ({ store: { bucket, endpointUrl } }) =>
    (endpointUrl === undefined ? /^[a-z0-9.-]{3,63}$/ : /^[A-Za-z0-9_.:-]{3,255}$/).test(bucket),
  endpoint: ({ store: { endpointUrl } }) =>
    endpointUrl === undefined || ['http:', 'https:'].includes(new URL(endpointUrl).protocol),
  credentials: ({ store: { credentials } }) =>
    credentials === undefined || (credentials.accessKeyId !== '' && credentials.secretAccessKey !== ''),
  role: ({ store: { role } }) => role === undefined || isWithin(role.durationSeconds, 900, 43_200),
  headers: ({ upload: { contentType = 'a', cacheControl = 'a' }, store: { tagging = '' } }) =>
    /^[\x20-\x7e]+$/.test(contentType + cacheControl) && /^[\x21-\x7e]*$/.test(tagging),
  metadata: ({ upload: { metadata = {} } }) =>
    Object.entries(metadata).every(([name, value]) => /^[a-z0-9-]+$/.test(name) && /^[\x20-\x7e]+$/.test(value)),
};

describe('reading inputs', () => {
  itHolds('gives values that are documented, or one line that refuses a text', given, (texts) => {
    const inputs = parse(texts);
    if (inputs === undefined) return;
    for (const [what, isKept] of Object.entries(PROMISES))
      if (!isKept(inputs)) throw new Error(`${what} is not as documented: ${JSON.stringify(inputs)}`);
    if ('polluted' in {}) throw new Error('The prototype of every object was changed');
  });
});
