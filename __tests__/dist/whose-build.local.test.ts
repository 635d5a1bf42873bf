import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The built action against a store whose disk loses bytes, two jobs at once, and an upload that breaks off.

const FILTER = { 'code-hash-filter': 'src/**' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

function messagesOf({ lines }: ActionResult): string[] {
  return lines.filter((line) => /^::(error|warning)/.test(line));
}

/** What a fresh job restores, or what it is told. */
async function restored(inputs: Record<string, string> = {}): Promise<string | undefined> {
  await scenario.freshPackages();
  const result = await scenario.action('restore', inputs);
  return result.exitCode === 0 ? scenario.marker('app.zip') : messagesOf(result).join();
}

async function put(content: string, inputs: Record<string, string> = {}): Promise<ActionResult> {
  await scenario.freshPackages();
  await scenario.build({ 'app.zip': content });
  const result = await scenario.action('upload', inputs);
  expect(result).toMatchObject({ exitCode: 0, outputs: { uploaded: 'true' } });
  return result;
}

/** A disk loses bytes of an object, of which the store still says all that it said. */
function rot(key: string): void {
  const { server, name } = scenario.bucket;
  const { etag = '', metadata = {}, headers = {} } = server.get(name, key) ?? {};
  server.put(name, key, 'ROT!', { etag, metadata, contentType: headers['content-type'] ?? '' });
}

describe('bytes that have rotted in the store', () => {
  const OVERWRITE = { overwrite: 'true' };

  it('are replaced as the failed restore advises', async () => {
    await put('GOOD');
    rot(`artifacts/${scenario.head}/app.zip`);
    expect(await restored()).toMatch(/^::error.*'overwrite: true'/);
    expect((await put('GOOD', OVERWRITE)).outputs).toMatchObject({ reason: 'uploaded' });
    expect(await restored()).toBe('GOOD');
  });

  it('are replaced in the cache too', async () => {
    const { outputs } = await put('GOOD', FILTER);
    rot(`cache/${outputs['code-hash']}/app.zip`);
    await scenario.commit();
    expect(await restored(FILTER)).toMatch(/^::error.*'overwrite: true'/);
    await put('GOOD', { ...FILTER, ...OVERWRITE });
    expect(await restored(FILTER)).toBe('GOOD');
    await scenario.commit();
    expect(await restored(FILTER)).toBe('GOOD');
  });
});

describe('two jobs that build one commit otherwise', () => {
  it('end with the set of one, and the other says where its build differs', async () => {
    const { server } = scenario.bucket;
    const theirs = join(scenario.root, 'theirs');
    await mkdir(theirs);
    await writeFile(join(theirs, 'app.zip'), 'SECOND');
    await scenario.build({ 'app.zip': 'FIRST!' });
    let second: Promise<ActionResult> | undefined;
    server.fault = async ({ operation, key }) => {
      const isBegin = operation === 'PutObject' && key?.startsWith('records/artifacts/');
      if (!isBegin || second !== undefined) return undefined;
      second = scenario.action('upload', { 'package-directory': 'theirs' }, { env: { GITHUB_RUN_ID: '2' } });
      await second;
      return undefined;
    };
    const first = await scenario.action('upload');
    expect((await second)?.outputs).toMatchObject({ reason: 'uploaded' });
    expect(first).toMatchObject({ exitCode: 0, outputs: { reason: 'lost-race', uploaded: 'false' } });
    expect(messagesOf(first)).toEqual([
      expect.stringMatching(/^::warning.*'app\.zip' is not the same file.*overwrite/),
    ]);
    expect(await restored()).toBe('SECOND');
  });
});

describe('an upload that broke off', () => {
  it('leaves nothing that the next one records with attributes that it does not have', async () => {
    const { server, name } = scenario.bucket;
    await scenario.build({ 'app.zip': 'app', 'site.zip': 'site' });
    server.deny = ({ action, key }) => action === 's3:PutObject' && key?.endsWith('/site.zip') === true;
    expect(await scenario.action('upload', { concurrency: '1' })).toMatchObject({ exitCode: 1 });
    server.deny = undefined;
    const key = `artifacts/${scenario.head}/app.zip`;
    expect(server.get(name, key)).toBeDefined();
    const again = await scenario.action('upload', { 'cache-control': 'max-age=60' });
    expect(again).toMatchObject({ exitCode: 0, outputs: { reason: 'uploaded' } });
    expect(server.get(name, key)?.headers).toMatchObject({ 'cache-control': 'max-age=60' });
    expect(await scenario.record()).toMatchObject({ files: [{ cacheControl: 'max-age=60' }, {}] });
  });
});
