import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { peakConcurrency, type StoredObject } from '../../dev/local-s3/local-s3.ts';
import { type ActionResult, machineEnvironment } from '../../dev/run-action.ts';
import { GitWrapper } from '../support/git-wrapper.ts';
import { Scenario, SOURCES } from '../support/scenario.ts';

// Several packages in one step of the built action or of the command line.

const PACKAGES = `
defaults: { sources: [package-lock.json], salt: node=24 }
packages:
  shared: { sources: [shared/**], stored: false }
  api: { sources: [api/**, "!**/*.md"], directory: api/dist, needs: [shared] }
  site: { sources: [site/**] , needs: [shared] }
  tool: { sources: [tool/**] }
`;
const NAMES = ['api', 'site', 'tool'];
const FILES = {
  'package-lock.json': '{}',
  'README.md': 'r',
  'shared/s.ts': 's',
  'shared/s.md': 'counts for api too',
  'api/main.ts': 'a',
  'site/index.html': 'i',
  'tool/t.ts': 't',
};

/** How far the server's clock is ahead of the real time. */
let aheadMs = 0;
function isList(value: unknown): value is object {
  return typeof value === 'object';
}

let scenario: Scenario;
beforeEach(async () => {
  aheadMs = 0;
  scenario = await Scenario.create({ now: () => Date.now() + aheadMs });
  await scenario.commit({ ...FILES, '.gitignore': 'packages/\ndist/\n' });
});
afterEach(() => scenario.close());

function check(inputs: Record<string, string> = {}, env: Record<string, string> = {}): Promise<ActionResult> {
  return scenario.action('check', { packages: PACKAGES, ...inputs }, { env });
}

async function buildsOf(step: Promise<ActionResult>): Promise<string[]> {
  const { exitCode, outputs, lines } = await step;
  expect([exitCode, lines.filter((line) => /^::(error|warning)/.test(line))]).toEqual([0, []]);
  const names: string[] = JSON.parse(outputs.build ?? '');
  expect(outputs.found).toBe(String(names.length === 0));
  return names;
}

async function build(name: string): Promise<void> {
  const path = join(scenario.root, name === 'api' ? 'api/dist' : `packages/${name}`, `${name}.zip`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, name);
}

/** Builds a package and uploads it, as one leg of the matrix does. */
async function store(name: string, inputs: Record<string, string> = {}): Promise<ActionResult> {
  await build(name);
  const step = await scenario.action('upload', { packages: PACKAGES, package: name, ...inputs });
  expect([step.exitCode, step.lines.filter((line) => /^::(error|warning)/.test(line))]).toEqual([0, []]);
  return step;
}

/** Builds and uploads every package. */
async function buildAll(): Promise<void> {
  for (const name of NAMES) await store(name);
}

/** What the uploads of the first test that called `storeAll` stored. */
let stored: readonly StoredObject[] | undefined;

/** Has the same result as `buildAll`, which takes as long as most tests themselves. */
async function storeAll(): Promise<void> {
  const { server, name: bucket } = scenario.bucket;
  if (stored === undefined) {
    await buildAll();
    stored = server.keys(bucket).flatMap((key) => server.get(bucket, key) ?? []);
    return;
  }
  for (const name of NAMES) await build(name);
  for (const { key, content, metadata, headers } of stored)
    server.put(bucket, key, content.bytes(), { metadata, contentType: headers['content-type'] ?? '' });
}

/** Makes the checks of this job older, as if builds had taken that long. */
async function makeOlder(seconds: number): Promise<void> {
  for (const name of await readdir(scenario.temporary)) {
    if (!name.endsWith('.json')) continue;
    const file = join(scenario.temporary, name);
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text.replace(/"checkedAtMs":(\d+)/, (_, at) => `"checkedAtMs":${Number(at) - seconds * 1000}`),
    );
  }
}

describe('a check of several packages', () => {
  it('lists unbuilt packages, and nothing after they are built', async () => {
    const { outputs } = await check();
    const matrix = JSON.parse(outputs.matrix ?? '');
    expect(matrix.include).toEqual([
      { package: 'api', directory: 'api/dist', prefix: 'api', 'code-hash': expect.stringMatching(/^[0-9a-f]{64}$/) },
      expect.objectContaining({ package: 'site', directory: 'packages/site', prefix: 'site' }),
      expect.objectContaining({ package: 'tool' }),
    ]);
    await buildAll();
    const { outputs: again } = await check();
    expect([again.found, again.build, again.matrix]).toEqual(['true', '[]', '{"include":[]}']);
    expect(JSON.parse(again.packages ?? '')[0]).toEqual({
      name: 'api',
      found: true,
      reason: 'complete',
      source: 'artifact',
      'code-hash': matrix.include[0]['code-hash'],
      'artifact-uri': `s3://${scenario.bucket.name}/api/artifacts/${scenario.head}/`,
      'built-from-commit': scenario.head,
    });
  });

  it('finds sets of the same code for another commit, and promotes them', async () => {
    await storeAll();
    await scenario.commit({ 'README.md': 'changed' });
    const { outputs, lines } = await check();
    expect(outputs).toMatchObject({ found: 'true', source: 'cache', 'cache-hit': 'true', 'file-count': '3' });
    for (const name of NAMES) expect(lines).toContainEqual(expect.stringMatching(`^${name}: Copying 1 file, \\d B …$`));
    for (const name of NAMES)
      expect(await scenario.record(`${name}/records/artifacts/${scenario.head}.json`)).toMatchObject({
        state: 'complete',
        origin: { kind: 'cache' },
      });
  });

  it.each([
    ['shared/s.ts', ['api', 'site']],
    ['shared/s.md', ['api', 'site']],
    ['api/main.ts', ['api']],
    ['api/notes.md', []],
    ['tool/t.ts', ['tool']],
    ['package-lock.json', NAMES],
    ['README.md', []],
  ])('lists only the packages that depend on %s', async (path, expected) => {
    await storeAll();
    await scenario.commit({ [path]: 'changed' });
    expect(await buildsOf(check())).toEqual(expected);
  });

  it('lists a package again after its build failed', async () => {
    await storeAll();
    await scenario.commit({ 'shared/s.ts': 'changed' });
    expect(await buildsOf(check())).toEqual(['api', 'site']);
    await store('api');
    expect(await buildsOf(check())).toEqual(['site']);
    await scenario.commit();
    expect(await buildsOf(check())).toEqual(['site']);
  });

  it('has the same result in a shallow clone, after a squash, a rebase and a force-push', async () => {
    await storeAll();
    const git = (...args: string[]) =>
      scenario.git('-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args);
    const main = scenario.head;
    git('checkout', '--quiet', '-b', 'topic');
    await scenario.commit({ 'tool/t.ts': 'changed' });
    await scenario.commit({ 'api/main.ts': 'changed' });
    await store('tool');
    const asked = { 'commit-sha': 'HEAD' };
    expect(await buildsOf(check(asked))).toEqual(['api']);

    git('reset', '--quiet', '--soft', main);
    await scenario.commit();
    expect(await buildsOf(check(asked))).toEqual(['api']);

    git('checkout', '--quiet', '-b', 'other', main);
    const base = await scenario.commit({ 'README.md': 'elsewhere' });
    git('checkout', '--quiet', 'topic');
    git('rebase', '--quiet', base);
    expect(await buildsOf(check(asked))).toEqual(['api']);

    git('commit', '--quiet', '--amend', '--message', 'forced');
    const clone = await mkdtemp(join(tmpdir(), 's3-asset-manager-clone-'));
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${scenario.root}`, join(clone, 'it')], {
      env: machineEnvironment(),
    });
    expect(await buildsOf(check({ ...asked, 'repository-path': join(clone, 'it') }))).toEqual(['api']);
    await rm(clone, { recursive: true });
  });

  it('computes the hash of the one-package recipe and of the documented formula', async () => {
    const { outputs } = await check({ prefix: 'x' });
    const hashes = new Map<string, string>(
      JSON.parse(outputs.packages ?? '').map((one: Record<string, string>) => [one.name, one['code-hash']]),
    );
    const alone = await scenario.action('check', {
      'code-hash-filter': 'package-lock.json site/** shared/**',
      'code-hash-salt': 'node=24',
    });
    expect(hashes.get('site')).toBe(alone.outputs['code-hash']);
    const formula = `{ printf 's3-asset-manager/code-hash/v1\\0%s\\0' node=24; {
      git ls-files -s -z -- ':(glob)package-lock.json' ':(glob)api/**' ':(exclude,glob)**/*.md'
      git ls-files -s -z -- ':(glob)package-lock.json' ':(glob)shared/**'
    } | LC_ALL=C sort -zu -t "$(printf '\\t')" -k 2; } | sha256sum`;
    expect(execFileSync('sh', ['-c', formula], { cwd: scenario.root, encoding: 'utf8' })).toBe(
      `${hashes.get('api')}  -\n`,
    );
  });

  describe('with a pattern that matches nothing', () => {
    const HOW = "correct or remove it, or set unmatched-patterns to 'warn'";

    async function errorOf(packages: string, inputs: Record<string, string> = {}): Promise<string | undefined> {
      const { exitCode, lines } = await check({ packages, ...inputs });
      expect(exitCode).toBe(1);
      return lines.find((line) => line.startsWith('::error'));
    }

    it('names its place and its package', async () => {
      expect(await errorOf(PACKAGES.trim().replace('[shared/**]', '[shred/**]'))).toBe(
        `::error::api, site: packages, line 3, column 23: Nothing in '.' matches 'shred/**' of the sources of package 'shared': ${HOW}`,
      );
    });

    it('names its place once if it is in defaults', async () => {
      const packages = PACKAGES.trim().replace('[package-lock.json]', '[package-lock.json, yarn.lock]');
      const line = `packages, line 1, column 42: Nothing in '.' matches 'yarn.lock' of the sources of 'defaults': ${HOW}`;
      expect(await errorOf(packages)).toBe(`::error::api, site, tool: ${line}`);
      expect(await errorOf(packages, { package: 'tool' })).toBe(`::error::${line}`);
    });

    it('names each place, and the file', async () => {
      await scenario.commit({
        'ci/packages.yml': 'packages:\n  tool:\n    sources:\n      - tool/**\n      - tol/**\n      - "{a,b}"\n',
      });
      const places = [
        "ci/packages.yml, line 5, column 9: Nothing in '.' matches 'tol/**' of the sources of package 'tool'",
        "ci/packages.yml, line 6, column 9: Nothing in '.' matches '{a,b}' of the sources of package 'tool' (write 'a b': braces are taken literally)",
      ];
      expect(await errorOf('ci/packages.yml')).toBe(`::error::tool: ${places.join('; ')}: ${HOW}`);
      const { exitCode, lines } = await check({ packages: 'ci/packages.yml', 'unmatched-patterns': 'warn' });
      expect([exitCode, lines.filter((line) => line.startsWith('::warning'))]).toEqual([
        0,
        places.map((place) => expect.stringContaining(`::warning::tool: ${place}: if it is misspelt`)),
      ]);
    });

    it('names the place of patterns that together match no file', async () => {
      const packages = 'packages:\n  tool: { sources: [tool/**, "!**/*.ts"] }';
      expect(await errorOf(packages)).toBe(
        "::error::tool: packages, line 2, column 21: the sources of package 'tool' 'tool/** !**/*.ts' matches no file in '.': correct the patterns, which are relative to it",
      );
    });
  });

  it('finishes the others if one can’t be copied, and then fails and names that one', async () => {
    await storeAll();
    await scenario.commit();
    scenario.bucket.server.fault = ({ operation, key = '' }) =>
      operation === 'CopyObject' && key.startsWith('api/')
        ? { kind: 'error', status: 503, code: 'SlowDown' }
        : undefined;
    const { exitCode, lines } = await check({ 'max-attempts': '2' });
    expect(exitCode).toBe(1);
    expect(lines.findLast((line) => line.startsWith('::error'))).toMatch(/^::error::api: .*SlowDown/);
    for (const name of ['site', 'tool'])
      expect(await scenario.record(`${name}/records/artifacts/${scenario.head}.json`)).toMatchObject({
        state: 'complete',
      });
    scenario.bucket.server.fault = undefined;
    expect(await buildsOf(check())).toEqual([]);
  });

  it('says once why all of them failed, if that is the same', async () => {
    const { exitCode, lines } = await check({ bucket: 'not-there' });
    expect(exitCode).toBe(1);
    expect(lines.findLast((line) => line.startsWith('::error'))).toMatch(
      /^::error::api, site, tool: the bucket 'not-there' does not exist at \S+: check bucket and endpoint-url$/,
    );
  });

  /** Runs something just before this step begins the set of `api` for the commit. */
  function justBeforeApi(happens: (recordKey: string) => Promise<unknown>): void {
    const recordKey = `api/records/artifacts/${scenario.head}.json`;
    let isFirst = true;
    scenario.bucket.server.fault = async ({ operation, key }) => {
      if (!isFirst || operation !== 'PutObject' || key !== recordKey) return undefined;
      isFirst = false;
      await happens(recordKey);
      return undefined;
    };
  }

  it('uses the set of a faster run', async () => {
    await storeAll();
    await scenario.commit();
    justBeforeApi((recordKey) =>
      scenario.storeSet({ 'api.zip': 'theirs' }, { prefix: `api/artifacts/${scenario.head}/`, recordKey }),
    );
    expect(await buildsOf(check())).toEqual([]);
  });

  it.each(['upload', 'cache'] as const)(
    'finishes the others if another run began one by %s without finishing it, and then fails and names that one',
    async (kind) => {
      await storeAll();
      await scenario.commit();
      const origin = kind === 'upload' ? { kind } : { kind, codeHash: 'a'.repeat(64) };
      // Its lease ends after 2 s; the step waits for a copy until then.
      justBeforeApi((recordKey) => scenario.putRecord({ origin, leaseSeconds: 2 }, recordKey));
      const { exitCode, lines, outputs } = await check();
      expect([exitCode, outputs.build]).toEqual([1, undefined]);
      expect(lines.findLast((line) => line.startsWith('::error'))).toMatch(
        /^::error::api: The set of the same code was not copied, since another run began this one and has not finished it: .*run 77/,
      );
      for (const name of ['site', 'tool'])
        expect(await scenario.record(`${name}/records/artifacts/${scenario.head}.json`)).toMatchObject({
          state: 'complete',
        });
      await scenario.bucket.delete(`api/records/artifacts/${scenario.head}.json`);
      expect(await buildsOf(check())).toEqual([]);
    },
  );

  it('fails on a miss if that is asked for, and names the missing packages', async () => {
    await store('api');
    const { exitCode, lines, outputs, summary } = await check({ 'fail-on-miss': 'true' });
    expect([exitCode, outputs.build]).toEqual([1, '["site","tool"]']);
    expect(summary).toMatch(/^<h4>❌ There are no assets of site, tool/);
    expect(summary.match(/<tr><td>(api|site|tool)<\/td>/g)).toHaveLength(3);
    expect(lines.findLast((line) => line.startsWith('::error'))).toContain(
      `There are no assets of site, tool for commit ${scenario.head}: build and upload them first`,
    );
  });

  it('restores every package into its own directory', async () => {
    await storeAll();
    for (const folder of ['packages', 'api/dist']) await rm(join(scenario.root, folder), { recursive: true });
    expect((await check({ restore: 'true' })).outputs.restored).toBe('true');
    expect(await readFile(join(scenario.root, 'api/dist/api.zip'), 'utf8')).toBe('api');
    expect(await readFile(join(scenario.root, 'packages/tool/tool.zip'), 'utf8')).toBe('tool');
  });

  it('explains why each needs a build, and names the needed package that changed', async () => {
    await storeAll();
    const before = scenario.head.slice(0, 12);
    await scenario.commit({ 'shared/s.ts': 'changed', 'shared/t.ts': 'new', 'site/index.html': 'changed' });
    const { outputs, summary, lines } = await check();
    const why = `'shared', which 'api' needs, changed since the build of ${before} (run 1): M shared/s.ts, A shared/t.ts`;
    const explanations = JSON.parse(outputs.explanation ?? '');
    expect(explanations).toMatchObject({
      api: { kind: 'needs-changed', sentence: why, needs: { count: 1, names: ['shared'] }, added: { count: 1 } },
      site: { kind: 'sources-changed', needs: { count: 1, names: ['shared'] }, changed: { count: 2 } },
    });
    expect(Object.keys(explanations)).toEqual(['api', 'site']);
    expect(lines).toContain(`api: ${why}.`);
    expect(summary.replace(/<a href="[^"]*\/runs\/1[^"]*">(.*?)<\/a>/g, '$1')).toContain(
      `<tr><td>api</td><td>${why}</td></tr>`,
    );
  });

  it('folds a long list of changed sources below the line of the package', async () => {
    await storeAll();
    const names = Array.from({ length: 6 }, (_, index) => `tool/${index}.ts`);
    await scenario.commit(Object.fromEntries(names.map((name) => [name, ''])));
    const { lines } = await check();
    const start = lines.findIndex((line) => line.startsWith('::group::tool: 6 of 8 sources changed'));
    expect(lines.slice(start + 1, start + 8)).toEqual([...names.map((name) => `A ${name}`), '::endgroup::']);
    const { stderr } = await scenario.cli(['check', '--packages', PACKAGES]);
    expect(stderr).toMatch(/^tool: 6 of 8 sources changed .*\n {2}A tool\/0\.ts\n/m);
  });

  it('names a changed package that is needed indirectly', async () => {
    const packages = `
packages:
  base: { sources: [shared/**], stored: false }
  api: { sources: [api/**], stored: false, needs: [base] }
  tool: { sources: [tool/**, shared/s.md], needs: [api] }`;
    await store('tool', { packages });
    await scenario.commit({ 'shared/s.ts': 'changed' });
    expect(JSON.parse((await check({ packages })).outputs.explanation ?? '')).toMatchObject({
      tool: { kind: 'needs-changed', needs: { names: ['base'] } },
    });
    // A source that also belongs to the package itself is reported as its own.
    await scenario.commit({ 'shared/s.md': 'changed' });
    expect(JSON.parse((await check({ packages })).outputs.explanation ?? '')).toMatchObject({ tool: {} });
  });

  it('times a build if it is the only one, up to the upload of that package', async () => {
    const secondsOf = async (name: string) => scenario.record(`${name}/records/artifacts/${scenario.head}.json`);
    await check();
    await buildAll();
    for (const name of NAMES) expect(await secondsOf(name)).not.toHaveProperty('buildSeconds');

    await scenario.commit({ 'tool/t.ts': 'changed' });
    await check();
    await makeOlder(372);
    await store('tool');
    expect(await secondsOf('tool')).toMatchObject({ buildSeconds: expect.closeTo(372, -1) });
    const { lines } = await scenario.action('check', { packages: PACKAGES, package: 'tool' });
    expect(lines.at(-1)).toMatch(/; this skips a build that took 6 min \d+ s\.$/);
  });

  it('shows one table in the summary', async () => {
    await storeAll();
    await scenario.commit({ 'tool/t.ts': 'changed' });
    const { summary } = await check();
    expect(summary).toContain('<h4>🔨 Build needed: 1 of 3 packages: tool</h4>');
    expect(summary).toMatch(
      /<tr><td>api<\/td><td>cache<\/td><td>complete<\/td><td><code title="[0-9a-f]{64}">[0-9a-f]{7}<\/code><\/td><td><a href="https:\/\/github.com\/owner\/repository\/actions\/runs\/1">run 1<\/a><\/td><td>3 B<\/td><\/tr>/,
    );
    expect(summary).toMatch(/<tr><td>tool<\/td><td><b>build<\/b><\/td><td>absent<\/td>/);
    expect(summary.trimEnd()).not.toMatch(/\n\s*\n/);
  });
});

describe('sets without files', () => {
  it('are stored for each package without its directory, found, copied and restored', async () => {
    for (const name of NAMES) {
      const inputs = { packages: PACKAGES, package: name, 'if-no-files-found': 'store' };
      const { outputs } = await scenario.action('upload', inputs);
      expect(outputs).toMatchObject({ reason: 'uploaded', cached: 'true', 'file-count': '0' });
    }
    expect(await buildsOf(check())).toEqual([]);
    await scenario.commit();
    const { outputs } = await check({ restore: 'true' });
    expect(outputs).toMatchObject({ found: 'true', source: 'cache', restored: 'true', build: '[]' });
  });
});

describe('the access of a check of several packages', () => {
  it('that only reads uses sets in place, and so does an upload', async () => {
    await storeAll();
    await scenario.commit({ 'tool/t.ts': 'changed' });
    const before = await scenario.bucketContents();
    const step = await check({ access: 'read' });
    expect([step.exitCode, step.outputs.build]).toEqual([0, '["tool"]']);
    expect(JSON.parse(step.outputs.packages ?? '')[0]).toMatchObject({
      found: true,
      source: 'cache',
      'artifact-uri': expect.stringContaining('/api/cache/'),
    });
    for (const name of ['api', 'tool'])
      expect((await store(name, { access: 'read' })).outputs).toMatchObject({
        reason: 'read-only',
        uploaded: 'false',
        found: String(name === 'api'),
      });
    expect(await scenario.bucketContents()).toEqual(before);
  });

  it('that only writes lists all packages without a request, and an upload replaces set and copy', async () => {
    await storeAll();
    await scenario.freshPackages();
    scenario.forgetWire();
    const { exitCode, outputs, summary } = await check({ access: 'write' });
    expect([exitCode, outputs.found, outputs.reason, scenario.wire()]).toEqual([0, 'false', 'disabled', []]);
    expect(JSON.parse(outputs.build ?? '')).toEqual(NAMES);
    expect(summary).toContain('<td>disabled</td>');
    const [api] = JSON.parse(outputs.matrix ?? '').include;
    const before = await scenario.record(`api/records/cache/${api['code-hash']}.json`);
    expect((await store('api', { access: 'write' })).outputs).toMatchObject({
      reason: 'uploaded',
      cached: 'true',
      'code-hash': api['code-hash'],
    });
    const after = await scenario.record(`api/records/cache/${api['code-hash']}.json`);
    expect(after?.writer.nonce).not.toBe(before?.writer.nonce);
  });
});

describe('one of several packages', () => {
  it('is uploaded under its own prefix, and restored from there', async () => {
    const { outputs } = await store('api', { prefix: 'team' });
    expect(outputs).toMatchObject({
      reason: 'uploaded',
      cached: 'true',
      'artifact-prefix': `team/api/artifacts/${scenario.head}/`,
    });
    await rm(join(scenario.root, 'api/dist'), { recursive: true });
    const step = await scenario.action('restore', { packages: PACKAGES, package: 'api', prefix: 'team' });
    expect(step.outputs).toMatchObject({ restored: 'true', packages: '[]', build: '[]', matrix: '{"include":[]}' });
    expect(await readFile(join(scenario.root, 'api/dist/api.zip'), 'utf8')).toBe('api');
  });

  it('can be checked by itself, and is then uploaded under the hash of that check', async () => {
    const one = { package: 'api' };
    const { outputs } = await check(one);
    expect(outputs).toMatchObject({
      found: 'false',
      'artifact-prefix': `api/artifacts/${scenario.head}/`,
      build: '[]',
    });
    await writeFile(join(scenario.root, 'api/main.ts'), 'changed by the build');
    expect((await store('api')).outputs['code-hash']).toBe(outputs['code-hash']);
  });

  it.each([
    [{}, 'package is not set: name the one of'],
    [
      { package: 'shared' },
      "package is 'shared': it has 'stored: false', so there is no set of it: give one of 'api', 'site', 'tool'",
    ],
    [{ package: 'ape' }, "package is 'ape': there is no such package: give one of 'api', 'site', 'tool'"],
    [
      { package: 'api', 'code-hash-filter': 'src/**' },
      "code-hash-filter is set together with packages: leave it out, since each package has 'sources'",
    ],
    [
      { package: 'api', 'code-hash-algorithm': 'md5' },
      "code-hash-algorithm is 'md5': packages are hashed by 'git-sha256' alone",
    ],
    [{ package: 'api', packages: '' }, "package is 'api': leave it out, or define it in 'packages'"],
  ])('must be named, and must be defined: %j', async (inputs, message) => {
    const { exitCode, lines } = await scenario.action('upload', { packages: PACKAGES, ...inputs });
    expect([exitCode, lines.findLast((line) => line.startsWith('::error'))]).toEqual([
      1,
      expect.stringContaining(message),
    ]);
  });
});

describe('the command line', () => {
  it('works like the action, and prints its outputs', async () => {
    await scenario.commit({ 'ci/packages.yml': PACKAGES });
    const run = async (...args: readonly string[]) => {
      const { exitCode, stdout } = await scenario.cli([...args, '--packages', 'ci/packages.yml', '--json']);
      expect(exitCode).toBe(0);
      return JSON.parse(stdout);
    };
    await mkdir(join(scenario.root, 'api/dist'), { recursive: true });
    await writeFile(join(scenario.root, 'api/dist/api.zip'), 'api');
    const prefix = `api/artifacts/${scenario.head}/`;
    expect(await run('upload', '--package', 'api')).toMatchObject({ uploaded: true, 'artifact-prefix': prefix });
    await rm(join(scenario.root, 'api/dist'), { recursive: true });
    expect(await run('restore', '--package', 'api')).toMatchObject({ restored: true, 'artifact-prefix': prefix });
    expect(await readFile(join(scenario.root, 'api/dist/api.zip'), 'utf8')).toBe('api');
    const { outputs } = await check({ packages: 'ci/packages.yml' });
    const lists = Object.entries(outputs).map(([name, text]) => [name, /^[[{]/.test(text) ? JSON.parse(text) : text]);
    const printed = Object.entries(await run('check'));
    expect(Object.fromEntries(printed.map(([name, value]) => [name, isList(value) ? value : String(value)]))).toEqual(
      Object.fromEntries(lists),
    );
  });

  it('reads a file, and prints lists as JSON', async () => {
    await scenario.commit({ 'ci/packages.yml': PACKAGES });
    const { exitCode, stdout } = await scenario.cli([
      'check',
      '--packages',
      'ci/packages.yml',
      '--json',
      '--exit-code',
    ]);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      found: false,
      build: NAMES,
      matrix: { include: [{ package: 'api' }, {}, {}] },
    });
    await scenario.commit({ 'ci/packages.yml': 'packages:\n  api: { sources: api }' });
    const bad = await scenario.cli(['check', '--packages', 'ci/packages.yml']);
    expect([bad.exitCode, bad.stderr]).toEqual([
      2,
      expect.stringContaining('error: ci/packages.yml, line 2, column 19:'),
    ]);
  });
});

describe('many packages', () => {
  const SOME = 10;
  /** Longer than the action takes between two requests of one round. */
  const QUIET_MS = 400;

  function many(count: number): string {
    return JSON.stringify({
      packages: Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`p${index}`, { sources: [`p${index}/**`] }]),
      ),
    });
  }

  async function commitMany(count: number): Promise<void> {
    await scenario.commit(
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}/x.ts`, `${index}`])),
    );
  }

  /**
   * Checks while the server answers in rounds: nothing until no further request comes, and then all at once.
   *
   * @returns how many requests each round had
   */
  async function roundsOf(count: number, inputs: Record<string, string> = {}): Promise<number[]> {
    const rounds: number[] = [];
    let answers: (() => void)[] = [];
    let quiet: NodeJS.Timeout | undefined;
    scenario.bucket.server.fault = async () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => {
        rounds.push(answers.length);
        for (const answer of answers) answer();
        answers = [];
      }, QUIET_MS);
      await new Promise<void>((answer) => answers.push(answer));
      return undefined;
    };
    expect((await check({ packages: many(count), ...inputs })).exitCode).toBe(0);
    scenario.bucket.server.fault = undefined;
    return rounds;
  }

  /** Stores each of some packages, by uploads of one package with the same sources. */
  async function storeMany(count: number): Promise<void> {
    await scenario.build({ 'x.zip': 'x' });
    for (let index = 0; index < count; index += 1)
      await scenario.upload({ prefix: `p${index}`, codeHash: { ...SOURCES, patterns: [`p${index}/**`] } });
  }

  it('take as many round trips as one if none is found, within the limit of requests at once', async () => {
    await commitMany(SOME);
    // The third round looks for the explanation of the miss.
    expect(await roundsOf(1)).toEqual([2, 2, 1]);
    expect(await roundsOf(SOME)).toEqual([2 * SOME, 2 * SOME, SOME]);
    scenario.forgetWire();
    scenario.bucket.server.fault = () => ({ kind: 'delay', ms: 20 });
    await check({ packages: many(SOME), concurrency: '3' });
    expect(peakConcurrency(scenario.bucket.server.requests)).toBe(3);
  });

  it('take as many round trips as one if all are found, and if all are copied', async () => {
    await commitMany(SOME);
    await storeMany(SOME);
    aheadMs = 60_000;
    expect([await roundsOf(1), await roundsOf(SOME)]).toEqual([[2], [2 * SOME]]);
    await scenario.commit();
    const one = await roundsOf(1);
    expect(one).toEqual([2, 2, 1, 1, 1, 1]);
    await scenario.commit();
    expect(await roundsOf(SOME)).toEqual(one.map((requests) => requests * SOME));
  });

  it('may be as many as 200', async () => {
    await commitMany(200);
    const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-git-'));
    const path = process.env.PATH;
    const wrapper = new GitWrapper(directory);
    await wrapper.install();
    const { outputs } = await check({ packages: many(200) }, { PATH: process.env.PATH ?? '' });
    process.env.PATH = path;
    expect(await wrapper.commands()).toEqual(['cat-file', 'diff-files', 'ls-files', 'ls-files', 'rev-parse']);
    expect(JSON.parse(outputs.build ?? '')).toHaveLength(200);
    await rm(directory, { recursive: true });
  });
});
