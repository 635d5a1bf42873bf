import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FaultAction } from '../../dev/local-s3/local-s3.ts';
import { gitSourceTree } from '../../src/code-hash/code-hash.ts';
import { explainCommit } from '../../src/modes/explain.ts';
import type { Outcome } from '../../src/modes/outcome.ts';
import { closedSources, Scenario, SOURCES } from '../support/scenario.ts';

let scenario: Scenario;
/** The server's clock, which only moves when a test moves it. */
let serverMs: number;
let debugLines: string[];
beforeEach(async () => {
  serverMs = Math.floor(Date.now() / 1000) * 1000;
  debugLines = [];
  scenario = await Scenario.create({ now: () => serverMs });
});
afterEach(() => scenario.close());

type Overrides = Parameters<Scenario['check']>[0] & Parameters<Scenario['upload']>[0];

/** Uploads a set of the checked-out commit, as run 128. @returns that commit */
async function built(overrides: Overrides = {}): Promise<string> {
  await scenario.build({ 'app.zip': 'app' });
  const writer = { repository: 'owner/repository', runId: '128', url: 'https://example.com/runs/128' };
  await scenario.upload({ explain: true, writer, ...overrides });
  await scenario.freshPackages();
  serverMs += 60_000;
  scenario.forgetWire();
  return scenario.head;
}

async function check(overrides: Overrides = {}): Promise<Outcome> {
  scenario.forgetWire();
  const log = { ...scenario.ports().log, debug: (line: string) => void debugLines.push(line) };
  return scenario.check({ explain: true, log, ...overrides });
}

/** The explanation why the checked-out commit needs a build. */
async function explained(overrides: Overrides = {}): Promise<Outcome['explanation']> {
  const { found, explanation } = await check(overrides);
  expect(found).toBe(false);
  return explanation;
}

/** The abbreviated commit id that sentences contain. */
function short(commit: string): string {
  return commit.slice(0, 12);
}

/** The requests of a check beyond those of every miss. */
function moreRequests(): string[] {
  return scenario.wire().slice(4);
}

const ONE = (name: string) => ({ count: 1, names: [name] });

describe('a miss is explained', () => {
  it('by changed sources', async () => {
    await scenario.commit({ 'src/a.txt': 'a', 'src/b.txt': 'b', 'src/run.sh': 'echo', 'src/old.txt': 'moved' });
    const before = await built();
    await rm(join(scenario.root, 'src/old.txt'));
    await rm(join(scenario.root, 'src/b.txt'));
    await chmod(join(scenario.root, 'src/run.sh'), 0o755);
    await scenario.commit({ 'src/a.txt': 'changed', 'src/renamed.txt': 'moved' });
    expect(await explained()).toEqual({
      kind: 'sources-changed',
      sentence: `5 of 6 sources changed since the build of ${short(before)} (run 128): M src/a.txt, D src/b.txt, D src/old.txt, A src/renamed.txt, T src/run.sh`,
      baseline: {
        commit: before,
        codeHash: (await scenario.record(`records/artifacts/${before}.json`))?.codeHash,
        run: '128',
        url: 'https://example.com/runs/128',
      },
      changed: ONE('src/a.txt'),
      added: ONE('src/renamed.txt'),
      deleted: { count: 2, names: ['src/b.txt', 'src/old.txt'] },
      mode: ONE('src/run.sh'),
      needs: { count: 0, names: [] },
      salt: { count: 0, names: [] },
      patterns: { count: 0, names: [] },
    });
  });

  it('by the build that a set was copied from, since nobody built the copy', async () => {
    const before = await built();
    await scenario.commit();
    await check({ writer: { runId: '130' } });
    await scenario.freshPackages();
    await scenario.commit({ 'src/main.txt': 'changed' });
    expect(await explained()).toMatchObject({
      sentence: `1 of 1 source changed since the build of ${short(before)} (run 128): M src/main.txt`,
      baseline: { commit: before, run: '128', url: 'https://example.com/runs/128' },
    });
  });

  it('by a changed line of the salt', async () => {
    const before = await built({ codeHash: { ...SOURCES, salt: 'node=22\nos=linux' } });
    await scenario.commit();
    expect(await explained({ codeHash: { ...SOURCES, salt: 'node=24\nos=linux' } })).toMatchObject({
      kind: 'salt-changed',
      sentence: `The salt 'node' changed since the build of ${short(before)} (run 128)`,
      salt: ONE('node'),
      changed: { count: 0 },
    });
  });

  it('by another salt for the same commit', async () => {
    await built({ codeHash: { ...SOURCES, salt: 'node=22' } });
    await scenario.bucket.delete(`artifacts/${scenario.head}/app.zip`);
    expect(await explained({ codeHash: { ...SOURCES, salt: 'node=24' } })).toMatchObject({ kind: 'salt-changed' });
    expect(moreRequests().slice(1)).toEqual(['GetObject records/sources/<code>.json.gz']);
  });

  it('by changed patterns, and the sources that they added', async () => {
    await scenario.commit({ 'lib/b.txt': 'b' });
    const before = await built();
    await scenario.commit();
    expect(await explained({ codeHash: { ...SOURCES, patterns: ['src/**', 'lib/**'] } })).toMatchObject({
      kind: 'patterns-changed',
      sentence: `The patterns changed since the build of ${short(before)} (run 128): added lib/**; 1 of 2 sources changed: A lib/b.txt`,
      patterns: ONE('+lib/**'),
      added: ONE('lib/b.txt'),
    });
  });

  it('by changes of sources and salt together', async () => {
    await built();
    await scenario.commit({ 'src/main.txt': 'changed' });
    expect((await explained({ codeHash: { ...SOURCES, salt: 'node=24' } }))?.sentence).toMatch(
      /^1 of 1 source changed .*: M src\/main.txt; the salt 'node' changed$/,
    );
  });

  it('by a set of the same code that is gone', async () => {
    const before = await built();
    const { codeHash = '' } = (await scenario.record()) ?? {};
    for (const key of [`cache/${codeHash}/app.zip`, `records/cache/${codeHash}.json`])
      await scenario.bucket.delete(key);
    await scenario.commit();
    expect(await explained()).toMatchObject({
      kind: 'set-gone',
      sentence: `The same code was built for ${short(before)} (run 128), and its set is gone`,
    });
    expect(moreRequests()).toEqual(['GetObject records/artifacts/<commit>.json']);
  });

  it.each([
    ['damaged', (key: string) => scenario.bucket.delete(key), ['HeadObject records/cache/<code>.json']],
    ['archived', async (key: string) => archive(key), []],
  ])('by a set of the same code that is %s', async (state, spoil, requests) => {
    const before = await built();
    const { codeHash = '' } = (await scenario.record()) ?? {};
    await spoil(`cache/${codeHash}/app.zip`);
    await scenario.commit();
    expect(await explained()).toMatchObject({
      kind: 'set-gone',
      sentence: `The same code was built for ${short(before)} (run 128), and its set is ${state}`,
    });
    expect(moreRequests()).toEqual(requests);
  });

  it('by an archived set that only its copy shows to be archived', async () => {
    const before = await built();
    await scenario.commit();
    scenario.bucket.server.fault = ({ operation }) =>
      operation === 'CopyObject' ? { kind: 'error', status: 403, code: 'InvalidObjectState' } : undefined;
    expect(await explained()).toMatchObject({
      kind: 'set-gone',
      sentence: `The same code was built for ${short(before)} (run 128), and its set is archived`,
    });
    scenario.bucket.server.fault = undefined;
  });

  it('by the lack of any build under the prefix', async () => {
    const before = await built();
    await scenario.commit({ 'src/main.txt': 'changed' });
    expect(await explained({ prefix: 'branch' })).toMatchObject({
      kind: 'first-build',
      sentence: `There is no build to compare with under 'branch': looked for ${short(before)}`,
    });
  });

  it('by the lack of an earlier commit', async () => {
    expect(await explained()).toMatchObject({
      kind: 'first-build',
      sentence: 'There is no earlier commit to compare with',
    });
    expect(moreRequests()).toEqual([]);
  });

  it('without details if the earlier build has no sources', async () => {
    const before = await built({ explain: false });
    await scenario.commit({ 'src/main.txt': 'changed' });
    expect(await explained()).toMatchObject({
      kind: 'no-sources',
      sentence: `The build of ${short(before)} (run 128) has no list of its sources to compare with`,
    });
  });
});

/** Moves an object to a storage class that nothing can read. */
function archive(key: string): void {
  const { server, name } = scenario.bucket;
  server.put(name, key, 'app', { storageClass: 'GLACIER' });
}

describe('the build to compare with', () => {
  const CHANGE = { 'src/main.txt': 'changed' };

  it('is that of the last push, rather than that of a parent', async () => {
    const before = await built();
    await scenario.commit({ 'src/between.txt': 'never built' });
    await scenario.commit(CHANGE);
    expect(await explained({ baselines: { before, base: undefined } })).toMatchObject({ baseline: { commit: before } });
    expect(moreRequests()).toEqual([
      'GetObject records/artifacts/<commit>.json',
      'GetObject records/sources/<code>.json.gz',
    ]);
  });

  it('is never looked up for a commit of zeros, which precedes a new branch', async () => {
    const before = await built();
    await scenario.commit(CHANGE);
    expect(await explained({ baselines: { before: '0'.repeat(40) } })).toMatchObject({ baseline: { commit: before } });
  });

  it('is looked for under the fallback prefixes first on the first push of a branch', async () => {
    const before = await built({ prefix: 'main' });
    await scenario.commit(CHANGE);
    const search = { prefix: 'branch', fallbackPrefixes: ['main'], baselines: { before: '0'.repeat(40) } };
    expect(await explained(search)).toMatchObject({ kind: 'sources-changed', baseline: { commit: before } });
  });

  it("is that of a pull request's base, under a fallback prefix, if the merge was never built", async () => {
    const base = await built({ prefix: 'main' });
    const before = await scenario.commit({ 'src/other.txt': 'pushed before' });
    await scenario.commit(CHANGE);
    const search = { prefix: 'pr', fallbackPrefixes: ['main'] };
    expect(await explained({ ...search, baselines: { before, base } })).toMatchObject({ baseline: { commit: base } });
  });

  it('is that of the last push to a pull request if its own commits are built', async () => {
    const before = await built({ prefix: 'pr' });
    await scenario.commit(CHANGE);
    const commit = { asked: 'HEAD', context: 'e'.repeat(40), repositoryIsGiven: false };
    expect(await explained({ prefix: 'pr', commit, baselines: { before, base: 'f'.repeat(40) } })).toMatchObject({
      baseline: { commit: before },
    });
  });

  it('is found in a clone of one commit', async () => {
    const before = await built();
    await scenario.commit(CHANGE);
    const clone = join(scenario.temporary, 'clone');
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${scenario.root}`, clone]);
    const sources = gitSourceTree({ repositoryPath: clone, packageDirectory: join(clone, 'packages') });
    expect(await explained({ sources })).toMatchObject({ kind: 'sources-changed', baseline: { commit: before } });
  });

  it('may be promoted from another prefix that holds its sources', async () => {
    const before = await built({ prefix: 'main' });
    await scenario.commit();
    const search = { prefix: 'pr', fallbackPrefixes: ['main'] };
    expect(await check(search)).toMatchObject({ found: true });
    await scenario.freshPackages();
    await scenario.commit(CHANGE);
    expect(await explained(search)).toMatchObject({ kind: 'sources-changed', baseline: { commit: before } });
  });

  it('has its sources under the prefix of a cache that was filled from another prefix', async () => {
    const before = await built({ prefix: 'main' });
    await scenario.commit();
    const search = { prefix: 'pr', fallbackPrefixes: ['main'] };
    expect(await check(search)).toMatchObject({ found: true });
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload({ explain: true, ...search })).toMatchObject({ cached: true });
    await scenario.freshPackages();
    await scenario.commit();
    expect(await check({ prefix: 'pr' })).toMatchObject({ found: true });
    await scenario.freshPackages();
    await scenario.commit(CHANGE);
    expect(await explained({ prefix: 'pr' })).toMatchObject({
      kind: 'sources-changed',
      baseline: { commit: before },
    });
  });

  it('is an older one, without details, if the first candidate was not built', async () => {
    const before = await built();
    await scenario.commit(CHANGE);
    expect(await explained({ baselines: { before: 'e'.repeat(40) } })).toMatchObject({
      kind: 'code-changed',
      sentence: `The code differs from the build of ${short(before)} (run 128)`,
    });
    expect(moreRequests()).toHaveLength(2);
  });
});

describe('a package that needs others', () => {
  const ofApi = (own: readonly string[], shared: readonly string[]) => {
    const needs = [
      { name: 'shared', patterns: shared },
      { name: 'base', patterns: ['base/**'] },
    ];
    const unmatchedPatterns = 'warn' as const;
    return {
      codeHash: { ...SOURCES, unmatchedPatterns, patterns: own, package: { name: 'api', needs, declared: [] } },
    };
  };

  it.each<[string, readonly string[], readonly string[]]>([
    ['plain', ['api/**'], ['lib/**']],
    ['with brackets', ['ap[i]/**'], ['lib/[!A-Z]*']],
    ['that are not ASCII', ['api/ä*', 'api/**'], ['lib/**', 'lib/ö*']],
    ['with a backslash', ['api/\\**', 'api/main.ts'], ['lib/**']],
    ['with stars inside a name', ['a**/main.ts'], ['l**b/*']],
    ['with dots', ['./api/**'], ['./lib/**']],
    ['that exclude all others', ['**', '!lib/[!-]*', '!lib/é.ts', '!base/**'], ['lib/**']],
  ])('names the one whose sources changed, were added or are gone, by patterns %s', async (_, own, shared) => {
    const asked = ofApi(own, shared);
    const gone = { 'lib/gone.ts': 'g', 'lib/é.ts': 'e' };
    const before = await scenario.commit({ 'api/main.ts': 'a', 'base/b.ts': 'b', 'lib/x.ts': 'x', ...gone });
    await built(asked);
    for (const path of Object.keys(gone)) await rm(join(scenario.root, path));
    await scenario.commit({ 'lib/x.ts': 'changed', 'lib/new.ts': 'n' });
    expect(await explained(asked)).toMatchObject({
      kind: 'needs-changed',
      sentence: `'shared', which 'api' needs, changed since the build of ${short(before)} (run 128): D lib/gone.ts, A lib/new.ts, M lib/x.ts, D lib/é.ts`,
      needs: ONE('shared'),
      deleted: { count: 2 },
    });
    // A change of its own counts more, but the needed package is still named.
    await rm(join(scenario.root, 'api/main.ts'));
    await scenario.commit({ 'api/other/main.ts': 'a' });
    const mixed = await explained({ ...asked, baselines: { before } });
    expect(mixed).toMatchObject({ kind: 'sources-changed', needs: ONE('shared') });
    expect(scenario.warnings().filter((line) => !line.includes('Nothing in'))).toEqual([]);
  });

  it('names the one whose submodule moved', async () => {
    const asked = ofApi(['api/**'], ['lib/**']);
    await scenario.commit({ 'api/main.ts': 'a', 'base/b.ts': 'b' });
    const commitInside = () => {
      const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
      scenario.git('-C', 'lib', ...author, 'commit', '--quiet', '--allow-empty', '--message', 'inside');
    };
    scenario.git('init', '--quiet', 'lib');
    commitInside();
    scenario.git('-c', 'advice.addEmbeddedRepo=false', 'add', 'lib');
    await scenario.commit();
    await built(asked);
    commitInside();
    await scenario.commit();
    expect(await explained(asked)).toMatchObject({ kind: 'needs-changed', needs: ONE('shared'), changed: ONE('lib') });
  });

  it("says only that sources changed if git can't say which package they belong to", async () => {
    const asked = ofApi(['api/**'], ['lib/[a-z]*']);
    await scenario.commit({ 'api/main.ts': 'a', 'base/b.ts': 'b', 'lib/x.ts': 'x' });
    await built(asked);
    await scenario.commit({ 'lib/x.ts': 'changed' });
    const { sources } = scenario.ports();
    const matching = () => Promise.reject(new Error('no git'));
    expect(await explained({ ...asked, sources: { ...sources, matching } })).toMatchObject({
      kind: 'sources-changed',
      needs: { count: 0 },
    });
    expect(debugLines).toContainEqual(expect.stringContaining('Could not tell which packages'));
  });
});

describe('names in an explanation', () => {
  it('are escaped, and limited in number', async () => {
    const before = await built();
    const hostile = 'src/\u001b[31m\u202e<b>|`a`.txt';
    const files = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`src/z${1000 + index}.txt`, '']));
    await scenario.commit({ [hostile]: '', ...files });
    const explanation = await explained();
    expect(explanation?.sentence).toBe(
      `151 of 152 sources changed since the build of ${short(before)} (run 128): A src/\\u{1b}[31m\\u{202e}<b>|\`a\`.txt, A src/z1000.txt, A src/z1001.txt, A src/z1002.txt, A src/z1003.txt and 146 more`,
    );
    expect(explanation?.added).toMatchObject({ count: 151, names: expect.arrayContaining([hostile]) });
    expect(explanation?.added.names).toHaveLength(100);
  });
});

it('sources that do not fit into the sentence are listed', async () => {
  await built();
  const names = Array.from({ length: 102 }, (_, index) => `src/z${1000 + index}.txt`);
  await scenario.commit(Object.fromEntries(names.slice(0, 5).map((name) => [name, ''])));
  expect((await check()).changes).toBeUndefined();
  await scenario.commit(Object.fromEntries(names.map((name) => [name, ''])));
  const { changes } = await check({ baselines: { before: scenario.git('rev-parse', 'HEAD~2') } });
  expect(changes).toEqual({ count: 102, names: names.slice(0, 100).map((name) => `A ${name}`) });
});

it('a hit reports the age of the set', async () => {
  const { bucket, head } = { bucket: scenario.bucket.name, head: await built() };
  await check();
  expect(scenario.log.at(-1)).toBe(`Found 1 file, 3 B, built 1 min ago, at s3://${bucket}/artifacts/${head}/.`);
});

describe('nothing is explained, without other effects,', () => {
  async function missAfterChange(overrides: Overrides = {}): Promise<void> {
    await scenario.commit({ 'src/main.txt': 'changed' });
    expect(await explained(overrides)).toBeUndefined();
    expect(scenario.warnings()).toEqual([]);
  }

  const SOURCES_KEY = 'records/sources/';

  async function spoilSources(body: Buffer, { isRecorded = true } = {}): Promise<void> {
    const { server, name } = scenario.bucket;
    const [key = ''] = (await scenario.bucket.keys()).filter((one) => one.startsWith(SOURCES_KEY));
    server.put(name, key, body);
    if (!isRecorded) return;
    const recordKey = `records/artifacts/${scenario.head}.json`;
    const record = JSON.parse((await scenario.bucket.get(recordKey))?.body ?? '');
    const sources = createHash('sha256').update(body).digest('base64');
    server.put(name, recordKey, JSON.stringify({ ...record, sources }));
    serverMs += 60_000;
  }

  it.each([
    ['have another digest', Buffer.from('other'), false],
    ['are not compressed', Buffer.from('garbage'), true],
    ['are not JSON', gzipSync('garbage'), true],
    ['have the schema of a later version', gzipSync('{"schema":"s3-asset-manager/sources/v2"}'), true],
    [
      'have entries of another form',
      gzipSync('{"schema":"s3-asset-manager/sources/v1","patterns":[],"salt":[],"entries":[1]}'),
      true,
    ],
    ['expand to more than 16 MiB', gzipSync(Buffer.alloc(17 * 1024 ** 2)), true],
    ['have more than 16 MiB', Buffer.alloc(17 * 1024 ** 2), true],
  ])('if sources %s', async (_, body, isRecorded) => {
    await built();
    await spoilSources(body, { isRecorded });
    await missAfterChange();
    expect(debugLines.filter((line) => line.startsWith('Could not explain why a build is needed'))).toHaveLength(1);
  });

  it.each<[string, FaultAction]>([
    ['is refused', { kind: 'error', status: 403, code: 'AccessDenied' }],
    ['fails again and again', { kind: 'error', status: 503, code: 'SlowDown' }],
    ['is not answered', { kind: 'delay', ms: 8000 }],
  ])('if a request %s: after two seconds', async (_, fault) => {
    await built();
    scenario.bucket.server.fault = ({ key }) => (key?.startsWith(SOURCES_KEY) ? fault : undefined);
    const startedMs = performance.now();
    await missAfterChange();
    expect(performance.now() - startedMs).toBeLessThan(4500);
    const why = fault.kind === 'error' && fault.status === 403 ? /denied/ : /: it took more than 2(\.0)? s$/;
    expect(debugLines.filter((line) => line.startsWith('Could not explain why a build is needed'))).toEqual([
      expect.stringMatching(why),
    ]);
    scenario.bucket.server.fault = undefined;
  });

  it.each<[string, Overrides]>([
    ['explain is false', { explain: false }],
    ['the code hash was given', { codeHash: { kind: 'given', value: 'a'.repeat(64) } }],
    ['there is no code hash', { codeHash: undefined }],
    ['the code hash is that of the Python tool', { codeHash: { ...SOURCES, algorithm: 'md5' } }],
  ])('or requested if %s', async (_, overrides) => {
    await built();
    await missAfterChange(overrides);
    expect(moreRequests()).toEqual([]);
  });

  it('or requested on a hit by commit or by code', async () => {
    await built();
    expect((await check()).explanation).toBeUndefined();
    expect(scenario.wire()).toHaveLength(2);
    await scenario.freshPackages();
    await scenario.commit();
    expect((await check({ access: 'read' })).explanation).toBeUndefined();
    expect(scenario.wire()).toHaveLength(4);
  });

  it('or requested while another run writes the set', async () => {
    await scenario.putRecord();
    expect(await explained()).toBeUndefined();
  });
});

it('an explanation changes nothing in the bucket', async () => {
  await built();
  await scenario.commit({ 'src/main.txt': 'changed' });
  const contents = await scenario.bucketContents();
  await explained({ dryRun: true });
  expect(await scenario.bucketContents()).toEqual(contents);
});

describe('the command explain', () => {
  function explain(...commits: readonly string[]) {
    return explainCommit(scenario.run({ prefix: '' }), commits);
  }

  it('agrees with the check before that build', async () => {
    await built();
    await scenario.commit({ 'src/main.txt': 'changed' });
    const atCheck = await explained();
    const later = await built();
    await scenario.commit({ 'src/main.txt': 'changed again' });
    expect(await explain(later)).toEqual(atCheck);
    expect(await explain('HEAD~1')).toEqual(atCheck);
  });

  it('compares with the latest earlier commit that was built', async () => {
    const before = await built();
    for (const text of ['not built', 'not built either', 'built']) await scenario.commit({ 'src/main.txt': text });
    await built();
    expect(await explain('HEAD')).toMatchObject({ kind: 'sources-changed', baseline: { commit: before } });
  });

  it('says where it looked if no earlier commit was built', async () => {
    for (let count = 0; count < 8; count += 1) await scenario.commit({ 'src/main.txt': `${count}` });
    await built();
    const { sentence } = await explain('HEAD');
    expect(sentence).toMatch(
      /^There is no build to compare with: looked for ([0-9a-f]{12}, ){4}[0-9a-f]{12} and 3 more$/,
    );
  });

  it('refuses a second commit that was not built', async () => {
    await built();
    await expect(explain('HEAD', 'e'.repeat(40))).rejects.toThrow(/^There is no build of e{40} in s3:/);
  });

  it('compares any two builds, without the repository', async () => {
    const [first, , third] = [
      await built(),
      await scenario.commit({ 'src/b.txt': 'b' }).then(() => built()),
      await scenario.commit({ 'src/c.txt': 'c' }).then(() => built()),
    ];
    const run = scenario.run({ sources: closedSources() });
    expect(await explainCommit(run, [third, first])).toMatchObject({
      kind: 'sources-changed',
      added: { count: 2, names: ['src/b.txt', 'src/c.txt'] },
      baseline: { commit: first },
    });
  });

  it('reports that two builds are of the same code', async () => {
    const first = await built();
    await scenario.commit();
    await check();
    expect(await explain(scenario.head, first)).toMatchObject({ kind: 'same-code' });
  });

  it.each<[string, () => string[], RegExp]>([
    ['a commit that was not built', () => ['HEAD'], /^No build of [0-9a-f]{40} in s3:/],
    ['a name that git does not know', () => ['--upload-pack=x'], /^'--upload-pack=x' is not a commit at /],
    [
      'a commit that is not in the repository',
      () => ['e'.repeat(40)],
      /does not show what came before e{40}: give a second/,
    ],
  ])('refuses %s', async (_, commits, message) => {
    await expect(explain(...commits())).rejects.toThrow(message);
  });
});
