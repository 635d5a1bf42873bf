import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const DIST = join(ROOT, 'dist');
const SRC = join(ROOT, 'src');

let scenario: Scenario;
let serverMs: number;
beforeEach(async () => {
  serverMs = Date.now();
  scenario = await Scenario.create({ now: () => serverMs });
});
afterEach(() => scenario.close());

/** Prints on standard error which modules are loaded. */
const HOOK = `
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      if (url.startsWith('file:')) process.stderr.write(url + '\\n');
      return next(url, context);
    },
  });`;

/** Runs the built action. @returns the files of dist/ that it loaded */
async function loaded(
  mode: string,
  inputs: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<ActionResult & { files: string[] }> {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(HOOK)}`, ENTRY];
  const result = await scenario.action(mode, inputs, { args, env });
  const files = result.stderr.split('\n').filter((line) => line.startsWith('file:'));
  return { ...result, files: files.map((url) => fileURLToPath(url)).filter((file) => file.startsWith(DIST)) };
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The files that contain the SDK's client. */
async function sdkFiles(): Promise<string[]> {
  const files = (await readdir(DIST)).filter((name) => name.endsWith('.js')).map((name) => join(DIST, name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return files.filter((_, index) => texts[index]?.includes('CreateMultipartUpload'));
}

/** In V8's format; the first range of a function covers all of it. */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Runs a check from the sources. @returns the files of src/ that it loaded, and those that ran a function */
async function visited(
  inputs: Record<string, string>,
): Promise<ActionResult & Record<'loaded' | 'executed', string[]>> {
  const reports = join(scenario.temporary, 'coverage');
  const action = await scenario.action('check', inputs, {
    env: { NODE_V8_COVERAGE: reports },
    args: ['--eval', `import(${JSON.stringify(join(SRC, 'action.ts'))}).then(({ action }) => action())`],
  });
  const [name = ''] = await readdir(reports);
  const { result }: Coverage = JSON.parse(await readFile(join(reports, name), 'utf8'));
  const loaded = result.filter(({ url }) => url.startsWith(pathToFileURL(SRC).href));
  // A range that starts with the file is the module itself.
  const executed = loaded.filter(({ functions }) =>
    functions.some(({ ranges: [whole] }) => whole !== undefined && whole.startOffset > 0 && whole.count > 0),
  );
  const [loadedUrls, executedUrls] = [loaded, executed].map((files) => files.map(({ url }) => url));
  return { ...action, loaded: loadedUrls ?? [], executed: executedUrls ?? [] };
}

const CACHING = { 'code-hash-filter': 'src/**' };
const ENTRY = join(DIST, 'index.js');
const PROGRAM = join(DIST, 'program.js');
const MOST_ENTRY_BYTES = 200_000;
const MOST_BYTES_OF_A_MISS = 220_000;
/** The number of files that a reader has to know to understand a hit. */
const MOST_FILES_LOADED = 40;
const MOST_FILES_EXECUTED = 30;

describe('a step', () => {
  it('loads only the program and the action if the set is found, and little more if it is not', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.action('upload', CACHING);
    serverMs += 60_000;
    const hit = await loaded('check', CACHING);
    expect(hit.outputs.found).toBe('true');
    expect(hit.files).toHaveLength(3);
    expect(hit.files).toEqual(expect.arrayContaining([ENTRY, PROGRAM]));
    expect(await sizeOf(hit.files)).toBeLessThanOrEqual(MOST_ENTRY_BYTES);
    await scenario.commit({ 'src/main.txt': 'changed' });
    const miss = await loaded('check', CACHING);
    expect(miss.outputs.found).toBe('false');
    expect(await sizeOf(miss.files)).toBeLessThanOrEqual(MOST_BYTES_OF_A_MISS);
  });

  it('loads nothing more for keys in variables, as a step that sets up credentials leaves them', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.action('upload');
    serverMs += 60_000;
    const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = scenario.variables;
    const inputs = { 'aws-access-key-id': '', 'aws-secret-access-key': '' };
    const hit = await loaded('check', inputs, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
    expect(hit.outputs.found).toBe('true');
    expect(hit.files.toSorted()).toEqual((await loaded('check')).files.toSorted());
  });

  it('loads few files of the sources if the set is found', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    serverMs += 60_000;
    const hit = await visited(CACHING);
    expect(hit.outputs.found).toBe('true');
    expect(hit.executed).toContain(pathToFileURL(join(SRC, 'modes', 'check.ts')).href);
    expect(hit.loaded.length).toBeLessThanOrEqual(MOST_FILES_LOADED);
    expect(hit.executed.length).toBeLessThanOrEqual(MOST_FILES_EXECUTED);
  });

  it('loads the SDK only to upload a file in parts', async () => {
    const sdk = await sdkFiles();
    expect(sdk).not.toEqual([]);
    await scenario.build({ 'app.zip': 'app' });
    const small = await loaded('upload', CACHING);
    expect(small.outputs).toMatchObject({ uploaded: 'true', cached: 'true' });
    expect(small.files.filter((file) => sdk.includes(file))).toEqual([]);
    await scenario.commit({ 'src/main.txt': 'changed' });
    await scenario.build({ 'large.zip': Buffer.alloc(6 * 1024 ** 2) });
    const large = await loaded('upload', { 'part-size-mib': '5' });
    expect(large.outputs.uploaded).toBe('true');
    expect(large.files).toEqual(expect.arrayContaining(sdk));
  });

  it('loads YAML only for several packages', async () => {
    const texts = await Promise.all((await loaded('check', CACHING)).files.map((file) => readFile(file, 'utf8')));
    expect(texts.filter((text) => text.includes('YAMLMap'))).toEqual([]);
    const packages = 'packages: { app: { sources: [src/**] } }';
    const several = await Promise.all(
      (await loaded('check', { packages })).files.map((file) => readFile(file, 'utf8')),
    );
    expect(several.filter((text) => text.includes('YAMLMap'))).not.toEqual([]);
  });

  it('needs no git if the set is found', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    serverMs += 60_000;
    const { exitCode, outputs } = await scenario.action('check', CACHING, { env: { PATH: scenario.packages } });
    expect(exitCode).toBe(0);
    expect(outputs.found).toBe('true');
  });

  it('sends two requests if the set is found', async () => {
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
