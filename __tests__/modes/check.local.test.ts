import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Content,
  type Fault,
  type FaultAction,
  type LoggedRequest,
  peakConcurrency,
} from '../../dev/local-s3/local-s3.ts';
import { closedSources, OTHER_WRITER, Scenario, skippingClock } from '../support/scenario.ts';

let scenario: Scenario;
/** The server's clock, which only moves when a test moves it. */
let serverMs: number;
beforeEach(async () => {
  serverMs = Math.floor(Date.now() / 1000) * 1000;
  scenario = await Scenario.create({ now: () => serverMs });
});
afterEach(() => scenario.close());

function passSeconds(seconds: number): void {
  serverMs += seconds * 1000;
}

/** A complete set whose record is old enough for one listing to suffice. */
async function uploadSet(): Promise<void> {
  await scenario.build({ 'app.zip': 'app', 'nested/site.txt': 'site' });
  await scenario.upload();
  await scenario.freshPackages();
  passSeconds(60);
  scenario.forgetWire();
}

/** A complete set of the same age that is listed in two pages: 0000.txt to 1000.txt, which contain their names. */
async function putLargeSet(): Promise<void> {
  const files = Array.from({ length: 1001 }, (_, index) => {
    const path = `${String(index).padStart(4, '0')}.txt`;
    return { path, size: path.length, etag: putAsset(path, path), sha256: 'x' };
  });
  await scenario.putRecord({ state: 'complete', files });
  passSeconds(60);
  scenario.forgetWire();
}

/** Writes an asset as a tool that knows no records would. @returns its ETag */
function putAsset(path: string, text: string): string {
  const { server, name } = scenario.bucket;
  return server.put(name, `artifacts/${scenario.head}/${path}`, text).etag;
}

/** Makes certain requests fail in some way. */
function faultOn(operation: string, keyStart: string, action: FaultAction): Fault {
  return (request) => (isRequest(request, operation, keyStart) ? action : undefined);
}

function isRequest({ operation, key, query }: LoggedRequest, wanted: string, keyStart: string): boolean {
  return operation === wanted && (key ?? query.prefix ?? '').startsWith(keyStart);
}

describe('the requests of a check', () => {
  const LOOK_UP = ['GetObject records/artifacts/<commit>.json', 'ListObjectsV2 artifacts/<commit>/'];
  const LOOK_UP_CACHE = ['GetObject records/cache/<code>.json', 'ListObjectsV2 cache/<code>/'];

  /** The requests in groups: those of a group were in progress at the same time. */
  async function roundTrips(): Promise<string[][]> {
    scenario.bucket.server.fault = () => ({ kind: 'delay', ms: 60 });
    await scenario.check();
    const names = scenario.wire();
    const groups: string[][] = [];
    let endedAt = Number.NEGATIVE_INFINITY;
    for (const [index, request] of scenario.bucket.server.requests.entries()) {
      if (request.startedAt >= endedAt) groups.push([]);
      groups.at(-1)?.push(names[index] ?? '');
      endedAt = Math.max(endedAt, request.endedAt ?? Number.POSITIVE_INFINITY);
    }
    return groups.map((group) => group.toSorted());
  }

  it('are two in parallel if it finds the set', async () => {
    await uploadSet();
    expect(await roundTrips()).toEqual([LOOK_UP]);
    expect(peakConcurrency(scenario.bucket.server.requests)).toBe(2);
  });

  it('are four in two round trips if neither the commit nor the code has a set', async () => {
    expect(await roundTrips()).toEqual([LOOK_UP, LOOK_UP_CACHE]);
  });

  it('are two without caching', async () => {
    await scenario.check({ codeHash: undefined });
    expect(scenario.wire().toSorted()).toEqual(LOOK_UP);
  });

  it('read the record twice if there are objects but no record', async () => {
    scenario.bucket.server.put(scenario.bucket.name, `artifacts/${scenario.head}/app.zip`, 'app');
    expect((await scenario.check()).reason).toBe('legacy');
    expect(scenario.wire().slice(0, 2).toSorted()).toEqual(LOOK_UP);
    expect(scenario.wire().slice(2)).toEqual([LOOK_UP[0], 'HeadObject artifacts/<commit>/app.zip']);
  });

  it('page through a large set', async () => {
    await putLargeSet();
    const outcome = await scenario.check();
    expect(outcome).toMatchObject({ found: true, reason: 'complete' });
    expect(outcome.files).toHaveLength(1001);
    expect(scenario.wire().slice(0, -1).toSorted()).toEqual([...LOOK_UP, 'ListObjectsV2 artifacts/<commit>/']);
    expect(scenario.wire().at(-1)).toBe('HeadObject records/artifacts/<commit>.json');
  });

  it('are few and in order if a set of the same code is promoted', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await scenario.commit();
    passSeconds(60);
    scenario.forgetWire();
    await scenario.check();
    expect(scenario.wire().slice(4)).toEqual([
      'PutObject records/artifacts/<commit>.json',
      'CopyObject artifacts/<commit>/app.zip',
      'PutObject records/artifacts/<commit>.json',
      'ListObjectsV2 artifacts/<commit>/',
    ]);
    const [copy] = scenario.bucket.server.requests.filter(({ operation }) => operation === 'CopyObject');
    expect(copy?.headers).toMatchObject({
      'x-amz-copy-source-if-match': '"d2a57dc1d883fd21fb9951699df71cc7"',
      'x-amz-metadata-directive': 'REPLACE',
    });
  });

  it('need no git if the commit has a set', async () => {
    await uploadSet();
    const sources = closedSources();
    expect(await scenario.check({}, { sources })).toMatchObject({ found: true });
  });
});

describe('a lease', () => {
  it.each([
    [120, 125, 'in-progress'],
    [120, 126, 'incomplete'],
    [0, 0, 'incomplete'],
  ])('of %i s makes the set, %i s later, %s', async (leaseSeconds, ageSeconds, reason) => {
    await scenario.putRecord({ leaseSeconds });
    passSeconds(ageSeconds);
    expect(await scenario.check()).toMatchObject({ found: false, reason });
  });

  it('is never longer than six hours', async () => {
    await scenario.putRecord({ leaseSeconds: 1_000_000 });
    passSeconds(21_605);
    expect(await scenario.check()).toMatchObject({ reason: 'in-progress' });
    passSeconds(1);
    expect(await scenario.check()).toMatchObject({ reason: 'incomplete' });
  });

  it("is judged by the server's clock, whatever the time on this machine", async () => {
    serverMs -= 10 * 60_000;
    await scenario.putRecord();
    expect(await scenario.check()).toMatchObject({ reason: 'in-progress' });
  });

  it('that has lapsed names the unfinished run, and allows the cache to be used', async () => {
    await uploadSet();
    await scenario.putRecord();
    passSeconds(126);
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
    expect(scenario.log.join('\n')).toContain(`run ${OTHER_WRITER.runId} (attempt 1) of owner/repository`);
  });
});

describe('a listing', () => {
  /** Makes the server answer the first listing as of before the set existed. */
  function staleFirstListing(keyStart = 'artifacts/'): Fault {
    let isFirst = true;
    return (request) => {
      if (!isFirst || !isRequest(request, 'ListObjectsV2', keyStart)) return undefined;
      isFirst = false;
      const name = `<Name>${request.bucket}</Name><Prefix>${request.query.prefix}</Prefix>`;
      const body = `<ListBucketResult>${name}<KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>`;
      return { kind: 'reply', status: 200, body };
    };
  }

  it.each([0, 1, 2])('is not believed if the record is %i s old', async (ageSeconds) => {
    await uploadSet();
    passSeconds(-60 + ageSeconds);
    scenario.bucket.server.fault = staleFirstListing();
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: true, reason: 'complete' });
    expect(scenario.wire()).toHaveLength(3);
  });

  it('of two pages is not believed if another run began a repair in between', async () => {
    await putLargeSet();
    putAsset('1000.txt', '1000.bad');
    const repair = async (): Promise<void> => {
      await scenario.putRecord({});
      putAsset('0000.txt', '0000.new');
      putAsset('1000.txt', '1000.txt');
    };
    const store = scenario.hookedStore((real) => ({
      async *list(prefix) {
        let pageCount = 0;
        for await (const page of real.list(prefix)) {
          pageCount += 1;
          yield page;
          if (pageCount === 1) await repair();
        }
      },
    }));
    expect(await scenario.check({ codeHash: undefined }, { store })).toMatchObject({
      found: false,
      reason: 'in-progress',
    });
  });

  const otherEtag: FaultAction = {
    kind: 'rewrite',
    rewrite: (reply) => ({ ...reply, headers: { ...reply.headers, etag: `"${Math.random()}"` } }),
  };

  it('of two pages is believed if the record has the same ETag twice, whatever a HEAD returns', async () => {
    await putLargeSet();
    scenario.bucket.server.fault = faultOn('HeadObject', 'records/', otherEtag);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: true, reason: 'complete' });
    expect(scenario.wire().filter((request) => request.startsWith('GetObject'))).toHaveLength(2);
  });

  it('of two pages is an error if the record differs every time', async () => {
    await putLargeSet();
    scenario.bucket.server.fault = (request) => (request.key?.startsWith('records/') === true ? otherEtag : undefined);
    await expect(scenario.check({ codeHash: undefined })).rejects.toThrow('Others keep writing s3://');
    expect(scenario.wire().filter((request) => request.startsWith('HeadObject'))).toHaveLength(3);
  });

  it('is believed if the record is older', async () => {
    await uploadSet();
    passSeconds(-60 + 4);
    scenario.bucket.server.fault = staleFirstListing();
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: false, reason: 'damaged' });
    expect(scenario.wire().slice(2)).toEqual(['HeadObject records/artifacts/<commit>.json']);
  });

  it('shows no damage if another run began to replace the set after the record was read', async () => {
    await uploadSet();
    const store = scenario.hookedStore((real) => ({
      async *list(prefix) {
        await scenario.putRecord({});
        putAsset('app.zip', 'of another build');
        yield* real.list(prefix);
      },
    }));
    expect(await scenario.check({ codeHash: undefined }, { store })).toMatchObject({
      found: false,
      reason: 'in-progress',
    });
    expect(scenario.warnings()).toEqual([]);
  });

  it('is not believed if the record is younger than the listing', async () => {
    await uploadSet();
    passSeconds(-60 + 4);
    scenario.bucket.server.fault = staleFirstListing();
    const clock = skippingClock();
    // The record's reply takes longer than the record is old, so the listing may have been sent before it was written.
    const store = scenario.hookedStore((real) => ({
      readDocument: async (key) => {
        const document = await real.readDocument(key);
        await clock.sleep(2300);
        return document;
      },
    }));
    expect(await scenario.check({ codeHash: undefined }, { clock, store })).toMatchObject({ found: true });
  });

  it('is repeated even if it agrees with a young record', async () => {
    await uploadSet();
    passSeconds(-60);
    let listings = 0;
    scenario.bucket.server.fault = (request) => {
      if (request.operation !== 'ListObjectsV2') return undefined;
      listings += 1;
      if (listings === 2) scenario.bucket.server.delete(scenario.bucket.name, `artifacts/${scenario.head}/app.zip`);
      return undefined;
    };
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: false, reason: 'damaged' });
  });

  it('that has ETags in another form is checked against the objects', async () => {
    await uploadSet();
    const action: FaultAction = {
      kind: 'rewrite',
      rewrite: (reply) => ({
        ...reply,
        body: Content.from(
          reply.body.text().replace(/<ETag>[^<]*<\/ETag>/g, '<ETag>&quot;another-form-1&quot;</ETag>'),
        ),
      }),
    };
    scenario.bucket.server.fault = faultOn('ListObjectsV2', 'artifacts/', action);
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
    expect(scenario.wire().slice(2).toSorted()).toEqual([
      'HeadObject artifacts/<commit>/app.zip',
      'HeadObject artifacts/<commit>/nested/site.txt',
      'ListObjectsV2 artifacts/<commit>/',
    ]);
  });

  it('shows damage even if the object has been replaced by the time of its HEAD', async () => {
    await uploadSet();
    const key = `artifacts/${scenario.head}/app.zip`;
    const { server, name } = scenario.bucket;
    server.put(name, key, 'ape');
    server.fault = (request) => {
      // Another run is about to repair the set, and then to replace the rest of it.
      if (isRequest(request, 'HeadObject', key)) server.put(name, key, 'app');
      return undefined;
    };
    expect(await scenario.check({ codeHash: undefined })).toMatchObject({ found: false, reason: 'damaged' });
  });

  it('from before the start of an upload is not taken for a set without a record', async () => {
    scenario.bucket.server.put(scenario.bucket.name, `artifacts/${scenario.head}/app.zip`, 'app');
    let reads = 0;
    scenario.bucket.server.fault = async (request) => {
      if (isRequest(request, 'GetObject', 'records/artifacts/')) reads += 1;
      // The record is begun between its two reads.
      if (reads === 2) {
        reads = 3;
        await scenario.putRecord();
      }
      return undefined;
    };
    expect(await scenario.check()).toMatchObject({ found: false, reason: 'in-progress' });
  });
});

describe('a refusal or a fault is never a miss', () => {
  const HTML = { kind: 'reply', status: 200, body: '<html><body>Please log in</body></html>' } as const;
  const FAULTS: readonly (readonly [name: string, action: FaultAction, expected: RegExp])[] = [
    ['access denied', { kind: 'error', status: 403, code: 'AccessDenied' }, /access denied.*allow s3:/],
    ['no such bucket', { kind: 'error', status: 404, code: 'NoSuchBucket' }, /does not exist/],
    ['a redirect', { kind: 'error', status: 301, code: 'PermanentRedirect' }, /in another region/],
    ['an expired token', { kind: 'error', status: 400, code: 'ExpiredToken' }, /token has expired/],
    ['a web page', HTML, /not an S3 reply|is not a record|without/],
    ['an empty reply', { kind: 'reply', status: 200 }, /not an S3 reply|is not a record|without/],
    ['a 404 without an error', { kind: 'reply', status: 404 }, /404/],
    ['a server error', { kind: 'error', status: 500, code: 'InternalError' }, /InternalError/],
    ['a slow-down', { kind: 'error', status: 503, code: 'SlowDown' }, /overloaded/],
    ['a reset', { kind: 'reset' }, /can't be reached|ECONNRESET|hang up/],
    ['a reply cut short', { kind: 'truncate', afterBytes: 10 }, /Could not|not a record/],
  ];
  const REQUESTS = [
    ['the record', 'GetObject', 'records/artifacts/'],
    ['the listing', 'ListObjectsV2', 'artifacts/'],
    ['the record in the cache', 'GetObject', 'records/cache/'],
    ['the listing of the cache', 'ListObjectsV2', 'cache/'],
  ] as const;

  const CASES = REQUESTS.flatMap(([what, ...request]) =>
    FAULTS.map(([name, ...fault]) => [name, what, request, fault] as const),
  );

  it.each(CASES)('%s in reply to %s', async (_, __, [operation, keyStart], [action, expected]) => {
    scenario.bucket.server.fault = faultOn(operation, keyStart, action);
    const store = scenario.impatientStore();
    await expect(scenario.check({}, { store })).rejects.toThrow(expected);
    expect(await scenario.marker('.found')).toBeUndefined();
  });
});

describe('a promotion without permission:', () => {
  it.each([
    ['that may not write the record', 'records/', 'nothing'],
    ['that may not write the copies', 'artifacts/', 'a released record'],
  ])('a check %s fails with an error that names the permission', async (_, keyStart, left) => {
    await uploadSet();
    await scenario.commit();
    scenario.bucket.server.deny = ({ action, key }) => action === 's3:PutObject' && key?.startsWith(keyStart) === true;
    await expect(scenario.check()).rejects.toThrow(/access denied.*s3:PutObject/);
    expect(await scenario.marker('.found')).toBeUndefined();
    expect(await scenario.bucket.keys(`artifacts/${scenario.head}/`)).toEqual([]);
    const record = await scenario.record();
    if (left === 'nothing') expect(record).toBeUndefined();
    else expect(record).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('a check with read access needs none, since it uses the set in place', async () => {
    await uploadSet();
    await scenario.commit();
    scenario.bucket.server.deny = ({ action }) => action === 's3:PutObject';
    expect(await scenario.check({ access: 'read' })).toMatchObject({ found: true, source: 'cache' });
  });
});

describe('a promotion', () => {
  /** Uploads a set with caching, and checks out the next commit of the same code. */
  async function uploadAndMoveOn(): Promise<void> {
    await scenario.build({ 'app.zip': 'app', 'nested/site.txt': 'site' });
    await scenario.upload();
    await scenario.freshPackages();
    await scenario.commit();
    passSeconds(60);
    scenario.forgetWire();
  }

  /** Runs something just before the first copy is sent. */
  async function checkWhile(happens: (target: string) => unknown) {
    const { store } = scenario.ports();
    let isFirst = true;
    const copyAsset: typeof store.copyAsset = async (copy) => {
      if (isFirst) {
        isFirst = false;
        await happens(copy.target);
      }
      return store.copyAsset(copy);
    };
    return scenario.check({ concurrency: 1 }, { store: { ...store, copyAsset } });
  }

  it('copies only to keys that do not exist', async () => {
    await uploadAndMoveOn();
    await scenario.check();
    const copies = scenario.bucket.server.requests.filter(({ operation }) => operation === 'CopyObject');
    expect(copies.map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*']);
  });

  it('that has lost the record replaces no asset of the run that owns it now', async () => {
    await uploadAndMoveOn();
    const outcome = await checkWhile(async () => {
      await scenario.storeSet({ 'app.zip': 'theirs' });
      passSeconds(60);
    });
    expect(outcome).toMatchObject({ found: true, source: 'artifact', files: [{ path: 'app.zip', size: 6 }] });
    expect(await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`)).toMatchObject({ body: 'theirs' });
  });

  it('that owns the record replaces an object that appears in place of a copy', async () => {
    await uploadAndMoveOn();
    const outcome = await checkWhile((target) => scenario.bucket.put(target, 'late'));
    expect(outcome).toMatchObject({ found: true, source: 'cache' });
    expect(await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`)).toMatchObject({ body: 'app' });
    expect(scenario.warnings()).toEqual([]);
  });

  it('succeeds although the reply to a copy is lost', async () => {
    await uploadAndMoveOn();
    let isFirst = true;
    scenario.bucket.server.fault = ({ operation }) => {
      if (operation !== 'CopyObject' || !isFirst) return undefined;
      isFirst = false;
      return { kind: 'reset', when: 'after' };
    };
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
    expect(scenario.warnings()).toEqual([]);
  });
});
