import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

const DIST = resolve(import.meta.dirname, '..', '..', 'dist');

let scenario: Scenario;
let serverMs: number;
beforeEach(async () => {
  serverMs = Date.now();
  scenario = await Scenario.create({ now: () => serverMs });
});
afterEach(() => scenario.close());

/** Tells on standard error which modules are loaded. */
const HOOK = `
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      if (url.startsWith('file:')) process.stderr.write(url + '\\n');
      return next(url, context);
    },
  });`;

/** Runs the built action, and tells which files of dist/ it loaded. */
async function loaded(mode: string, inputs: Record<string, string> = {}): Promise<ActionResult & { files: string[] }> {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(HOOK)}`, join(DIST, 'index.js')];
  const result = await scenario.action(mode, inputs, { args });
  const files = result.stderr.split('\n').filter((line) => line.startsWith('file:'));
  return { ...result, files: files.map((url) => fileURLToPath(url)).filter((file) => file.startsWith(DIST)) };
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The files that hold the SDK's client. */
async function sdkFiles(): Promise<string[]> {
  const files = (await readdir(DIST)).filter((name) => name.endsWith('.js')).map((name) => join(DIST, name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return files.filter((_, index) => texts[index]?.includes('x-amz-copy-source'));
}

const CACHING = { 'code-hash-filter': 'src/**' };

describe('what a step loads', () => {
  it('is a fraction of the bundle for a check that finds the set, or nothing', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.action('upload', CACHING);
    serverMs += 60_000;
    const hit = await loaded('check', CACHING);
    expect(hit.outputs.found).toBe('true');
    await scenario.commit({ 'src/main.txt': 'changed' });
    const miss = await loaded('check', CACHING);
    expect(miss.outputs.found).toBe('false');
    const sdk = await sdkFiles();
    expect(sdk).not.toEqual([]);
    for (const { files } of [hit, miss]) {
      expect(files.filter((file) => sdk.includes(file))).toEqual([]);
      expect(await sizeOf(files)).toBeLessThan(200_000);
    }
  });

  it('is the SDK for an upload', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const upload = await loaded('upload');
    expect(upload.outputs.found).toBe('true');
    expect(upload.files).toEqual(expect.arrayContaining(await sdkFiles()));
  });

  it('needs no git where the set is found', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    serverMs += 60_000;
    const { exitCode, outputs } = await scenario.action('check', CACHING, { env: { PATH: scenario.packages } });
    expect(exitCode).toBe(0);
    expect(outputs.found).toBe('true');
  });

  it('sends two requests where the set is found', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    serverMs += 60_000;
    scenario.forgetWire();
    await scenario.action('check', CACHING);
    expect(scenario.wire().toSorted()).toEqual([
      'GetObject records/artifacts/<commit>.json',
      'ListObjectsV2 artifacts/<commit>/',
    ]);
  });
});
