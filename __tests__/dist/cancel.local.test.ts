import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// A cancelled job: the runner sends SIGINT, some seconds later SIGTERM, and then kills the process.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** Runs a step, and sends it a signal as soon as a request of this kind hangs. */
async function cancelAt(
  operation: string,
  keyPart: string,
  signal: NodeJS.Signals,
  mode = 'upload',
): Promise<ActionResult & { tookMs: number }> {
  let sentMs = Number.POSITIVE_INFINITY;
  let send = (_: NodeJS.Signals) => {};
  scenario.bucket.server.fault = (request) => {
    if (request.operation !== operation || !(request.key ?? '').includes(keyPart)) return undefined;
    if (sentMs === Number.POSITIVE_INFINITY) {
      sentMs = performance.now();
      void setTimeout(50).then(() => send(signal));
    }
    return { kind: 'delay', ms: 30_000 };
  };
  const onStart = (_: number, kill: (signal: NodeJS.Signals) => void) => {
    send = kill;
  };
  const inputs = { 'code-hash-filter': 'src/**', 'part-size-mib': '5' };
  const result = await scenario.action(mode, inputs, { onStart });
  return { ...result, tookMs: performance.now() - sentMs };
}

describe.each(['SIGINT', 'SIGTERM'] as const)('an upload that is cancelled by %s', (signal) => {
  it('releases its record and ends within seconds', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    const { exitCode, tookMs, lines, outputs } = await cancelAt('PutObject', '/b.txt', signal);
    expect(exitCode).toBe(1);
    expect(tookMs).toBeLessThan(5000);
    expect(lines.filter((line) => line.startsWith('::error'))).toEqual([
      `::error::The step was cancelled (${signal}): what was stored so far is kept, and the next upload goes on from there`,
    ]);
    expect(outputs).toEqual({});
    scenario.bucket.server.fault = undefined;
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('leaves no part of a large file behind', async () => {
    await scenario.build({ 'large.bin': Buffer.alloc(11 * 1024 ** 2) });
    const { exitCode, tookMs } = await cancelAt('UploadPart', '/large.bin', signal);
    expect(exitCode).toBe(1);
    expect(tookMs).toBeLessThan(5000);
    expect(scenario.bucket.server.uploads(scenario.bucket.name)).toEqual([]);
    scenario.bucket.server.fault = undefined;
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });
});

describe('a step that is cancelled', () => {
  it('during the copy for the cache keeps the set, and releases the record of the copy', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { exitCode, tookMs } = await cancelAt('CopyObject', 'cache/', 'SIGINT');
    expect(exitCode).toBe(1);
    expect(tookMs).toBeLessThan(5000);
    scenario.bucket.server.fault = undefined;
    expect(await scenario.record()).toMatchObject({ state: 'complete' });
    const [key = ''] = await scenario.bucket.keys('records/cache/');
    expect(await scenario.record(key)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('while it waits for another run ends at once', async () => {
    await scenario.putRecord();
    await scenario.build({ 'a.txt': 'a' });
    let send = (_: NodeJS.Signals) => {};
    const onStart = (_: number, kill: (signal: NodeJS.Signals) => void) => {
      send = kill;
    };
    let isAsked = false;
    scenario.bucket.server.fault = () => {
      if (!isAsked) void setTimeout(500).then(() => send('SIGINT'));
      isAsked = true;
      return undefined;
    };
    const startedMs = performance.now();
    const { exitCode } = await scenario.action('upload', { 'wait-timeout-seconds': '60' }, { onStart });
    expect(exitCode).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
  });

  it.each([
    ['check', 'GetObject'],
    ['check', 'ListObjectsV2'],
    ['upload', 'GetObject'],
    ['restore', 'ListObjectsV2'],
    ['restore', 'GetObject'],
  ])('ends within a second while its %s waits for a %s that is never answered', async (mode, operation) => {
    await scenario.build({ 'a.txt': 'a' });
    const { exitCode, tookMs, lines } = await cancelAt(operation, '', 'SIGINT', mode);
    expect(exitCode).toBe(1);
    expect(tookMs).toBeLessThan(1500);
    expect(lines.filter((line) => line.startsWith('::error'))).toEqual([
      expect.stringMatching(
        mode === 'check'
          ? /^::error::The step was cancelled \(SIGINT\)$/
          : new RegExp(`d so far is kept, and the next ${mode} goes on from there$`),
      ),
    ]);
  });

  it('releases its record even if the HEAD of an asset is never answered', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    await scenario.bucket.put(`artifacts/${scenario.head}/b.txt`, 'other');
    await scenario.putRecord({ leaseSeconds: 0 });
    const { exitCode, tookMs } = await cancelAt('HeadObject', '/b.txt', 'SIGINT');
    expect(exitCode).toBe(1);
    expect(tookMs).toBeLessThan(1500);
    scenario.bucket.server.fault = undefined;
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0, writer: { runId: '1' } });
  });

  it('ends within seconds if the store no longer answers at all', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { exitCode, tookMs, lines } = await cancelAt('PutObject', '', 'SIGINT');
    expect(exitCode).toBe(1);
    expect(tookMs).toBeLessThan(5000);
    expect(lines.filter((line) => line.startsWith('::error'))).toHaveLength(1);
  });

  it('is continued by the next attempt of its run', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    await cancelAt('PutObject', '/b.txt', 'SIGTERM');
    scenario.bucket.server.fault = undefined;
    const next = await scenario.action('upload', {}, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect(next.exitCode).toBe(0);
    expect(next.outputs).toMatchObject({ found: 'true', reason: 'resumed', uploaded: 'true', 'file-count': '3' });
  });

  it('and killed is continued by the next attempt of its run', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    const killed = await cancelAt('PutObject', '/b.txt', 'SIGKILL');
    expect(killed.exitCode).toBeNull();
    scenario.bucket.server.fault = undefined;
    expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 120 });
    const check = await scenario.action('check', {}, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect(check.outputs).toMatchObject({ found: 'false', reason: 'incomplete' });
    const next = await scenario.action('upload', {}, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect(next.outputs).toMatchObject({ found: 'true', uploaded: 'true', 'file-count': '3' });
  });
});
