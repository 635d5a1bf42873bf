import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The built action with a store whose disk loses bytes, with two jobs at once, and after an interrupted upload.

const FILTER = { 'code-hash-filter': 'src/**' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

function messagesOf({ lines }: ActionResult): string[] {
  return lines.filter((line) => /^::(error|warning)/.test(line));
}

/** The file that a fresh job restores, or the error it gets. */
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

/** Corrupts the bytes of an object, while its size, ETag and metadata stay the same. */
function rot(key: string): void {
  const { server, name } = scenario.bucket;
  const { etag = '', metadata = {}, headers = {} } = server.get(name, key) ?? {};
  server.put(name, key, 'ROT!', { etag, metadata, contentType: headers['content-type'] ?? '' });
}

describe('bytes that have rotted in the store', () => {
  const OVERWRITE = { overwrite: 'true' };

  it('are replaced by following the advice of the failed restore', async () => {
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

describe('an upload that overwrites a build', () => {
  const OVERWRITE = { ...FILTER, overwrite: 'true' };

  async function nextCommit(): Promise<string | undefined> {
    await scenario.commit();
    await scenario.freshPackages();
    const { outputs } = await scenario.action('check', { ...FILTER, restore: 'true' });
    return outputs.found === 'true' ? scenario.marker('app.zip') : outputs.reason;
  }

  it('waits for another run that stores that build meanwhile, and then replaces it', async () => {
    const { server } = scenario.bucket;
    await put('BAD', FILTER);
    await scenario.commit();
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'GOOD' });
    const theirs = { ...FILTER, 'package-directory': 'theirs' };
    // By then, the overwriting upload has already looked at the set.
    let isPromoted = false;
    server.fault = async ({ operation, key }) => {
      if (isPromoted || operation !== 'PutObject' || !key?.startsWith('records/artifacts/')) return undefined;
      isPromoted = true;
      const { outputs } = await scenario.action('upload', theirs, { env: { GITHUB_RUN_ID: '2' } });
      expect(outputs).toMatchObject({ found: 'true' });
      return undefined;
    };
    await mkdir(join(scenario.root, 'theirs'));
    await writeFile(join(scenario.root, 'theirs', 'app.zip'), 'BAD');
    const { exitCode, outputs } = await scenario.action('upload', OVERWRITE);
    expect({ exitCode, ...outputs }).toMatchObject({ exitCode: 0, reason: 'uploaded', cached: 'true' });
    expect(await restored()).toBe('GOOD');
    expect(await nextCommit()).toBe('GOOD');
  });

  it('leaves neither build in the cache if the copy for other commits fails', async () => {
    const { server } = scenario.bucket;
    await put('BAD', FILTER);
    let writes = 0;
    server.deny = ({ action, key }) => {
      if (action !== 's3:PutObject' || !key?.startsWith('records/cache/')) return false;
      writes += 1;
      // The first writes withdraw the old build from the cache.
      return writes > 2;
    };
    const failed = await put('GOOD', OVERWRITE);
    expect(failed.outputs).toMatchObject({ cached: 'false' });
    expect(messagesOf(failed)).toEqual([expect.stringMatching(/^::warning.*was not made, so they will be built/)]);
    server.deny = undefined;
    expect((await scenario.action('upload', FILTER)).outputs).toMatchObject({ reason: 'complete', cached: 'true' });
    expect(await nextCommit()).toBe('GOOD');
  });

  it('replaces nothing if it may not write to the cache', async () => {
    const { server } = scenario.bucket;
    await put('BAD', FILTER);
    server.deny = ({ action, key }) => action === 's3:PutObject' && key?.startsWith('records/cache/') === true;
    await scenario.build({ 'app.zip': 'GOOD' });
    const { exitCode, lines } = await scenario.action('upload', OVERWRITE);
    expect(exitCode).toBe(1);
    expect(lines).toContainEqual(expect.stringMatching(/^::error.*access denied.*s3:PutObject on .*records\/cache/));
    expect(await restored()).toBe('BAD');
  });
});

describe('a record that was deleted', () => {
  it('does not make metadata a proof of the stored bytes', async () => {
    const { server, name } = scenario.bucket;
    await put('GOOD');
    const key = `artifacts/${scenario.head}/app.zip`;
    const { metadata = {}, headers = {} } = server.get(name, key) ?? {};
    server.put(name, key, 'EVIL', { metadata, contentType: headers['content-type'] ?? '' });
    await scenario.bucket.delete(`records/artifacts/${scenario.head}.json`);
    expect((await put('GOOD')).outputs).toMatchObject({ reason: 'uploaded' });
    expect(await restored()).toBe('GOOD');
  });
});

describe('two jobs that build one commit differently', () => {
  it('end with the set of one job, and the other reports how its build differs', async () => {
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

describe('an interrupted upload', () => {
  it('leaves no asset that the next one records with wrong attributes', async () => {
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
