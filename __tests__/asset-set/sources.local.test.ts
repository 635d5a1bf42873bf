import { createHash, randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSources, sourcesText, storeSources } from '../../src/asset-set/sources.ts';
import { Scenario, SOURCES } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

const EXPLAINING = { explain: true };

async function uploadSet(overrides: Parameters<Scenario['upload']>[0] = {}): Promise<string> {
  await scenario.build({ 'app.zip': 'app' });
  return (await scenario.upload({ ...EXPLAINING, ...overrides })).codeHash ?? '';
}

/** The stored bytes, unchanged. */
function stored(codeHash: string, prefix = ''): Buffer | undefined {
  const { server, name } = scenario.bucket;
  const object = server.get(name, `${prefix}records/sources/${codeHash}.json.gz`);
  return object?.content.bytes();
}

function sha256Of(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('base64');
}

describe('an upload', () => {
  it('stores the sources of its code hash before the record refers to them', async () => {
    await scenario.commit({ 'src/run.sh': 'echo', 'docs/readme.md': 'not a source' });
    await chmod(join(scenario.root, 'src/run.sh'), 0o755);
    const codeHash = await uploadSet({ codeHash: { ...SOURCES, salt: 'node=24\nplain' } });
    const body = stored(codeHash);
    expect(JSON.parse(gunzipSync(body ?? '').toString())).toEqual({
      schema: 's3-asset-manager/sources/v1',
      patterns: ['src/**'],
      salt: [
        { name: 'node', digest: createHash('sha256').update('node=24').digest('hex').slice(0, 16) },
        { name: 'line 2', digest: expect.stringMatching(/^[0-9a-f]{16}$/) },
      ],
      entries: [
        ['100644', scenario.git('hash-object', 'src/main.txt').slice(0, 16), 'src/main.txt'],
        ['100755', scenario.git('hash-object', 'src/run.sh').slice(0, 16), 'src/run.sh'],
      ],
    });
    expect(await scenario.record()).toHaveProperty('sources', sha256Of(body));
    const wire = scenario.wire();
    expect(wire.indexOf('PutObject records/sources/<code>.json.gz')).toBeLessThan(
      wire.lastIndexOf('PutObject records/artifacts/<commit>.json'),
    );
  });

  it('passes the field on to the copy in the cache, and to commits of the same code', async () => {
    const codeHash = await uploadSet();
    const digest = sha256Of(stored(codeHash));
    expect(await scenario.record(`records/cache/${codeHash}.json`)).toHaveProperty('sources', digest);
    await scenario.commit();
    await scenario.check(EXPLAINING);
    expect(await scenario.record()).toMatchObject({ origin: { kind: 'cache' }, sources: digest });
  });

  it('records where the sources of a set promoted from another prefix are', async () => {
    await uploadSet({ prefix: 'main' });
    await scenario.commit();
    await scenario.check({ ...EXPLAINING, prefix: 'pr', fallbackPrefixes: ['main'] });
    expect(await scenario.record(`pr/records/artifacts/${scenario.head}.json`)).toMatchObject({
      origin: { kind: 'cache', prefix: 'main' },
      sources: expect.any(String),
    });
  });

  it('stores the sources that check saw, since a build may change them', async () => {
    await scenario.check({ ...EXPLAINING, ...scenario.inJob });
    await writeFile(join(scenario.root, 'src/main.txt'), 'changed by the build');
    await writeFile(join(scenario.root, 'src/new.txt'), 'made by the build');
    const codeHash = await uploadSet(scenario.inJob);
    const { entries } = parseSources(gunzipSync(stored(codeHash) ?? '').toString());
    expect(entries).toEqual([['100644', scenario.git('rev-parse', 'HEAD:src/main.txt').slice(0, 16), 'src/main.txt']]);
  });

  it('takes them from the package directory if the job has no RUNNER_TEMP', async () => {
    await scenario.check(EXPLAINING);
    await writeFile(join(scenario.root, 'src/main.txt'), 'changed by the build');
    const codeHash = await uploadSet({ codeHash: undefined });
    const { entries } = parseSources(gunzipSync(stored(codeHash) ?? '').toString());
    expect(entries.map(([, , path]) => path)).toEqual(['src/main.txt']);
    expect(await scenario.bucket.keys('artifacts/')).toEqual([`artifacts/${scenario.head}/app.zip`]);
  });

  it('keeps sources that are already stored, and records their digest', async () => {
    const codeHash = await uploadSet();
    const { server, name } = scenario.bucket;
    const other = gzipSync(gunzipSync(stored(codeHash) ?? ''), { level: 1 });
    server.put(name, `records/sources/${codeHash}.json.gz`, other);
    await uploadSet({ overwrite: true });
    expect(stored(codeHash)).toEqual(other);
    expect(await scenario.record()).toHaveProperty('sources', sha256Of(other));
  });

  it('records no sources if different ones are already stored', async () => {
    const codeHash = await uploadSet();
    scenario.bucket.server.put(scenario.bucket.name, `records/sources/${codeHash}.json.gz`, gzipSync('{}'));
    await uploadSet({ overwrite: true });
    expect(await scenario.record()).not.toHaveProperty('sources');
  });

  it.each([
    ['that is refused', { kind: 'error', status: 403, code: 'AccessDenied' }],
    ['that fails', { kind: 'error', status: 400, code: 'InvalidRequest' }],
  ] as const)('succeeds without the sources after a write of them %s', async (_, fault) => {
    scenario.bucket.server.fault = ({ key }) => (key?.startsWith('records/sources/') ? fault : undefined);
    await scenario.build({ 'app.zip': 'app' });
    expect(await scenario.upload(EXPLAINING)).toMatchObject({ uploaded: true, cached: true });
    expect(await scenario.record()).not.toHaveProperty('sources');
    expect(scenario.warnings()).toEqual([]);
  });

  it.each([
    ['explain is false', { explain: false }],
    ['it is a dry run', { dryRun: true }],
    ['the code hash was given', { codeHash: { kind: 'given', value: 'a'.repeat(64) } }],
    ['the code hash is that of the Python tool', { codeHash: { ...SOURCES, algorithm: 'md5' } }],
  ] as const)('stores no sources if %s', async (_, overrides) => {
    await uploadSet(overrides);
    expect((await scenario.bucket.keys()).filter((key) => key.includes('sources'))).toEqual([]);
    expect((await scenario.record()) ?? {}).not.toHaveProperty('sources');
  });
});

it('stores neither the value of a salt nor the content of a file', async () => {
  const [value, bare, padded, content] = ['CanaryValue', 'CanaryBare', 'CanaryPadded', 'CanaryContent'] as const;
  const json = '{"password":"CanaryJson=1"}';
  const salt = [`token=${value}`, bare, `${padded}==`, json, 'https://user:CanaryUrl@host/?a=b'].join('\n');
  await scenario.commit({ 'src/secret.txt': content });
  await uploadSet({ codeHash: { ...SOURCES, salt } });
  const keys = await scenario.bucket.keys();
  const bodies = keys.map((key) => scenario.bucket.server.get(scenario.bucket.name, key)?.content.bytes());
  const texts = bodies.map((bytes) => (bytes?.[0] === 0x1f ? gunzipSync(bytes) : bytes)?.toString());
  expect(texts.join('\n')).toContain('src/secret.txt');
  expect(texts.join('\n')).toContain('"token"');
  expect(texts.join('\n')).not.toContain('Canary');
});

describe('sourcesText', () => {
  const WORDS = { patterns: ['**'], salt: '' };

  function listingOf(...names: readonly Buffer[]): Buffer {
    return Buffer.concat(
      names.map((name) => Buffer.concat([Buffer.from(`100644 ${'a'.repeat(40)} 0\t`), name, Buffer.of(0)])),
    );
  }

  it.each([
    ['a tab, a line end and a quote', Buffer.from('a\t"b"\nc')],
    ['letters of other scripts', Buffer.from('ж/文.ts')],
    ['a character beyond 16 bits', Buffer.from('🎉')],
  ])('keeps names with %s', async (_, name) => {
    const { entries } = parseSources(await sourcesText(WORDS, listingOf(name)));
    expect(entries).toEqual([['100644', 'a'.repeat(16), name.toString()]]);
  });

  it.each([
    ['none', []],
    ['one', ['a']],
    ['plain and other ones by turns', ['"', 'a', 'b', '\\', '\t', 'c ~!', 'ж', '\u007f', 'd']],
  ])('keeps the order of names: %s', async (_, names) => {
    const { entries } = parseSources(await sourcesText(WORDS, listingOf(...names.map((name) => Buffer.from(name)))));
    expect(entries).toEqual(names.map((name) => ['100644', 'a'.repeat(16), name]));
  });

  it('distinguishes names that are not UTF-8', async () => {
    const names = [Buffer.from([0x61, 0xfe]), Buffer.from([0x61, 0xff])];
    const { entries } = parseSources(await sourcesText(WORDS, listingOf(...names)));
    expect(entries.map(([, , path]) => path)).toEqual(['a\udcfe', 'a\udcff']);
  });

  it('takes less than 1 MB for 50,000 files', async () => {
    const lines = Array.from({ length: 50_000 }, (_, index) => {
      const folder = `packages/package-${index % 97}/src/feature-${index % 13}`;
      return `100644 ${randomBytes(20).toString('hex')} 0\t${folder}/component-${index}.ts\0`;
    });
    const sources = () => sourcesText(WORDS, Buffer.from(lines.join('')));
    await storeSources(scenario.run(EXPLAINING), { value: 'a'.repeat(64), algorithm: 'git-sha256', sources });
    const body = stored('a'.repeat(64));
    expect(parseSources(gunzipSync(body ?? '').toString()).entries).toHaveLength(50_000);
    expect(body?.length).toBeLessThan(1_000_000);
  });
});
