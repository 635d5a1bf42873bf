import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Content,
  type Fault,
  type FaultAction,
  type LoggedRequest,
  peakConcurrency,
  type Reply,
} from '../../dev/local-s3/local-s3.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import { OTHER_WRITER, Scenario, skippingClock } from '../support/scenario.ts';

// Restores from a store that lies, fails or changes meanwhile: none of them may yield wrong bytes.

const RANGE_BYTES = 1000;
/** Five different ranges, the last one short. */
const LARGE = Buffer.from(Array.from({ length: 4400 }, (_, index) => (index * 7 + Math.floor(index / 256)) % 256));

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.create();
});
afterAll(() => scenario.close());
beforeEach(async () => {
  scenario.bucket.server.fault = undefined;
  scenario.pretendCommit();
  scenario.log.length = 0;
  await scenario.freshPackages();
});

/** A store that fetches in small ranges. */
function rangingStore(maxAttempts = 1): ObjectStore {
  return s3ObjectStore(scenario.storeSettings({ partSizeBytes: RANGE_BYTES, maxAttempts }));
}

async function restoreRanging(): Promise<void> {
  await scenario.restore({ codeHash: undefined }, { store: rangingStore() });
}

/** Makes reads of assets fail in some way. */
function onAssets(decide: (request: LoggedRequest) => FaultAction | undefined): Fault {
  return (request) => (isAssetRead(request) ? decide(request) : undefined);
}

function isAssetRead({ operation, key = '' }: LoggedRequest): boolean {
  return operation === 'GetObject' && key.startsWith('artifacts/');
}

function assetReads(): LoggedRequest[] {
  return scenario.bucket.server.requests.filter(isAssetRead);
}

function rewriting(change: (reply: Reply, bytes: Buffer) => Partial<Reply> & { bytes?: Uint8Array }): FaultAction {
  return {
    kind: 'rewrite',
    rewrite: (reply) => {
      const { bytes, ...changes } = change(reply, reply.body.bytes());
      return { ...reply, ...changes, ...(bytes === undefined ? {} : { body: Content.from(bytes) }) };
    },
  };
}

/** The files left in the package directory, temporary ones included; folders may stay. */
async function filesLeft(): Promise<string[]> {
  const entries = await readdir(scenario.packages, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

function swap(path: string, body: string | Uint8Array): void {
  scenario.bucket.server.put(scenario.bucket.name, `artifacts/${scenario.head}/${path}`, body);
}

describe('wrong bytes', () => {
  const isSecondRange = ({ headers }: LoggedRequest) => headers.range === 'bytes=1000-1999';

  it.each<[string, RegExp, (request: LoggedRequest) => FaultAction | undefined]>([
    ['a flipped bit', /has different contents from its record \(SHA-256/, () => ({ kind: 'flip-bit', bit: 4003 })],
    [
      'a flipped bit in one range',
      /has different contents/,
      (request) => (isSecondRange(request) ? { kind: 'flip-bit', bit: 0 } : undefined),
    ],
    ['a reply cut short', /Could not read/, () => ({ kind: 'truncate', afterBytes: 500 })],
    ['a connection that breaks', /Could not read/, () => ({ kind: 'reset' })],
    [
      'a shorter reply',
      /it sent 999 bytes instead of 1000/,
      () => rewriting((_, bytes) => ({ bytes: bytes.subarray(0, -1) })),
    ],
    [
      'a longer reply',
      /it sent 2000 bytes instead of 1000/,
      () => rewriting((_, bytes) => ({ bytes: Buffer.concat([bytes, bytes]) })),
    ],
    ['no bytes', /it sent 0 bytes instead of 1000/, () => rewriting(() => ({ bytes: Buffer.alloc(0) }))],
    ['the whole object for a range', /it ignores Range/, () => ({ kind: 'ignore', headers: ['range'] })],
    [
      'a range presented as the whole object',
      /it ignores Range/,
      () => rewriting(({ headers }) => ({ status: 200, headers: { ...headers, 'content-range': '' } })),
    ],
    [
      'another range',
      /it ignores Range/,
      (request) =>
        isSecondRange(request)
          ? rewriting(({ headers }) => ({
              bytes: LARGE.subarray(0, RANGE_BYTES),
              headers: { ...headers, 'content-range': 'bytes 0-999/4400' },
            }))
          : undefined,
    ],
    [
      'ranges in the wrong order',
      /has different contents|has changed since/,
      ({ headers }) =>
        rewriting(() =>
          headers.range === 'bytes=0-999'
            ? { bytes: LARGE.subarray(1000, 2000) }
            : headers.range === 'bytes=1000-1999'
              ? { bytes: LARGE.subarray(0, 1000) }
              : {},
        ),
    ],
    ['no object any more', /has changed since/, () => ({ kind: 'error', status: 404, code: 'NoSuchKey' })],
    [
      'an ETag that differs',
      /has changed since/,
      () => rewriting(({ headers }) => ({ headers: { ...headers, etag: '"x"' } })),
    ],
    [
      'a web page',
      /Could not read .* without an ETag/,
      () => ({ kind: 'reply', status: 200, body: '<html>Log in</html>' }),
    ],
    ['access denied', /access denied/, () => ({ kind: 'error', status: 403, code: 'AccessDenied' })],
    ['a server error', /InternalError/, () => ({ kind: 'error', status: 500, code: 'InternalError' })],
  ])('are refused: %s', async (_, expected, fault) => {
    await scenario.storeSet({ 'sub/large.bin': LARGE });
    scenario.bucket.server.fault = onAssets(fault);
    const error = await restoreRanging().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringMatching(expected) });
    expect(String(error)).not.toMatch(/[\r\n]/);
    expect(await filesLeft()).toEqual([]);
  });

  it.each([
    ['of the same size', Buffer.from(LARGE).reverse()],
    ['of another size', 'small'],
    ['that is empty', ''],
  ])('are refused if they are from an object %s that has replaced the asset meanwhile', async (_, body) => {
    await scenario.storeSet({ 'large.bin': LARGE });
    scenario.bucket.server.fault = onAssets((request) => {
      if (isSecondRange(request)) swap('large.bin', body);
      return undefined;
    });
    await expect(restoreRanging()).rejects.toThrow("'large.bin' under");
    expect(await filesLeft()).toEqual([]);
  });

  it.each([
    ['its own ETag', (reply: Reply) => reply],
    ['the ETag that was asked for', (reply: Reply) => ({ ...reply, headers: { ...reply.headers, etag: '"asked"' } })],
  ])('are refused if the server ignores conditions and answers with %s', async (_, rewrite) => {
    const [file] = await scenario.storeSet({ 'app.zip': 'app' });
    scenario.bucket.server.fault = onAssets(({ headers }) =>
      rewriting((reply) => {
        const { headers: rewritten } = rewrite(reply);
        const etag = rewritten.etag === '"asked"' ? (headers['if-match'] ?? '') : `"${'0'.repeat(32)}"`;
        return { bytes: Buffer.from('ape'), headers: { ...rewritten, etag } };
      }),
    );
    await expect(scenario.restore()).rejects.toThrow(/has changed since|has different contents/);
    expect(file?.size).toBe(3);
    expect(await filesLeft()).toEqual([]);
  });

  it('leave the existing file as it was', async () => {
    await scenario.storeSet({ 'app.zip': 'app' });
    await scenario.build({ 'app.zip': 'before' });
    scenario.bucket.server.fault = onAssets(() => ({ kind: 'flip-bit' }));
    await expect(scenario.restore()).rejects.toThrow('has different contents');
    expect(await filesLeft()).toEqual(['app.zip']);
    expect(await scenario.marker('app.zip')).toBe('before');
  });

  it('fail with advice', async () => {
    await scenario.storeSet({ 'app.zip': 'app' });
    scenario.bucket.server.fault = onAssets(() => ({ kind: 'flip-bit' }));
    const [seen, recorded] = ['`pp', 'app'].map((text) => createHash('sha256').update(text).digest('base64'));
    await expect(scenario.restore()).rejects.toThrow(
      `'app.zip' under s3://${scenario.bucket.name}/artifacts/${scenario.head}/ has different contents from its record (SHA-256 ${seen}, recorded ${recorded}): re-run this step, and should it fail again, upload the assets anew with 'overwrite: true'`,
    );
  });
});

describe('a passing fault', () => {
  it.each<[string, FaultAction]>([
    ['a reply cut short', { kind: 'truncate', afterBytes: 500 }],
    ['a reset', { kind: 'reset' }],
    ['a server error', { kind: 'error', status: 503, code: 'SlowDown' }],
  ])('is overcome by a retry: %s', async (_, action) => {
    await scenario.storeSet({ 'large.bin': LARGE });
    let count = 0;
    scenario.bucket.server.fault = onAssets(() => {
      count += 1;
      return count === 2 ? action : undefined;
    });
    await scenario.restore({ codeHash: undefined }, { store: rangingStore(3) });
    expect(await readFile(join(scenario.packages, 'large.bin'))).toEqual(LARGE);
  });
});

describe('the requests of a restore', () => {
  it('read each range once, in parallel, and only with the ETag of the record', async () => {
    const files = await scenario.storeSet({ 'large.bin': LARGE, 'small.txt': 's', 'empty.txt': '' });
    const etags = new Map(files.map(({ path, etag }) => [`artifacts/${scenario.head}/${path}`, etag]));
    let arrived = 0;
    scenario.bucket.server.fault = async (request) => {
      if (!isAssetRead(request) || !request.key?.endsWith('large.bin')) return undefined;
      arrived += 1;
      while (arrived < 4) await setTimeout(5);
      return undefined;
    };
    scenario.forgetWire();
    await restoreRanging();
    const reads = assetReads();
    for (const { key = '', headers } of reads) expect(headers['if-match']).toBe(etags.get(key));
    const ranges = reads.map(({ key = '', headers }) => `${key.split('/').at(-1)} ${headers.range}`).toSorted();
    expect(ranges).toEqual([
      'empty.txt undefined',
      'large.bin bytes=0-999',
      'large.bin bytes=1000-1999',
      'large.bin bytes=2000-2999',
      'large.bin bytes=3000-3999',
      'large.bin bytes=4000-4399',
      'small.txt undefined',
    ]);
    expect(peakConcurrency(reads.filter(({ key = '' }) => key.endsWith('large.bin')))).toBe(4);
    expect(await readFile(join(scenario.packages, 'large.bin'))).toEqual(LARGE);
  });

  it('assemble ranges in order, whichever arrives first', async () => {
    await scenario.storeSet({ 'large.bin': LARGE });
    scenario.bucket.server.fault = onAssets(({ headers }) => ({
      kind: 'delay',
      ms: headers.range === 'bytes=0-999' ? 60 : headers.range === 'bytes=2000-2999' ? 30 : 0,
    }));
    await restoreRanging();
    expect(await readFile(join(scenario.packages, 'large.bin'))).toEqual(LARGE);
  });

  it('end as soon as one of them shows that the set has changed', async () => {
    await scenario.storeSet({ 'a.txt': 'a', 'large.bin': LARGE });
    scenario.bucket.server.fault = onAssets(({ key = '' }) =>
      key.endsWith('a.txt') ? { kind: 'error', status: 404, code: 'NoSuchKey' } : { kind: 'delay', ms: 10_000 },
    );
    const startedMs = performance.now();
    await expect(restoreRanging()).rejects.toThrow("'a.txt' under");
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(await filesLeft()).toEqual([]);
  });
});

describe('a set that changes while it is restored', () => {
  /** Runs something as soon as the first asset is requested. */
  function onFirstRead(happen: () => Promise<unknown>): void {
    let isFirst = true;
    scenario.bucket.server.fault = async (request) => {
      if (!isFirst || !isAssetRead(request)) return undefined;
      isFirst = false;
      await happen();
      return undefined;
    };
  }

  it('is restored in its repaired state', async () => {
    await scenario.storeSet({ 'a.txt': 'old a', 'b.txt': 'b' });
    onFirstRead(() =>
      scenario.storeSet({ 'a.txt': 'new a', 'b.txt': 'b' }, { writer: { ...OTHER_WRITER, sequence: 4 } }),
    );
    const outcome = await scenario.restore({ concurrency: 1 });
    expect(outcome.files).toMatchObject([{ path: 'a.txt', size: 5 }, { path: 'b.txt' }]);
    expect(await scenario.marker('a.txt')).toBe('new a');
    expect(await scenario.marker('.record.json')).toContain('"sequence":4');
    expect(scenario.log.join('\n')).toContain('it was repaired meanwhile, so restoring starts over');
  });

  it('is waited for while it is being repaired', async () => {
    await scenario.storeSet({ 'a.txt': 'old' });
    onFirstRead(async () => {
      await scenario.putRecord();
      swap('a.txt', 'new');
    });
    const clock = skippingClock(() =>
      scenario.storeSet({ 'a.txt': 'new' }, { writer: { ...OTHER_WRITER, sequence: 4 } }),
    );
    await scenario.restore({ waitMs: 5000 }, { clock });
    expect(await scenario.marker('a.txt')).toBe('new');
  });

  it('fails the step if its repair takes too long, with the name of the run', async () => {
    await scenario.storeSet({ 'a.txt': 'old' });
    onFirstRead(async () => {
      await scenario.putRecord();
      swap('a.txt', 'new');
    });
    const restoring = scenario.restore({ waitMs: 5000 }, { clock: skippingClock() });
    await expect(restoring).rejects.toThrow(
      'run 77 (attempt 1) of owner/repository, workflow nightly is still writing',
    );
    expect(await filesLeft()).toEqual([]);
  });

  it('fails the step if its record is unchanged when it is read once more', async () => {
    await scenario.storeSet({ 'a.txt': 'old' });
    onFirstRead(async () => swap('a.txt', 'new'));
    scenario.forgetWire();
    await expect(scenario.restore()).rejects.toThrow("'a.txt' under");
    expect(assetReads()).toHaveLength(1);
    expect(scenario.wire().filter((line) => line === 'GetObject records/artifacts/<commit>.json')).toHaveLength(2);
    expect(await filesLeft()).toEqual([]);
  });

  it('fails the step if it is replaced by one without a file that is already restored', async () => {
    await scenario.storeSet({ 'a.txt': 'a', 'b.txt': 'old' });
    onFirstRead(() => scenario.storeSet({ 'b.txt': 'new' }, { writer: { ...OTHER_WRITER, sequence: 4 } }));
    await expect(scenario.restore({ concurrency: 1 })).rejects.toThrow("'b.txt' under");
    expect(await filesLeft()).toEqual(['a.txt']);
  });

  it('fails the step if it changes again', async () => {
    await scenario.storeSet({ 'a.txt': '0' });
    let sequence = 3;
    scenario.bucket.server.fault = async (request) => {
      if (!isAssetRead(request) || sequence > 9) return undefined;
      sequence += 1;
      await scenario.storeSet({ 'a.txt': `${sequence}` }, { writer: { ...OTHER_WRITER, sequence } });
      return undefined;
    };
    scenario.forgetWire();
    await expect(scenario.restore()).rejects.toThrow("'a.txt' under");
    expect(await filesLeft()).toEqual([]);
  });

  it('fails the step if a restored file is no longer part of it', async () => {
    await scenario.storeSet({ 'a.txt': 'old', 'b.txt': 'b' });
    onFirstRead(async () => {
      await scenario.storeSet({ 'a.txt': 'new' }, { writer: { ...OTHER_WRITER, sequence: 4 } });
    });
    await expect(scenario.restore({ concurrency: 1 })).rejects.toThrow("'a.txt' under");
    expect(await scenario.marker('a.txt')).toBeUndefined();
  });

  it('fails the step without a second attempt if this step has promoted it', async () => {
    const value = createHash('sha256').update(scenario.head).digest('hex');
    await scenario.storeSet(
      { 'a.txt': 'old' },
      { prefix: `cache/${value}/`, recordKey: `records/cache/${value}.json` },
    );
    onFirstRead(async () => swap('a.txt', 'new'));
    scenario.forgetWire();
    await expect(scenario.restore({ codeHash: { kind: 'given', value } })).rejects.toThrow("'a.txt' under");
    expect(assetReads()).toHaveLength(1);
  });
});

describe('a set without a record that changes', () => {
  const key = (path: string) => `artifacts/${scenario.head}/${path}`;

  it.each(['HeadObject', 'GetObject'])(
    'fails the step if the change comes before the %s of an asset',
    async (operation) => {
      swap('app.zip', 'app');
      swap('first.zip', 'first');
      scenario.bucket.server.fault = (request) => {
        if (request.operation === operation && request.key === key('first.zip')) swap('first.zip', 'other');
        return undefined;
      };
      await expect(scenario.restore()).rejects.toThrow("'first.zip' under");
      expect(await filesLeft()).not.toContain('first.zip');
    },
  );

  it('fails the step if a writer begins a record, unless that writer completes the set', async () => {
    swap('app.zip', 'app');
    let isFirst = true;
    scenario.bucket.server.fault = async (request) => {
      if (!isFirst || !isAssetRead(request)) return undefined;
      isFirst = false;
      await scenario.storeSet({ 'app.zip': 'new' });
      return undefined;
    };
    expect(await scenario.restore()).toMatchObject({ restored: true });
    expect(await scenario.marker('app.zip')).toBe('new');
  });

  it('is read only with the ETags listed', async () => {
    swap('app.zip', 'app');
    scenario.forgetWire();
    await scenario.restore();
    expect(assetReads().map(({ headers }) => headers['if-match'])).toEqual(['"d2a57dc1d883fd21fb9951699df71cc7"']);
  });
});
