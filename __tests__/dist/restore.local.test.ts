import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FaultAction, LoggedRequest } from '../../dev/local-s3/local-s3.ts';
import type { ActionResult } from '../../dev/run-action.ts';
import { limitedAction } from '../support/limited-action.ts';
import { Scenario } from '../support/scenario.ts';

// Restores by the built action that are cancelled, killed or out of space.

const MIB = 1024 ** 2;
const LARGE = Buffer.alloc(11 * MIB, 'large file ');
const IN_RANGES = { 'part-size-mib': '5' };
const isPosix = process.platform !== 'win32';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.create();
});
afterAll(() => scenario.close());
beforeEach(async () => {
  scenario.bucket.server.fault = undefined;
  scenario.pretendCommit();
  await scenario.freshPackages();
});

/** Stores a set of the commit. */
async function store(bodies: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const { server, name } = scenario.bucket;
  const files = Object.entries(bodies).map(([path, body]) => {
    const { etag } = server.put(name, `artifacts/${scenario.head}/${path}`, body);
    return { path, size: Buffer.byteLength(body), etag, sha256: createHash('sha256').update(body).digest('base64') };
  });
  await scenario.putRecord({ state: 'complete', files });
}

function isAssetRead({ operation, key = '' }: LoggedRequest): boolean {
  return operation === 'GetObject' && key.startsWith('artifacts/');
}

function errorsOf({ lines }: ActionResult): string[] {
  return lines.filter((line) => line.startsWith('::error'));
}

async function names(path = ''): Promise<string[]> {
  return (await readdir(join(scenario.packages, path))).toSorted();
}

async function waitFor(file: string): Promise<void> {
  while (!existsSync(file)) await setTimeout(10);
}

/** Restores a small file and a large one whose last range hangs, and then ends the step with a signal. */
async function endMidway(signal: NodeJS.Signals): Promise<ActionResult & { readonly tookMs: number }> {
  await store({ 'a.txt': 'a', 'sub/large.bin': LARGE });
  let sentMs = Number.POSITIVE_INFINITY;
  let send = (_: NodeJS.Signals) => {};
  const hanging: FaultAction = { kind: 'delay', ms: 30_000 };
  scenario.bucket.server.fault = (request) => {
    if (!isAssetRead(request) || !request.headers.range?.startsWith(`bytes=${8 * MIB}-`)) return undefined;
    sentMs = performance.now();
    void waitFor(join(scenario.packages, 'a.txt')).then(() => send(signal));
    return hanging;
  };
  const onStart = (_: number, kill: (signal: NodeJS.Signals) => void) => {
    send = kill;
  };
  const result = await scenario.action('restore', IN_RANGES, { onStart });
  scenario.bucket.server.fault = undefined;
  return { ...result, tookMs: performance.now() - sentMs };
}

(isPosix ? describe.each(['SIGINT', 'SIGTERM'] as const) : describe.skip.each(['SIGINT']))('%s', (signal) => {
  it('ends a restore within seconds, and leaves no incomplete file', async () => {
    const result = await endMidway(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT');
    expect(result.exitCode).toBe(1);
    expect(result.tookMs).toBeLessThan(5000);
    expect(errorsOf(result)).toEqual([
      `::error::The step was cancelled (${signal}): what was restored so far is kept, and the next restore goes on from there`,
    ]);
    expect(result.outputs).toEqual({});
    expect(await names()).toEqual(['a.txt', 'sub']);
    expect(await names('sub')).toEqual([]);
  });
});

describe('a restore that is killed', () => {
  it('leaves no incomplete file under its final name, and the next restore goes on', async () => {
    const { exitCode } = await endMidway('SIGKILL');
    expect(exitCode).not.toBe(0);
    expect(await names()).toEqual(['a.txt', 'sub']);
    expect(await names('sub')).toEqual([expect.stringMatching(/^\.restoring-/)]);

    scenario.forgetWire();
    const next = await scenario.action('restore');
    expect(next.outputs).toMatchObject({ restored: 'true', 'file-count': '2' });
    expect((await readFile(join(scenario.packages, 'sub/large.bin'))).equals(LARGE)).toBe(true);
    expect(scenario.wire()).not.toContain('GetObject artifacts/<commit>/a.txt');

    const commit = { 'commit-sha': scenario.pretendCommit() };
    const upload = await scenario.action('upload', commit);
    const paths = (await scenario.bucket.keys(`artifacts/${scenario.head}/`)).map((key) => key.split('/').at(-1));
    expect(upload.outputs).toMatchObject({ uploaded: 'true' });
    expect(paths).toEqual(['a.txt', 'large.bin']);
  });
});

(process.platform === 'linux' ? describe : describe.skip)('a disk that is full', () => {
  it('fails the step with advice, and leaves nothing of the file', async () => {
    await store({ 'a.txt': 'a', 'sub/large.bin': LARGE });
    // Writing past 4 MiB of a file, in blocks of 512 bytes, fails: much the same as on a full disk.
    const result = await scenario.action('restore', IN_RANGES, { args: limitedAction('-f 8192') });
    expect(errorsOf(result)).toEqual([
      "::error::'sub/large.bin' can't be restored (EFBIG): check the disk's free space and the directory's permissions",
    ]);
    expect(result.exitCode).toBe(1);
    expect(result.outputs).toEqual({});
    expect(await names()).toEqual(['a.txt', 'sub']);
    expect(await names('sub')).toEqual([]);
  });
});

describe('a restore', () => {
  it('fails by default on a miss, after its outputs are set', async () => {
    const miss = await scenario.action('restore');
    expect(miss.exitCode).toBe(1);
    expect(miss.outputs).toMatchObject({ found: 'false', reason: 'absent', restored: 'false', files: '[]' });
    expect(errorsOf(miss)).toEqual([
      expect.stringContaining(`There are no assets for commit ${scenario.head} (absent)`),
    ]);
    const allowed = await scenario.action('restore', { 'fail-on-miss': 'false' });
    expect(allowed.exitCode).toBe(0);
    expect(allowed.outputs).toEqual(miss.outputs);
    await expect(stat(scenario.packages)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('waits for a run that is writing the set, and then names it', async () => {
    await scenario.putRecord();
    const result = await scenario.action('restore', { 'wait-timeout-seconds': '1' });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toEqual([
      `::error::run 77 (attempt 1) of owner/repository, workflow nightly is still writing artifacts/${scenario.head}/ after 1 s: wait for it to end, or raise wait-timeout-seconds`,
    ]);
  });

  it('names the run that fills the cache if the commit has no set of its own', async () => {
    const codeHash = 'c'.repeat(64);
    await scenario.putRecord({ codeHash }, `records/cache/${codeHash}.json`);
    const result = await scenario.action('restore', { 'wait-timeout-seconds': '1', 'code-hash': codeHash });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toEqual([
      expect.stringMatching(
        /no assets for commit .* yet, and run 77 .* is still writing cache\/c+\/: raise wait-timeout/,
      ),
    ]);
  });

  it('of many files at once logs no more than usual', async () => {
    const files = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`f/${index}.txt`, `${index}`]));
    await store({ ...files, 'large.bin': LARGE });
    scenario.bucket.server.fault = () => ({ kind: 'delay', ms: 20 });
    const { lines, stderr, exitCode, outputs } = await scenario.action('restore', {
      concurrency: '128',
      'part-size-mib': '5',
    });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ restored: 'true', 'file-count': '151', 'total-bytes': `${LARGE.length + 340}` });
    const said = lines
      .filter((line) => !line.startsWith('::'))
      .map((line) => line.replace(/ (just now|\d+ s ago)/, ' <ago>'));
    expect(said).toEqual([
      `Found 151 files, 11.5 MB, built <ago>, at s3://${scenario.bucket.name}/artifacts/${scenario.head}/.`,
      'Restoring 151 files, 11.5 MB …',
      'Restored 151 files, 11.5 MB, into ./packages.',
      '📥 Restored 151 files, 11.5 MB, built <ago> by run 77 of nightly.',
    ]);
    expect(await names('f')).toHaveLength(150);
  });

  it('brings back the selected files, also as part of a check', async () => {
    await store({ 'api.zip': 'api', 'site/a.js': 'a', 'site/a.map': 'm' });
    const files = './site/**\n!**/*.map';
    const check = await scenario.action('check', { restore: 'true', files });
    expect(check.outputs).toMatchObject({ found: 'true', restored: 'true', 'file-count': '1', 'total-bytes': '1' });
    expect(await names()).toEqual(['.commit-hash', '.found', '.found-at', '.record.json', '.sha256sums', 'site']);
    expect(await names('site')).toEqual(['a.js']);
  });

  it('fails after its outputs are set if files select nothing, unless that is allowed', async () => {
    await store({ 'api.zip': 'api' });
    const nothing = await scenario.action('restore', { files: 'apy.zip' });
    expect(nothing.exitCode).toBe(1);
    expect(nothing.outputs).toMatchObject({ found: 'true', restored: 'false', files: '[]' });
    const patternWarning = `::warning::No asset of artifacts/${scenario.head}/ matches the pattern 'apy.zip' of files: correct or remove it.`;
    expect(errorsOf(nothing)).toEqual([expect.stringMatching(/Nothing was restored.*set fail-on-miss to 'false'/)]);
    expect(nothing.lines.filter((line) => line.startsWith('::warning'))).toEqual([patternWarning]);
    expect(nothing.lines).not.toContainEqual(expect.stringContaining('Restored 0'));
    const allowed = await scenario.action('restore', { files: 'apy.zip', 'fail-on-miss': 'false' });
    expect(allowed.exitCode).toBe(0);
    expect(allowed.outputs).toEqual(nothing.outputs);
    expect(allowed.lines.filter((line) => line.startsWith('::warning'))).toEqual([
      patternWarning,
      expect.stringMatching(/^::warning::Nothing was restored/),
    ]);
    const check = { restore: 'true', files: 'apy.zip' };
    expect((await scenario.action('check', check)).exitCode).toBe(0);
    expect((await scenario.action('check', { ...check, 'fail-on-miss': 'true' })).exitCode).toBe(1);
    expect((await scenario.action('check', { ...check, 'dry-run': 'true', 'fail-on-miss': 'true' })).exitCode).toBe(0);
  });

  it.each(['a/./b', 'a/../b', '/etc/*'])('refuses the pattern %s', async (files) => {
    await store({ 'api.zip': 'api' });
    const result = await scenario.action('restore', { files });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toEqual([expect.stringContaining(`'${files}'`)]);
  });
});
