import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { newKeyPair } from '../asset-set/key-pair.ts';
import { Scenario } from '../support/scenario.ts';

// The built action as a runner runs it, with the exact outputs for later steps.

const CACHING = { 'code-hash-filter': 'src/**' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Every output: the values of a test, and the location of the commit's set. */
function outputs(actual: Record<string, string>): Record<string, string> {
  const prefix = `artifacts/${scenario.head}/`;
  return {
    'cache-hit': 'false',
    'commit-sha': scenario.head,
    'artifact-prefix': prefix,
    'artifact-uri': `s3://${scenario.bucket.name}/${prefix}`,
    'record-uri': `s3://${scenario.bucket.name}/records/artifacts/${scenario.head}.json`,
    uploaded: 'false',
    cached: 'false',
    restored: 'false',
    explanation: '{}',
    packages: '[]',
    build: '[]',
    matrix: '{"include":[]}',
    ...actual,
  };
}

function filesOutput(files: Record<string, string>): string {
  const items = Object.entries(files).map(([path, content]) => ({
    path,
    size: content.length,
    sha256: sha256(content),
    key: `artifacts/${scenario.head}/${path}`,
  }));
  return JSON.stringify(items);
}

function expectSuccess({ exitCode, lines, stderr }: ActionResult): void {
  expect(lines.filter((line) => /^::(error|warning)/.test(line))).toEqual([]);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
}

const FILES = { 'app.zip': 'app', 'nested/site.txt': 'site' };
const MISS = {
  found: 'false',
  source: 'none',
  'built-from-commit': '',
  'file-count': '0',
  'total-bytes': '0',
  files: '[]',
};

describe('a pipeline', () => {
  it('checks, builds, uploads, and does not build again', async () => {
    const miss = await scenario.action('check', CACHING);
    expectSuccess(miss);
    const { 'code-hash': codeHash = '', explanation = '' } = miss.outputs;
    expect(codeHash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(explanation)).toMatchObject({ kind: 'first-build' });
    expect(miss.outputs).toEqual(outputs({ ...MISS, reason: 'absent', 'code-hash': codeHash, explanation }));

    await scenario.build(FILES);
    const stored = { 'code-hash': codeHash, 'file-count': '2', 'total-bytes': '7', files: filesOutput(FILES) };
    const built = { 'built-from-commit': scenario.head };
    const found = { ...stored, ...built, found: 'true', source: 'artifact' };
    const upload = await scenario.action('upload');
    expectSuccess(upload);
    expect(upload.outputs).toEqual(outputs({ ...found, reason: 'uploaded', uploaded: 'true', cached: 'true' }));

    await scenario.freshPackages();
    const hit = await scenario.action('check', CACHING);
    expectSuccess(hit);
    expect(hit.outputs).toEqual(outputs({ ...found, reason: 'complete' }));
    expect(await scenario.marker('.found')).toBe('');

    await scenario.build({ 'app.zip': 'built all the same' });
    const skipped = await scenario.action('upload');
    expectSuccess(skipped);
    expect(skipped.outputs).toEqual(outputs({ ...found, reason: 'marker' }));

    await scenario.freshPackages();
    await scenario.commit();
    const cached = await scenario.action('check', CACHING);
    expectSuccess(cached);
    const ofThisCommit = { files: filesOutput(FILES), source: 'cache', 'cache-hit': 'true' };
    expect(cached.outputs).toEqual(outputs({ ...found, ...ofThisCommit, reason: 'complete' }));
  });

  it('builds each piece of code once, even if the build empties its output folder', async () => {
    const miss = await scenario.action('check', CACHING);
    expect(miss.outputs).toMatchObject({ found: 'false' });
    await rm(scenario.packages, { recursive: true });
    await scenario.build(FILES);
    const upload = await scenario.action('upload');
    expectSuccess(upload);
    expect(upload.outputs).toMatchObject({ cached: 'true', 'code-hash': miss.outputs['code-hash'] });

    await scenario.commit();
    await scenario.freshPackages();
    expect((await scenario.action('check', CACHING)).outputs).toMatchObject({ found: 'true', source: 'cache' });
  });

  it('brings the assets back', async () => {
    await scenario.build(FILES);
    await scenario.action('upload');
    await scenario.freshPackages();
    const restored = await scenario.action('restore');
    expectSuccess(restored);
    expect(restored.outputs).toMatchObject({ found: 'true', source: 'artifact', restored: 'true', 'file-count': '2' });
    expect(await scenario.marker('nested/site.txt')).toBe('site');
  });

  it('only counts signed sets if it has keys', async () => {
    const { signingKey, verifyKey } = newKeyPair();
    const signing = { 'signing-key': signingKey };
    const verifying = { 'verify-keys': verifyKey };
    await scenario.build(FILES);
    expectSuccess(await scenario.action('upload', CACHING));
    await scenario.freshPackages();
    const unsigned = await scenario.action('check', { ...CACHING, ...signing });
    expectSuccess(unsigned);
    expect(unsigned.outputs).toMatchObject({ found: 'false', reason: 'incomplete' });
    expect(unsigned.summary).toContain(
      '🔨 Build needed: the set of this commit does not count: its record is not signed by any of the keys',
    );

    await scenario.build(FILES);
    const signed = await scenario.action('upload', { ...CACHING, ...signing });
    expectSuccess(signed);
    expect(signed.outputs).toMatchObject({ found: 'true', reason: 'uploaded', cached: 'true' });
    await scenario.freshPackages();
    const restored = await scenario.action('restore', verifying);
    expectSuccess(restored);
    expect(restored.outputs).toMatchObject({ found: 'true', restored: 'true' });
    await scenario.commit();
    const promoted = await scenario.action('check', { ...CACHING, ...signing, ...verifying });
    expectSuccess(promoted);
    expect(promoted.outputs).toMatchObject({ found: 'true', 'cache-hit': 'true' });
    expect((await scenario.action('check', verifying)).outputs.found).toBe('true');
  });

  it('works under a prefix', async () => {
    await scenario.build(FILES);
    const { outputs: actual } = await scenario.action('upload', { prefix: 'web/linux/' });
    expect(actual).toMatchObject({
      found: 'true',
      'artifact-prefix': `web/linux/artifacts/${scenario.head}/`,
      'artifact-uri': `s3://${scenario.bucket.name}/web/linux/artifacts/${scenario.head}/`,
      'record-uri': `s3://${scenario.bucket.name}/web/linux/records/artifacts/${scenario.head}.json`,
    });
    expect((await scenario.action('check')).outputs.found).toBe('false');
    expect((await scenario.action('check', { prefix: 'web/linux' })).outputs.found).toBe('true');
  });

  it('only reports the result of an upload in a dry run', async () => {
    await scenario.build(FILES);
    const { outputs: actual, lines } = await scenario.action('upload', { 'dry-run': 'true' });
    expect(lines.at(-1)).toBe('Dry run: 📦 Nothing uploaded.');
    expect(actual).toMatchObject({ found: 'false', uploaded: 'false', reason: 'absent' });
    expect(await scenario.bucket.keys()).toEqual([]);
    expect((await readdir(scenario.packages)).toSorted()).toEqual(['app.zip', 'nested']);
  });

  it('uses the checked-out commit if the runner names none', async () => {
    const { outputs: actual } = await scenario.action('check', {}, { env: { GITHUB_SHA: '' } });
    expect(actual['commit-sha']).toBe(scenario.head);
  });
});

describe('a miss', () => {
  it.each(['check', 'restore'])('fails a %s with fail-on-miss only after its outputs are set', async (mode) => {
    const result = await scenario.action(mode, { 'fail-on-miss': 'true' });
    expect(result.exitCode).toBe(1);
    expect(result.outputs).toEqual(outputs({ ...MISS, reason: 'absent', 'code-hash': '' }));
    expect(result.lines.filter((line) => line.startsWith('::error'))).toEqual([
      expect.stringContaining(`There are no assets for commit ${scenario.head} (absent)`),
    ]);
    expect(await scenario.marker('.found')).toBeUndefined();
  });
});

describe('the log', () => {
  it('reports transfers, and whether a build is needed in the last line of a check', async () => {
    const missed = await scenario.action('check', CACHING);
    expect(missed.lines.at(-1)).toBe('🔨 Build needed: nothing is stored for this commit or its code.');

    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    const uploaded = await scenario.action('upload', CACHING);
    const started = uploaded.lines.filter((line) => line.endsWith(' …'));
    expect(started).toEqual(['Uploading 2 files, 2 B …', 'Copying 2 files, 2 B …']);
    // The summary reports the result.
    expect(uploaded.summary).not.toContain('Uploading');

    const found = await scenario.action('check', CACHING);
    expect(found.lines.at(-1)).toMatch(
      /^✅ No build needed: built (.* ago|just now) by run 1, 2 files, 2 B(; this skips a build that took .* s)?\.$/,
    );
    await scenario.freshPackages();
    expect((await scenario.action('restore', CACHING)).lines).toContain('Restoring 2 files, 2 B …');

    await scenario.commit();
    const copied = await scenario.action('check', CACHING);
    expect(copied.lines).toContain('Copying 2 files, 2 B …');
    const built = found.outputs['commit-sha']?.slice(0, 12);
    expect(copied.lines.at(-1)).toMatch(new RegExp(`^✅ No build needed: built .* by run 1 for commit ${built}, `));
  });

  it('masks secrets from the first line on', async () => {
    const { accessKeyId, secretAccessKey } = scenario.bucket.credentials;
    const { lines } = await scenario.action('check');
    expect(lines.slice(0, 2)).toEqual([`::add-mask::${accessKeyId}`, `::add-mask::${secretAccessKey}`]);
    expect(lines.slice(2).join('\n')).not.toContain(secretAccessKey);
  });

  it('masks every line of the signing key', async () => {
    const { signingKey: key } = newKeyPair();
    const { lines, exitCode } = await scenario.action('check', { 'signing-key': key }, { env: { RUNNER_DEBUG: '1' } });
    expect(exitCode).toBe(0);
    const [, secret = ''] = key.split('\n');
    expect(lines.filter((line) => line.includes(secret))).toEqual([
      `::add-mask::${key.trim().replaceAll('\n', '%0A')}`,
    ]);
  });

  it('states each decision in one sentence', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'app');
    const { lines } = await scenario.action('check');
    const actual = lines.filter((line) => !line.startsWith('::'));
    expect(actual).toEqual([
      expect.stringMatching(
        `^Found 1 file, 3 B, stored (just now|[0-9]+ s ago), without a record, at s3://${scenario.bucket.name}/artifacts/${scenario.head}/\\.$`,
      ),
      expect.stringMatching(/^✅ No build needed: built before, stored (just now|\d+ s ago), 1 file, 3 B\.$/),
    ]);
  });

  it.each([
    ['a run that is uploading', { workflow: 'x\n::error::pwned', repository: 'a\r\n::set-output name=found::true' }],
    ['a writer', { runId: undefined, nonce: '\n::error::pwned' }],
  ])('contains no workflow command from the name of %s', async (_, names) => {
    const { runId, ...rest } = { runId: '1', nonce: 'n', ...names };
    await scenario.putRecord({ writer: { sequence: 1, ...rest, ...(runId === undefined ? {} : { runId }) } });
    const result = await scenario.action('check');
    expect(result.outputs).toMatchObject({ found: 'false', reason: 'in-progress' });
    expect(commands(result)).toEqual([]);
  });

  it('contains no workflow command from the name of an object', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.bucket.put(`artifacts/${scenario.head}/z\n::error::pwned`, 'x');
    const result = await scenario.action('upload', { legacy: 'ignore' });
    expect(result.exitCode).toBe(0);
    expect(commands(result)).toEqual([expect.stringMatching(/^::warning::.*'z\\u\{a\}::error::pwned'/)]);
    expect(JSON.parse(result.outputs.files ?? '')).toHaveLength(1);
    await scenario.bucket.delete(`records/artifacts/${scenario.head}.json`);
    await scenario.bucket.delete(`artifacts/${scenario.head}/app.zip`);
    const legacy = await scenario.action('check');
    expect(commands(legacy)).toEqual([]);
    expect(JSON.parse(legacy.outputs.files ?? '')).toMatchObject([{ path: 'z\n::error::pwned' }]);
  });

  it('contains no workflow command from the name of a file', async () => {
    await scenario.build({ 'app.zip': 'app', 'a\n::error::pwned': 'x' });
    const result = await scenario.action('upload');
    expect(result.exitCode).toBe(1);
    expect(commands(result)).toEqual([expect.stringMatching(/^::error::'a\\u\{a\}::error::pwned' in/)]);
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  /** The workflow commands that a runner would obey, except masks and debug output. */
  function commands({ lines }: ActionResult): string[] {
    return lines.filter((line) => line.startsWith('::') && !/^::(add-mask|debug)::/.test(line));
  }
});

describe('the variables of the Python tool', () => {
  it('are sufficient settings', async () => {
    const env = {
      PACKAGE_ASSETS_BUCKET: scenario.bucket.name,
      GIT_REPO_PATH: scenario.root,
      CODE_HASH_FIND_FILTER: 'src/*.txt src/**',
      PACKAGE_DIRECTORY: `${scenario.root}/out`,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: scenario.bucket.endpoint,
      AWS_ACCESS_KEY_ID: scenario.bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: scenario.bucket.credentials.secretAccessKey,
    };
    const unset = {
      bucket: '',
      'endpoint-url': '',
      'aws-region': '',
      'aws-access-key-id': '',
      'aws-secret-access-key': '',
    };
    const miss = await scenario.action('check', unset, { env });
    expectSuccess(miss);
    expect(miss.outputs).toMatchObject({ found: 'false', 'code-hash': expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect((await readdir(`${scenario.root}/out`)).toSorted()).toEqual(['.code-hash', '.commit-hash', '.found-at']);
  });
});

describe('paths below the home directory', () => {
  it('may be written with ~, in inputs and in variables', async () => {
    await scenario.build(FILES);
    const env = { HOME: scenario.root };
    const inputs = { 'repository-path': '~', 'package-directory': '~/packages' };
    expectSuccess(await scenario.action('upload', { ...inputs, ...CACHING }, { env }));
    const variables = { ...env, GIT_REPO_PATH: '~', PACKAGE_DIRECTORY: '~/restored' };
    expectSuccess(await scenario.action('restore', {}, { env: variables }));
    expect(await readdir(scenario.root)).not.toContain('~');
    expect(await readdir(join(scenario.root, 'restored'))).toEqual(expect.arrayContaining(['app.zip', 'nested']));
  });
});
