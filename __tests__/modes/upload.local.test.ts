import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Fault, type FaultAction, type LoggedRequest, peakConcurrency } from '../../dev/local-s3/local-s3.ts';
import { OTHER_WRITER, Scenario, skippingClock } from '../support/scenario.ts';

let scenario: Scenario;
/** The server's clock, which only moves when a test moves it. */
let serverMs: number;
beforeEach(async () => {
  serverMs = Date.now();
  scenario = await Scenario.create({ now: () => serverMs });
});
afterEach(() => scenario.close());

const RERUN = { repository: 'owner/repository', runId: '1', runAttempt: '2' } as const;

const NO_ETAG = `"${'0'.repeat(32)}"`;

/** The name of every request, with its condition and the state of a record that it writes. */
class Tap {
  readonly #lines: string[] = [];

  /** @param fault a fault to inject besides */
  constructor(fault: Fault = () => undefined) {
    scenario.forgetWire();
    scenario.bucket.server.fault = (request, body) => {
      const isRecord = request.operation === 'PutObject' && request.key?.startsWith('records/');
      // This test of the server runs in parallel with everything else.
      if (request.headers['if-match'] === NO_ETAG) return fault(request, body);
      this.#lines.push(describeRequest(request, isRecord ? body.text() : undefined));
      return fault(request, body);
    };
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get writes(): readonly string[] {
    return this.#lines.filter((line) => /^(Put|Copy|Create|Complete|Upload|Abort)/.test(line));
  }
}

function describeRequest({ operation, key, query, headers }: LoggedRequest, record: string | undefined): string {
  const name = `${operation} ${key ?? query.prefix ?? ''}`
    .replace(/[0-9a-f]{64}/, '<code>')
    .replace(/[0-9a-f]{40}/, '<commit>');
  const condition = ['if-match', 'if-none-match'].filter((header) => header in headers);
  const state: string[] = record === undefined ? [] : [JSON.parse(record).state];
  return [name, ...condition, ...state].join(' ');
}

/** Makes the first `times` requests of a kind fail in some way. */
function faultOn(wanted: string, action: FaultAction, times = 1): Fault {
  let left = times;
  return (request, body) => {
    const line = describeRequest(request, request.key?.startsWith('records/') ? body.text() || undefined : undefined);
    if (!line.startsWith(wanted) || left === 0) return undefined;
    left -= 1;
    return action;
  };
}

const RECORD = 'PutObject records/artifacts/<commit>.json';
const ASSETS = 'artifacts/<commit>';

describe('the requests of an upload', () => {
  it('begin the record before the first asset, and seal it after the last', async () => {
    await scenario.build({ 'a.txt': 'a', 'b/b.txt': 'b' });
    const tap = new Tap();
    await scenario.upload({ codeHash: undefined, concurrency: 1 });
    expect(tap.lines.slice(0, 2).toSorted()).toEqual([
      'GetObject records/artifacts/<commit>.json',
      `ListObjectsV2 ${ASSETS}/`,
    ]);
    expect(tap.lines.slice(2)).toEqual([
      `${RECORD} if-none-match uploading`,
      `${RECORD} if-none-match uploading`, // must be refused, or the server ignores conditions
      `PutObject ${ASSETS}/a.txt if-none-match`,
      `PutObject ${ASSETS}/b/b.txt if-none-match`,
      `${RECORD} if-match complete`,
      `ListObjectsV2 ${ASSETS}/`,
    ]);
  });

  it('keep that order, however many run at once and however long each takes', async () => {
    const paths = Array.from({ length: 30 }, (_, index) => `${index}.txt`);
    await scenario.build(Object.fromEntries(paths.map((path) => [path, path])));
    const states = new Map<number, string>();
    scenario.forgetWire();
    scenario.bucket.server.fault = ({ key, operation, sequence }, body) => {
      if (operation === 'PutObject' && key?.startsWith('records/')) states.set(sequence, JSON.parse(body.text()).state);
      return { kind: 'delay', ms: 100 + ((sequence * 7) % 30), when: sequence % 2 === 0 ? 'before' : 'after' };
    };
    await scenario.upload({ codeHash: undefined, concurrency: 16 });
    const { requests } = scenario.bucket.server;
    const begun = requests.find(({ sequence }) => states.get(sequence) === 'uploading');
    const sealed = requests.find(({ sequence }) => states.get(sequence) === 'complete');
    const assets = requests.filter(({ operation, key }) => operation === 'PutObject' && key?.startsWith('artifacts/'));
    const checked = requests.at(-1);
    expect(assets).toHaveLength(30);
    expect(peakConcurrency(assets)).toBeGreaterThan(4);
    expect(Math.min(...assets.map(({ startedAt }) => startedAt))).toBeGreaterThan(begun?.endedAt ?? Number.NaN);
    expect(sealed?.startedAt).toBeGreaterThan(Math.max(...assets.map(({ endedAt }) => endedAt ?? Number.NaN)));
    expect(checked?.operation).toBe('ListObjectsV2');
    expect(checked?.startedAt).toBeGreaterThan(sealed?.endedAt ?? Number.NaN);
  });

  it('are those of a lookup if an earlier step found the set', async () => {
    await scenario.build({ 'a.txt': 'a' });
    await scenario.upload();
    await scenario.build({ '.found': '', '.commit-hash': scenario.head });
    serverMs += 60_000;
    scenario.forgetWire();
    expect(await scenario.upload()).toMatchObject({ reason: 'marker' });
    expect(scenario.wire().toSorted()).toEqual([
      'GetObject records/artifacts/<commit>.json',
      'ListObjectsV2 artifacts/<commit>/',
    ]);
  });

  it('copy the set into the cache in the same order', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    const tap = new Tap();
    await scenario.upload({ concurrency: 1 });
    expect(tap.lines.slice(8, 10).toSorted()).toEqual([
      'GetObject records/cache/<code>.json',
      'ListObjectsV2 cache/<code>/',
    ]);
    expect(tap.lines.slice(10)).toEqual([
      'PutObject records/cache/<code>.json if-none-match uploading',
      'CopyObject cache/<code>/a.txt if-none-match',
      'CopyObject cache/<code>/b.txt if-none-match',
      'PutObject records/cache/<code>.json if-match complete',
      'ListObjectsV2 cache/<code>/',
    ]);
    const copies = scenario.bucket.server.requests.filter(({ operation }) => operation === 'CopyObject');
    expect(copies.every(({ headers }) => 'x-amz-copy-source-if-match' in headers)).toBe(true);
  });

  it('carry the SHA-256 of each asset', async () => {
    await scenario.build({ 'a.txt': 'a' });
    await scenario.upload();
    const put = scenario.bucket.server.requests.find(({ key }) => key?.endsWith('/a.txt'));
    expect(put?.headers['x-amz-checksum-sha256']).toBe(createHash('sha256').update('a').digest('base64'));
  });

  it('are those of a lookup if the set is complete and cached', async () => {
    await scenario.build({ 'a.txt': 'a' });
    await scenario.upload();
    serverMs += 60_000;
    const tap = new Tap();
    await scenario.upload();
    expect(tap.writes).toEqual([]);
    expect(tap.lines).toHaveLength(4);
  });

  it('send a large file in parts, and renew the record before they become an object', async () => {
    await scenario.build({ 'large.bin': Buffer.alloc(11 * 1024 ** 2) });
    const tap = new Tap();
    await scenario.upload({ codeHash: undefined });
    const sent = tap.writes.filter((line) => !line.startsWith('UploadPart'));
    expect(sent).toEqual([
      `${RECORD} if-none-match uploading`,
      `${RECORD} if-none-match uploading`,
      `CreateMultipartUpload ${ASSETS}/large.bin`,
      `${RECORD} if-match uploading`,
      `CompleteMultipartUpload ${ASSETS}/large.bin if-none-match`,
      `${RECORD} if-match complete`,
    ]);
    expect(tap.writes).toHaveLength(sent.length + 3);
  });

  it('replace assets that an earlier attempt stored from another build, without another renewal', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    scenario.bucket.server.fault = ({ key }) => (key?.endsWith('/b.txt') ? { kind: 'reset' } : undefined);
    await expect(scenario.upload({}, { store: scenario.impatientStore() })).rejects.toThrow();
    await scenario.build({ 'a.txt': 'A', 'b.txt': 'B' });
    const tap = new Tap();
    await scenario.upload({ writer: RERUN, codeHash: undefined, concurrency: 1 });
    expect(tap.writes).toEqual([
      `${RECORD} if-match uploading`,
      `PutObject ${ASSETS}/a.txt if-match`,
      `PutObject ${ASSETS}/b.txt if-none-match`,
      `${RECORD} if-match complete`,
    ]);
  });

  it('replace only objects that were read before, on the condition that they are unchanged', async () => {
    await scenario.build({ 'a.txt': 'a' });
    await scenario.upload({ codeHash: undefined });
    await scenario.build({ 'a.txt': 'A' });
    const tap = new Tap();
    await scenario.upload({ codeHash: undefined, overwrite: true });
    expect(tap.writes).toEqual([
      `${RECORD} if-match uploading`,
      `PutObject ${ASSETS}/a.txt if-match`,
      `${RECORD} if-match complete`,
    ]);
  });

  it('send every byte again to overwrite, even of large files', async () => {
    await scenario.build({ 'a.txt': 'a', 'large.bin': Buffer.alloc(6 * 1024 ** 2) });
    await scenario.upload({ codeHash: undefined });
    const tap = new Tap();
    expect(await scenario.upload({ codeHash: undefined, overwrite: true })).toMatchObject({ reason: 'uploaded' });
    expect(tap.writes.filter((line) => /^(PutObject art|Complete)/.test(line)).toSorted()).toEqual([
      `CompleteMultipartUpload ${ASSETS}/large.bin if-match`,
      `PutObject ${ASSETS}/a.txt if-match`,
    ]);
  });

  it.each([
    ['is overwritten', true],
    ['was complete', false],
  ])('do not mistake a large file of a set that %s for their own because of its metadata', async (_, overwrite) => {
    const [good, forged] = [Buffer.alloc(6 * 1024 ** 2), Buffer.alloc(6 * 1024 ** 2, 1)];
    const key = `artifacts/${scenario.head}/large.bin`;
    await scenario.build({ 'large.bin': good });
    await scenario.upload({ codeHash: undefined });
    const { metadata = {}, contentType } = (await scenario.bucket.get(key)) ?? {};
    await scenario.bucket.put(key, forged, { metadata, contentType });
    if (overwrite) await scenario.putRecord({ leaseSeconds: 0 });
    scenario.bucket.server.fault = faultOn('CompleteMultipartUpload', {
      kind: 'error',
      status: 404,
      code: 'NoSuchUpload',
    });
    await scenario.upload({ codeHash: undefined, overwrite });
    const record = await scenario.record();
    const digest = createHash('sha256').update(good).digest('base64');
    expect(record).toMatchObject({ files: [{ sha256: digest, etag: (await scenario.bucket.get(key))?.etag }] });
    expect((await scenario.bucket.get(key))?.body?.startsWith('\0')).toBe(true);
  });

  it('renew the record before they replace an object that appeared after it was begun', async () => {
    await scenario.build({ 'a.txt': 'a' });
    let isFirst = true;
    const tap = new Tap((request) => {
      if (isFirst && request.operation === 'PutObject' && request.key?.endsWith('/a.txt')) {
        isFirst = false;
        scenario.bucket.server.put(scenario.bucket.name, request.key, 'of a writer that was late');
      }
      return undefined;
    });
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, reason: 'uploaded' });
    expect(tap.writes.slice(2)).toEqual([
      `PutObject ${ASSETS}/a.txt if-none-match`,
      `${RECORD} if-match uploading`,
      `PutObject ${ASSETS}/a.txt if-match`,
      `${RECORD} if-match complete`,
    ]);
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/a.txt`))?.body).toBe('a');
  });

  it('send only missing assets after an interrupted upload', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', 'd.txt': 'd' });
    scenario.bucket.server.fault = (request) =>
      request.operation === 'PutObject' && /\/[cd]\.txt$/.test(request.key ?? '') ? { kind: 'reset' } : undefined;
    await expect(scenario.upload({}, { store: scenario.impatientStore() })).rejects.toThrow();
    const tap = new Tap();
    expect(await scenario.upload({ writer: RERUN, codeHash: undefined })).toMatchObject({ reason: 'resumed' });
    expect(tap.writes.toSorted()).toEqual([
      `PutObject ${ASSETS}/c.txt if-none-match`,
      `PutObject ${ASSETS}/d.txt if-none-match`,
      `${RECORD} if-match complete`,
      `${RECORD} if-match uploading`,
    ]);
  });

  it('send only the seal if nothing else is missing', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    scenario.bucket.server.fault = (request, body) =>
      request.key?.startsWith('records/') && body.text().includes('"complete"') ? { kind: 'reset' } : undefined;
    await expect(scenario.upload({}, { store: scenario.impatientStore() })).rejects.toThrow();
    const tap = new Tap();
    expect(await scenario.upload({ writer: RERUN, codeHash: undefined })).toMatchObject({ reason: 'resumed' });
    expect(tap.writes).toEqual([`${RECORD} if-match uploading`, `${RECORD} if-match complete`]);
  });

  it('abort multipart uploads that an earlier run left open, but only of this set', async () => {
    const leave = async (key: string) => {
      const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const { client, name: Bucket } = scenario.bucket;
      await client.send(new CreateMultipartUploadCommand({ Bucket, Key: key }));
    };
    await leave(`artifacts/${scenario.head}/large.bin`);
    await leave(`artifacts/${scenario.head}0/large.bin`);
    await leave('elsewhere/large.bin');
    await scenario.putRecord();
    serverMs += 126_000;
    await scenario.build({ 'a.txt': 'a' });
    await scenario.upload({ codeHash: undefined });
    expect(await scenario.bucket.openUploads()).toEqual([
      `artifacts/${scenario.head}0/large.bin`,
      'elsewhere/large.bin',
    ]);
  });

  it('abort multipart uploads that an earlier run left open even if the server finds them only by their whole key', async () => {
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const { client, name: Bucket, server } = scenario.bucket;
    const large = `artifacts/${scenario.head}/deep/large.bin`;
    const small = `artifacts/${scenario.head}/small.bin`;
    for (const Key of [large, large, small]) await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const asked: string[] = [];
    server.fault = ({ operation, query }) => {
      if (operation !== 'ListMultipartUploads') return undefined;
      asked.push(query.prefix ?? '');
      const isKey = server.uploads(Bucket).some(({ key }) => key === query.prefix);
      const none = '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>';
      return isKey ? undefined : { kind: 'reply', status: 200, body: none };
    };
    await scenario.putRecord();
    serverMs += 126_000;
    await scenario.build({ 'deep/large.bin': Buffer.alloc(5 * 1024 ** 2 + 1), 'small.bin': 'small' });
    await scenario.upload({ codeHash: undefined });
    server.fault = undefined;
    expect(asked).toEqual([`artifacts/${scenario.head}/`, large]);
    expect(await scenario.bucket.openUploads()).toEqual([small]);
    expect(scenario.log).toContain('Aborted 2 unfinished multipart uploads of an earlier run.');
  });

  it('leave multipart uploads alone if there was no record', async () => {
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const Key = `artifacts/${scenario.head}/large.bin`;
    await scenario.bucket.client.send(new CreateMultipartUploadCommand({ Bucket: scenario.bucket.name, Key }));
    await scenario.bucket.put(`artifacts/${scenario.head}/a.txt`, 'of another tool');
    await scenario.build({ 'a.txt': 'a' });
    await scenario.upload({ codeHash: undefined, legacy: 'ignore' });
    expect(await scenario.bucket.openUploads()).toEqual([Key]);
  });

  it('leave alone multipart uploads that a new owner of the record has begun', async () => {
    await scenario.putRecord();
    serverMs += 126_000;
    await scenario.build({ 'a.txt': 'a' });
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const Key = `artifacts/${scenario.head}/large.bin`;
    const clock = skippingClock();
    const store = scenario.hookedStore((real) => ({
      abortUploads: async (prefix, beforeEach) => {
        await clock.sleep(126_000);
        await scenario.putRecord();
        await scenario.bucket.client.send(new CreateMultipartUploadCommand({ Bucket: scenario.bucket.name, Key }));
        return real.abortUploads(prefix, beforeEach);
      },
    }));
    const lost = scenario.upload({ codeHash: undefined, waitMs: 0 }, { clock, store });
    await expect(lost).rejects.toThrow('is still writing');
    expect(await scenario.bucket.openUploads()).toEqual([Key]);
  });

  it('take over the set even without the permission to list multipart uploads', async () => {
    await scenario.putRecord();
    serverMs += 126_000;
    await scenario.build({ 'a.txt': 'a' });
    scenario.bucket.server.deny = ({ action }) => action === 's3:ListBucketMultipartUploads';
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, reason: 'uploaded' });
    expect(scenario.warnings()).toEqual([expect.stringContaining('s3:ListBucketMultipartUploads')]);
  });
});

describe('a lost race', () => {
  it('fails if the faster run was interrupted, although all assets exist', async () => {
    await scenario.build({ 'a.txt': 'a' });
    let isFirst = true;
    const store = scenario.hookedStore((real) => ({
      writeDocument: async (...write) => {
        if (isFirst) {
          isFirst = false;
          await scenario.bucket.put(`artifacts/${scenario.head}/a.txt`, 'a');
          await scenario.putRecord({ leaseSeconds: 0 });
          serverMs += 10_000;
        }
        return real.writeDocument(...write);
      },
    }));
    await expect(scenario.upload({ codeHash: undefined }, { store })).rejects.toThrow('run 77 (attempt 1)');
    expect(await scenario.record()).toMatchObject({ state: 'uploading', writer: OTHER_WRITER });
  });
});

describe('a lost reply', () => {
  const LOST: FaultAction = { kind: 'reset', when: 'after' };

  it.each([
    ['to the first write of the record', `${RECORD} if-none-match uploading`],
    ['to an asset', `PutObject ${ASSETS}/a.txt`],
    ['to the seal', `${RECORD} if-match complete`],
    ['to the first write of the record in the cache', 'PutObject records/cache/<code>.json if-none-match uploading'],
    ['to a copy', 'CopyObject cache/<code>/a.txt'],
    ['to the seal in the cache', 'PutObject records/cache/<code>.json if-match complete'],
    ['to the last listing', 'ListObjectsV2 cache/<code>/'],
  ])('%s does not fail the upload', async (_, wanted) => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    scenario.bucket.server.fault = faultOn(wanted, LOST);
    expect(await scenario.upload()).toMatchObject({ found: true, uploaded: true, cached: true });
    expect(scenario.warnings()).toEqual([]);
    scenario.bucket.server.fault = undefined;
    serverMs += 60_000;
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
    expect(scenario.bucket.server.requests.some(({ status }) => status === undefined)).toBe(true);
  });

  it.each(['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'])(
    'to a %s does not fail the upload',
    async (operation) => {
      await scenario.build({ 'large.bin': Buffer.alloc(11 * 1024 ** 2, 'x') });
      scenario.bucket.server.fault = faultOn(operation, LOST);
      expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, uploaded: true });
      scenario.bucket.server.fault = undefined;
      serverMs += 60_000;
      expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
    },
  );

  it('to the seal and to everything after it leaves a set that the next run finds', async () => {
    await scenario.build({ 'a.txt': 'a' });
    let isCut = false;
    scenario.bucket.server.fault = (request, body) => {
      if (isCut) return { kind: 'reset' };
      isCut = request.operation === 'PutObject' && body.text().includes('"complete"');
      return isCut ? { kind: 'reset', when: 'after' } : undefined;
    };
    await expect(scenario.upload({}, { store: scenario.impatientStore() })).rejects.toThrow('Could not');
    scenario.bucket.server.fault = undefined;
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });
});

describe('an asset that cannot be stored', () => {
  it.each([
    ['denied', { kind: 'error', status: 403, code: 'AccessDenied' }, 'allow s3:PutObject'],
    ['broken on the way', { kind: 'error', status: 400, code: 'BadDigest' }, 'BadDigest'],
    ['refused for good', { kind: 'error', status: 500, code: 'InternalError' }, 'InternalError'],
    ['answered by a web page', { kind: 'reply', status: 200, body: '<html>' }, 'without an ETag'],
  ] satisfies [string, FaultAction, string][])(
    'because it is %s fails the upload, and releases the record',
    async (_, action, expected) => {
      await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
      scenario.bucket.server.fault = faultOn(`PutObject ${ASSETS}/b.txt`, action, Number.POSITIVE_INFINITY);
      await expect(scenario.upload({}, { store: scenario.impatientStore() })).rejects.toThrow(expected);
      expect(await scenario.record()).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
      expect(await scenario.marker('.record.json')).toBeUndefined();
      scenario.bucket.server.fault = undefined;
      serverMs += 6000;
      expect(await scenario.check()).toMatchObject({ found: false, reason: 'incomplete' });
      expect(await scenario.upload()).toMatchObject({ found: true, uploaded: true });
    },
  );

  it('is retried if the fault may pass', async () => {
    await scenario.build(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}.txt`, `${index}`])));
    const fault: FaultAction = { kind: 'error', status: 500, code: 'InternalError' };
    scenario.bucket.server.fault = faultOn(`PutObject ${ASSETS}/`, fault, 7);
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, uploaded: true });
  });

  it('leaves no part of a large file behind', async () => {
    await scenario.build({ 'large.bin': Buffer.alloc(11 * 1024 ** 2) });
    scenario.bucket.server.fault = faultOn('UploadPart', { kind: 'error', status: 403, code: 'AccessDenied' });
    await expect(scenario.upload()).rejects.toThrow('access denied');
    expect(scenario.bucket.server.uploads(scenario.bucket.name)).toEqual([]);
  });
});

describe('a server that does not support conditions', () => {
  const ignoring: Fault = () => ({ kind: 'ignore', headers: ['if-none-match', 'if-match'] });

  it('causes one warning, and the upload succeeds', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    scenario.bucket.server.fault = ignoring;
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, reason: 'uploaded' });
    expect(scenario.warnings()).toEqual([expect.stringContaining('ignores conditional writes')]);
    serverMs += 60_000;
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('causes only one warning even with a copy for the cache', async () => {
    await scenario.build({ 'a.txt': 'a' });
    scenario.bucket.server.fault = ignoring;
    expect(await scenario.upload()).toMatchObject({ found: true, cached: true });
    expect(scenario.warnings()).toHaveLength(1);
  });

  it('may answer that they are not implemented', async () => {
    await scenario.build({ 'a.txt': 'a' });
    scenario.bucket.server.fault = ({ headers }) =>
      'if-none-match' in headers || 'if-match' in headers
        ? { kind: 'error', status: 501, code: 'NotImplemented' }
        : undefined;
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, reason: 'uploaded' });
    expect(scenario.warnings()).toEqual([expect.stringContaining('ignores conditional writes')]);
  });
});

describe('the copy for the cache', () => {
  it('only causes a warning if it is denied', async () => {
    await scenario.build({ 'a.txt': 'a' });
    scenario.bucket.server.deny = ({ action, key }) => action === 's3:PutObject' && key?.includes('cache/') === true;
    expect(await scenario.upload()).toMatchObject({ found: true, reason: 'uploaded', uploaded: true, cached: false });
    expect(scenario.warnings()).toEqual([expect.stringContaining('access denied')]);
    expect(await scenario.marker('.record.json')).toBeDefined();
  });

  it('releases its record if it is interrupted, and the next upload completes it', async () => {
    await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
    const fault: FaultAction = { kind: 'error', status: 403, code: 'AccessDenied' };
    scenario.bucket.server.fault = faultOn('CopyObject cache/<code>/b.txt', fault);
    const { codeHash } = await scenario.upload();
    expect(await scenario.record(`records/cache/${codeHash}.json`)).toMatchObject({
      state: 'uploading',
      leaseSeconds: 0,
    });
    serverMs += 6000;
    expect(await scenario.upload()).toMatchObject({ reason: 'complete', cached: true });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
  });

  it('is left to another run that is making it', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { codeHash } = await scenario.check();
    await scenario.putRecord({}, `records/cache/${codeHash}.json`);
    expect(await scenario.upload()).toMatchObject({ found: true, uploaded: true, cached: false });
    expect(scenario.log).toContainEqual(
      expect.stringMatching(`^run 77 .* is still writing cache/${codeHash}/: .*left to it`),
    );
    expect(scenario.warnings()).toEqual([]);
    expect(await scenario.record(`records/cache/${codeHash}.json`)).toMatchObject({ writer: OTHER_WRITER });
  });

  it.each([
    ['whose upload was interrupted', async (key: string) => scenario.putRecord({ leaseSeconds: 0 }, key)],
    ['that is damaged', async (key: string) => scenario.putRecord({ state: 'complete', files: [GONE] }, key)],
  ])('replaces one %s', async (_, arrange) => {
    await scenario.build({ 'a.txt': 'a' });
    const { codeHash } = await scenario.check();
    await arrange(`records/cache/${codeHash}.json`);
    serverMs += 6000;
    expect(await scenario.upload()).toMatchObject({ cached: true });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
  });
  const GONE = { path: 'gone.txt', size: 1, etag: '"0"' } as const;

  it('by another run is waited for and replaced if the build is overwritten', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { codeHash } = await scenario.check();
    const key = `records/cache/${codeHash}.json`;
    await scenario.putRecord({}, key);
    const clock = skippingClock(() => scenario.putRecord({ leaseSeconds: 0 }, key).then(() => (serverMs += 6000)));
    expect(await scenario.upload({ overwrite: true, waitMs: 60_000 }, { clock })).toMatchObject({ cached: true });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
  });

  it('by another run is waited for even if that run began it during the overwriting upload', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { codeHash } = await scenario.check();
    const key = `records/cache/${codeHash}.json`;
    const store = scenario.hookedStore((real) => ({
      putAsset: (put) => scenario.putRecord({}, key).then(() => real.putAsset(put)),
    }));
    const clock = skippingClock(() => scenario.putRecord({ leaseSeconds: 0 }, key).then(() => (serverMs += 6000)));
    expect(await scenario.upload({ overwrite: true, waitMs: 60_000 }, { clock, store })).toMatchObject({
      cached: true,
    });
    expect(await scenario.record(key)).toMatchObject({ state: 'complete' });
  });

  it('by another run makes an overwriting upload fail before it sends a byte', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { codeHash } = await scenario.check();
    await scenario.putRecord({}, `records/cache/${codeHash}.json`);
    await expect(scenario.upload({ overwrite: true })).rejects.toThrow(/run 77.*wait-timeout-seconds/);
    expect(await scenario.bucket.get(`${ASSETS}/a.txt`)).toBeUndefined();
  });

  it('can no longer be sealed by a run whose lease has lapsed if the build is overwritten', async () => {
    await scenario.build({ 'a.txt': 'a' });
    const { codeHash } = await scenario.check();
    const key = `records/cache/${codeHash}.json`;
    await scenario.putRecord({}, key);
    const { etag = '' } = (await scenario.bucket.get(key)) ?? {};
    serverMs += 200_000;
    const outcomes: string[] = [];
    const store = scenario.hookedStore((real) => ({
      putAsset: async (put) => {
        const late = await real.writeDocument(key, Buffer.from('{}'), { kind: 'unchanged', etag });
        outcomes.push(late.outcome);
        return real.putAsset(put);
      },
    }));
    await scenario.upload({ overwrite: true }, { store });
    expect(outcomes).toEqual(['precondition-failed']);
  });

  it('replaces one without a record', async () => {
    const { codeHash } = await scenario.check({ legacy: 'ignore' });
    await scenario.bucket.put(`cache/${codeHash}/a.txt`, 'of another tool');
    await scenario.build({ 'a.txt': 'a' });
    expect(await scenario.upload()).toMatchObject({ cached: true });
    expect((await scenario.bucket.get(`cache/${codeHash}/a.txt`))?.body).toBe('a');
  });
});

describe('a record that is deleted during the upload', () => {
  it.each([
    ['before an asset', `PutObject ${ASSETS}/a.txt`],
    ['before the seal', `${RECORD} if-match complete`],
  ])('%s is written again', async (_, wanted) => {
    await scenario.build({ 'a.txt': 'a' });
    let isDeleted = false;
    scenario.bucket.server.fault = (request, body) => {
      if (isDeleted) return undefined;
      isDeleted = describeRequest(
        request,
        request.key?.startsWith('records/') ? body.text() || undefined : undefined,
      ).startsWith(wanted);
      if (isDeleted) scenario.bucket.server.delete(scenario.bucket.name, `records/artifacts/${scenario.head}.json`);
      return undefined;
    };
    expect(await scenario.upload({ codeHash: undefined })).toMatchObject({ found: true, uploaded: true });
    expect(await scenario.record()).toMatchObject({ state: 'complete' });
  });
});
