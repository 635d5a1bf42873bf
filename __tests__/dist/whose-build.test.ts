import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The built action in workflows of several steps: which build a later job gets.

const FILTER = { 'code-hash-filter': 'src/**' };
const OVERWRITE = { overwrite: 'true' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

async function succeed(mode: string, inputs: Record<string, string> = {}): Promise<ActionResult> {
  const result = await scenario.action(mode, inputs);
  expect(result.lines.filter((line) => line.startsWith('::error'))).toEqual([]);
  expect(result.exitCode).toBe(0);
  return result;
}

/** The steps of a job that had to build. */
async function put(content: string, inputs: Record<string, string> = {}): Promise<ActionResult> {
  await scenario.freshPackages();
  await scenario.build({ 'app.zip': content });
  return succeed('upload', inputs);
}

/** The file that a fresh job gets, or the reason for its miss. */
async function get(inputs: Record<string, string> = {}): Promise<string | undefined> {
  await scenario.freshPackages();
  const { outputs } = await succeed('check', { ...inputs, restore: 'true' });
  return outputs.found === 'true' ? scenario.marker('app.zip') : outputs.reason;
}

function warningsOf({ lines }: ActionResult): string[] {
  return lines.filter((line) => line.startsWith('::warning'));
}

/** Puts other bytes of the same size and metadata behind a record. */
async function swap(key: string, content: string): Promise<void> {
  const { metadata = {}, contentType, cacheControl } = (await scenario.bucket.get(key)) ?? {};
  await scenario.bucket.put(key, content, { metadata, contentType, cacheControl });
}

describe('overwrite', () => {
  it('takes effect for commits of the same code', async () => {
    await put('BAD', FILTER);
    expect((await put('GOOD', { ...FILTER, ...OVERWRITE })).outputs).toMatchObject({ cached: 'true' });
    expect(await get(FILTER)).toBe('GOOD');
    await scenario.commit();
    expect(await get(FILTER)).toBe('GOOD');
  });

  it('takes precedence over a check that found the set', async () => {
    await put('BAD', FILTER);
    await scenario.freshPackages();
    expect((await succeed('check', FILTER)).outputs).toMatchObject({ found: 'true' });
    await scenario.build({ 'app.zip': 'GOOD' });
    expect((await succeed('upload', { ...FILTER, ...OVERWRITE })).outputs).toMatchObject({ reason: 'uploaded' });
    expect(await get(FILTER)).toBe('GOOD');
    await scenario.commit();
    expect(await get(FILTER)).toBe('GOOD');
  });

  it('withdraws the replaced build from the cache under its own code hash', async () => {
    await put('BAD', { ...FILTER, 'code-hash-salt': 'one' });
    expect(warningsOf(await put('GOOD', { ...FILTER, 'code-hash-salt': 'two', ...OVERWRITE }))).toEqual([]);
    await scenario.commit();
    expect(await get({ ...FILTER, 'code-hash-salt': 'one' })).toBe('absent');
    expect(await get({ ...FILTER, 'code-hash-salt': 'two' })).toBe('GOOD');
  });

  it('sends even bytes that are already stored', async () => {
    await put('GOOD');
    const { outputs } = await put('GOOD', OVERWRITE);
    expect(outputs).toMatchObject({ reason: 'uploaded', uploaded: 'true' });
  });
});

describe('an object that was replaced behind its record', () => {
  it.each([{}, OVERWRITE])('is sent again by an upload with %j', async (inputs) => {
    await put('GOOD');
    await swap(`artifacts/${scenario.head}/app.zip`, 'EVIL');
    expect(await get()).toBe('damaged');
    expect((await put('GOOD', inputs)).outputs).toMatchObject({ found: 'true', reason: 'uploaded' });
    expect(await get()).toBe('GOOD');
  });
});

describe('a code hash', () => {
  const LINUX = { ...FILTER, 'code-hash-salt': 'linux' };
  const WINDOWS = { ...FILTER, 'code-hash-salt': 'windows' };
  const FALLBACK = { prefix: 'br', 'fallback-prefixes': 'main' };

  it('is not attached to the set of a fallback prefix that has another', async () => {
    await put('LINUX', { prefix: 'main', ...LINUX });
    expect(await get({ ...FALLBACK, ...WINDOWS })).toBe('absent');
    expect(await get({ ...FALLBACK, ...LINUX })).toBe('LINUX');
    // The commit has a set now, so no job builds; but the next commit's job for Windows must not get that set.
    expect((await put('WINDOWS', { prefix: 'br', ...WINDOWS })).outputs).toMatchObject({ cached: 'false' });
    await scenario.commit();
    expect(await get({ ...FALLBACK, ...WINDOWS })).toBe('absent');
    expect(await get({ ...FALLBACK, ...LINUX })).toBe('LINUX');
  });

  it('is not attached to a set that was stored without one', async () => {
    await put('UNKNOWN', { prefix: 'main' });
    expect(await get({ ...FALLBACK, ...LINUX })).toBe('UNKNOWN');
    const { lines, outputs } = await put('LINUX', { prefix: 'br', ...LINUX });
    expect(outputs).toMatchObject({ reason: 'complete', cached: 'false' });
    expect(lines).toContainEqual(expect.stringMatching(/^::warning.*stored without a code hash.* not cached/));
    await scenario.commit();
    expect(await get({ ...FALLBACK, ...LINUX })).toBe('absent');
  });
});

describe('a second upload of a commit', () => {
  it('reports how its build differs from the stored one', async () => {
    await scenario.build({ 'b.zip': 'b', 'c.zip': 'c' });
    await put('FIRST');
    expect(warningsOf(await put('FIRST'))).toEqual([]);
    const second = await put('OTHER');
    expect(second.outputs).toMatchObject({ found: 'true', reason: 'complete', uploaded: 'false' });
    expect(warningsOf(second)).toEqual([expect.stringMatching(/'app\.zip'.*overwrite/)]);
    const digest = createHash('sha256').update('FIRST').digest('base64');
    expect(second.outputs.files).toContain(digest);
    expect(await get()).toBe('FIRST');
  });
});

describe('a set that the Python tool is still storing', () => {
  it('is not completed by an upload, which advises to wait for that tool', async () => {
    const prefix = `artifacts/${scenario.head}/`;
    await scenario.bucket.put(`${prefix}app.zip`, 'app');
    await scenario.build({ 'app.zip': 'app', 'site.zip': 'site' });
    const before = await scenario.bucketContents();
    const { lines, exitCode } = await scenario.action('upload');
    expect(lines.filter((line) => line.startsWith('::error'))).toEqual([
      expect.stringMatching(`${prefix} has 1 file without a record, and 'site\\.zip' is not there: .*re-run`),
    ]);
    expect(exitCode).toBe(1);
    expect(await scenario.bucketContents()).toEqual(before);
    await scenario.bucket.put(`${prefix}site.zip`, 'site');
    expect((await succeed('upload')).outputs).toMatchObject({ found: 'true', reason: 'legacy', 'file-count': '2' });
  });
});
