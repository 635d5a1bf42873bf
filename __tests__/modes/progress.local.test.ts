import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ObjectStore, OnBytes } from '../../src/ports.ts';
import { Progress } from '../../src/progress.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import { LIMITS } from '../../src/s3/transport.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { Scenario } from '../support/scenario.ts';

const MB = 1e6;

let scenario: Scenario;
let clock: ManualClock;
let lines: string[];
let progress: Progress;
let movedBytes: number;
let finishedCount: number;
beforeEach(async () => {
  scenario = await Scenario.create();
  clock = new ManualClock();
  lines = [];
  [movedBytes, finishedCount] = [0, 0];
  const write = (line: string) => void lines.push(line);
  progress = new Progress({ clock, log: { info: write, warning: write, debug: () => {} } });
});
afterEach(() => scenario.close());

/** The real store, with a count of the bytes moved: bytes that a test has waited for are in the progress too. */
function store(limits = LIMITS): ObjectStore {
  const real = s3ObjectStore(scenario.storeSettings(), { limits, onRetry: progress.retried });
  const counting = <Request extends { readonly onBytes?: OnBytes }>(request: Request): Request => ({
    ...request,
    onBytes: (bytes) => {
      movedBytes += bytes;
      request.onBytes?.(bytes);
    },
  });
  const finished = <Result>(result: Result): Result => {
    finishedCount += 1;
    return result;
  };
  return {
    ...real,
    putAsset: async (put) => finished(await real.putAsset(counting(put))),
    putAssetInParts: async (put) => finished(await real.putAssetInParts(counting(put))),
    copyAsset: async (copy) => finished(await real.copyAsset(counting(copy))),
    readAsset: async (read) => finished(await real.readAsset(counting(read))),
  };
}

/** Holds up the chosen requests of one operation. @returns a function that releases them */
function holdUp(operation: string, isChosen: (key: string) => boolean = () => true): () => void {
  const held = Promise.withResolvers<undefined>();
  scenario.bucket.server.fault = (request) =>
    request.operation === operation && isChosen(request.key ?? '') ? held.promise : undefined;
  return () => held.resolve(undefined);
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(5);
}

function requestsOf(operation: string): number {
  return scenario.bucket.server.requests.filter((request) => request.operation === operation).length;
}

describe('an upload', () => {
  it('reports a server that does not answer', async () => {
    await scenario.build({ 'a.bin': Buffer.alloc(2 * MB), 'b.bin': Buffer.alloc(4 * MB) });
    const release = holdUp('PutObject', (key) => key.endsWith('b.bin'));
    const uploading = scenario.upload({ codeHash: undefined, progress }, { store: store() });
    await until(() => movedBytes === 6 * MB && finishedCount === 1);
    for (const _ of [1, 2]) clock.pass(10_000);
    release();
    await uploading;
    expect(lines).toEqual([
      'Uploading 2 files, 6.0 MB …',
      'Uploading: 1 of 2 files, 6.0 MB of 6.0 MB, 600.0 KB/s; the server has not answered for 10 s',
      'Uploading: 1 of 2 files, 6.0 MB of 6.0 MB; the server has not answered for 20 s',
    ]);
    expect(clock.timerCount).toBe(0);
  });

  it('counts the parts of a large file, and reports that it is hashed first', async () => {
    const sizeBytes = 40 * 1024 ** 2;
    await scenario.build({ 'large.bin': Buffer.alloc(sizeBytes) });
    let partCount = 0;
    const release = Promise.withResolvers<undefined>();
    scenario.bucket.server.fault = ({ operation }) => {
      if (operation === 'CreateMultipartUpload') return release.promise;
      partCount += operation === 'UploadPart' ? 1 : 0;
      return operation === 'UploadPart' && partCount > 4 ? new Promise(() => {}) : undefined;
    };
    const cancellation = new AbortController();
    const uploading = scenario.upload(
      { codeHash: undefined, progress },
      { store: store(), signal: cancellation.signal },
    );
    await until(() => requestsOf('CreateMultipartUpload') > 0);
    clock.pass(10_000);
    release.resolve(undefined);
    await until(() => movedBytes === sizeBytes);
    clock.pass(10_000);
    cancellation.abort(new Error('cancelled'));
    await expect(uploading).rejects.toThrow('cancelled');
    clock.pass(60_000);
    expect(lines).toEqual([
      'Uploading 1 file, 41.9 MB …',
      'Uploading: 0 of 1 file, 0 B of 41.9 MB; hashed 33.6 MB; the server has not answered for 10 s',
      'Uploading: 0 of 1 file, 41.9 MB of 41.9 MB, 4.2 MB/s; the server has not answered for 10 s',
    ]);
  });

  it('reports its copy for the cache', async () => {
    await scenario.build({ 'a.bin': 'a', 'b.bin': 'b' });
    const release = holdUp('CopyObject', (key) => key.endsWith('b.bin'));
    const uploading = scenario.upload({ progress }, { store: store() });
    await until(() => requestsOf('CopyObject') === 2 && finishedCount === 3);
    clock.pass(20_000);
    release();
    await uploading;
    expect(lines).toEqual([
      'Uploading 2 files, 2 B …',
      'Copying 2 files, 2 B …',
      'Copying: 1 of 2 files, 1 B of 2 B, 1 B/s, 10 s left; the server has not answered for 10 s',
      'Copying: 1 of 2 files, 1 B of 2 B; the server has not answered for 20 s',
    ]);
  });

  it('reports how far it has compared the build with an existing set', async () => {
    await scenario.build({ 'a.bin': 'a' });
    await scenario.upload({ codeHash: undefined });
    await scenario.upload({ codeHash: undefined, progress });
    expect(lines).toEqual(['Comparing 1 file, 1 B …']);
  });
});

describe('a restore', () => {
  it('reports a server that stalls, and requests that are retried', async () => {
    await scenario.storeSet({ 'a.bin': Buffer.alloc(3 * MB), 'b.bin': Buffer.alloc(2 * MB, 'b') });
    let attempts = 0;
    const release = Promise.withResolvers<undefined>();
    scenario.bucket.server.fault = ({ operation, key }) => {
      if (operation !== 'GetObject' || !key?.endsWith('b.bin')) return undefined;
      attempts += 1;
      if (attempts === 1) return { kind: 'stall', afterBytes: MB };
      return attempts === 2 ? { kind: 'error', status: 503, code: 'SlowDown' } : release.promise;
    };
    const impatient = store({ ...LIMITS, silenceTimeoutMs: 2000 });
    const restoring = scenario.restore({ progress, codeHash: undefined }, { store: impatient });
    await until(() => existsSync(join(scenario.packages, 'a.bin')) && movedBytes === 4 * MB);
    clock.pass(10_000);
    await until(() => attempts === 3);
    clock.pass(10_000);
    release.resolve(undefined);
    expect(await restoring).toMatchObject({ restored: true });
    expect(lines).toEqual([
      'Restoring 2 files, 5.0 MB …',
      'Restoring: 1 of 2 files, 4.0 MB of 5.0 MB, 400.0 KB/s, 3 s left; the server has not answered for 10 s',
      'Restoring: 1 of 2 files, 3.0 MB of 5.0 MB; 2 requests tried again; the server has not answered for 10 s',
    ]);
  });

  it('counts the ranges of a large file, and files that already exist', async () => {
    const large = Buffer.alloc(24 * 1024 ** 2, 'l');
    await scenario.storeSet({ 'large.bin': large, 'there.bin': Buffer.alloc(MB) });
    await scenario.build({ 'there.bin': Buffer.alloc(MB) });
    let rangeCount = 0;
    const release = Promise.withResolvers<undefined>();
    scenario.bucket.server.fault = ({ operation, key }) => {
      if (operation !== 'GetObject' || !key?.endsWith('large.bin')) return undefined;
      rangeCount += 1;
      return rangeCount > 3 ? release.promise : undefined;
    };
    const restoring = scenario.restore({ progress, codeHash: undefined }, { store: store() });
    await until(() => rangeCount >= 6 && movedBytes === 12 * 1024 ** 2);
    clock.pass(10_000);
    release.resolve(undefined);
    await restoring;
    expect(lines.slice(1)).toEqual([
      'Restoring: 1 of 2 files, 13.6 MB of 26.2 MB, 1.4 MB/s, 10 s left; hashed 1.0 MB; the server has not answered for 10 s',
    ]);
  });
});

it('a check that copies a set of the same code reports its progress', async () => {
  await scenario.build({ 'a.bin': 'a' });
  await scenario.upload();
  await scenario.commit();
  await scenario.freshPackages();
  await scenario.check({ progress });
  expect(lines).toEqual(['Copying 1 file, 1 B …']);
});
