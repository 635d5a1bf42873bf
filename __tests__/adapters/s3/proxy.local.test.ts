import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../../dev/local-s3/local-s3.ts';
import { proxyFor } from '../../../src/adapters/s3/proxy.ts';
import { InputError } from '../../../src/errors.ts';
import { useEnvironment } from './environment.ts';
import { ForwardProxy } from './forward-proxy.ts';
import { RawServer } from './raw-server.ts';
import { assetOf, BUCKET, faultOf, keysIn, OPERATIONS, prepare, storeAt } from './stores.ts';

// A host that only the proxy knows.
const INSIDE = { url: 'http://s3.internal:9000' };

const setVariables = useEnvironment();
let server: LocalS3;
let proxy: ForwardProxy;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
});
beforeEach(async () => {
  prepare(server);
  server.clearRequests();
  proxy = await ForwardProxy.start(server.port);
});
afterEach(() => proxy[Symbol.asyncDispose]());
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

describe('a proxy for http', () => {
  it.each(Object.entries(OPERATIONS))('forwards %s, signature and all', async (_, operate) => {
    setVariables({ HTTP_PROXY: proxy.url });
    await operate(storeAt(INSIDE));
    expect(proxy.lines.length).toBe(server.requests.length);
    for (const line of proxy.lines) expect(line).toMatch(/^[A-Z]+ http:\/\/s3\.internal:9000\/bucket\//);
  });

  it('forwards keys of odd characters, and large bodies', async () => {
    setVariables({ HTTP_PROXY: proxy.url });
    const store = storeAt(INSIDE);
    const key = "deep/a b+%&ä€😀!'()*?#;=@";
    const body = randomBytes(3 * 1024 ** 2);
    expect(await store.putAsset(assetOf(key, body))).toMatchObject({ outcome: 'written' });
    expect(server.get(BUCKET, key)?.content.bytes().equals(body)).toBe(true);
    expect(await keysIn(store, 'deep/')).toEqual([key]);
    expect((await store.readDocument(key))?.body.length).toBe(body.length);
    expect(await store.head(key)).toMatchObject({ sizeBytes: body.length });
  });

  it('forwards requests that have the bucket in the host', async () => {
    setVariables({ HTTP_PROXY: proxy.url });
    const store = storeAt({ url: 'http://localhost:9000' }, { forcePathStyle: false });
    expect(await keysIn(store)).toEqual(['doc', 'source']);
    expect(await store.head('doc')).toBeDefined();
    expect(await store.readDocument('doc')).toBeDefined();
    expect(proxy.lines).toEqual([
      'GET http://bucket.localhost:9000/?encoding-type=url&list-type=2&prefix=',
      'HEAD http://bucket.localhost:9000/doc',
      'GET http://bucket.localhost:9000/doc?x-id=GetObject',
    ]);
  });

  it.each(['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'])('is named by %s', async (name) => {
    setVariables({ [name]: proxy.url });
    expect(await keysIn(storeAt(INSIDE))).toEqual(['doc', 'source']);
  });

  it('may want a name and a password', async () => {
    setVariables({ HTTP_PROXY: proxy.url.replace('//', '//name:pass%40word@') });
    const store = storeAt(INSIDE);
    await keysIn(store);
    await store.head('doc');
    const expected = `Basic ${Buffer.from('name:pass@word').toString('base64')}`;
    expect(proxy.authorizations).toEqual([expected, expected]);
  });

  it('is kept connected', async () => {
    setVariables({ HTTP_PROXY: proxy.url });
    const store = storeAt(INSIDE);
    for (let round = 0; round < 2; round += 1) {
      await keysIn(store);
      await store.head('doc');
    }
    expect(proxy.lines).toHaveLength(4);
    expect(proxy.connectionCount).toBe(1);
  });

  it('finds the region of the bucket too', async () => {
    setVariables({ HTTP_PROXY: proxy.url });
    await keysIn(storeAt(INSIDE, { region: undefined }));
    expect(proxy.lines[0]).toBe('HEAD http://s3.internal:9000/bucket/');
  });

  it('forwards to STS too', async () => {
    setVariables({ HTTP_PROXY: proxy.url, AWS_ENDPOINT_URL_STS: 'http://sts.internal', NO_PROXY: '127.0.0.1' });
    const arn = 'arn:aws:iam::123456789012:role/deploy';
    const role = { arn, sessionName: 'session', durationSeconds: 900, externalId: undefined, audience: '' };
    expect(await keysIn(storeAt(server, { role }))).toEqual(['doc', 'source']);
    expect(proxy.lines).toEqual(['POST http://sts.internal/']);
  });
});

describe('no proxy', () => {
  it.each<[what: string, variables: () => Record<string, string>]>([
    ['is used for a host that is excepted', () => ({ HTTP_PROXY: proxy.url, NO_PROXY: 'example.com,127.0.0.1' })],
    ['is used where everything is excepted', () => ({ HTTP_PROXY: proxy.url, no_proxy: '*' })],
    ['is used for http where there is one for https only', () => ({ HTTPS_PROXY: proxy.url })],
    ['is used where the variable is empty', () => ({ HTTP_PROXY: '', HTTPS_PROXY: '' })],
  ])('%s', async (_, variables) => {
    setVariables(variables());
    const store = storeAt(server);
    expect(await keysIn(store)).toEqual(['doc', 'source']);
    expect(await store.head('doc')).toBeDefined();
    expect(proxy.lines).toEqual([]);
  });

  it('is told by the host that is asked, bucket and region in it', async () => {
    setVariables({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '.s3.eu-west-1.amazonaws.com,exact.example.com' });
    expect(await proxyFor('https://my-assets.s3.eu-west-1.amazonaws.com')).toBeUndefined();
    expect(await proxyFor('https://my-assets.s3.us-east-1.amazonaws.com')).toBe('http://proxy:3128');
    expect(await proxyFor('https://exact.example.com:8443')).toBeUndefined();
    expect(await proxyFor('https://not.exact.example.com')).toBe('http://proxy:3128');
  });
});

describe('a proxy for https', () => {
  it('is asked to connect to the host, by both ways', async () => {
    setVariables({ HTTPS_PROXY: proxy.url });
    proxy.refusal = { status: 403, body: '<html><br></html>' };
    const store = storeAt({ url: 'https://s3.internal' }, { maxAttempts: 1 });
    for (const work of [keysIn(store), store.putAsset(assetOf('a', 'a'))]) {
      const fault = await faultOf(work);
      expect(fault.kind).toBe('malformed-reply');
      expect(fault.message).toContain(
        's3.internal answered 403 with something that is no S3 reply: check endpoint-url and',
      );
    }
    expect(proxy.lines).toEqual(['CONNECT s3.internal:443', 'CONNECT s3.internal:443']);
  });

  it('that leads to a server that speaks no TLS is told', async () => {
    setVariables({ HTTPS_PROXY: proxy.url });
    const fault = await faultOf(keysIn(storeAt({ url: 'https://s3.internal' }, { maxAttempts: 1 })));
    expect(fault.kind).toBe('unreachable');
  });
});

describe('a proxy that fails', () => {
  it.each(['list', 'head'])('since it wants a password is told by %s', async (name) => {
    setVariables({ HTTP_PROXY: proxy.url });
    proxy.refusal = { status: 407, body: '<html><br></html>' };
    const fault = await faultOf(OPERATIONS[name]?.(storeAt(INSIDE)) ?? Promise.resolve());
    expect(fault.kind).toBe('malformed-reply');
    expect(fault.message).toContain('answered 407 with something that is no S3 reply');
  });

  it.each(['list', 'putAsset'])('since it is not there is told by %s within seconds', async (name) => {
    setVariables({ HTTP_PROXY: 'http://127.0.0.1:1' });
    const fault = await faultOf(OPERATIONS[name]?.(storeAt(INSIDE, { maxAttempts: 10 })) ?? Promise.resolve());
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toMatch(/s3\.internal:9000 can't be reached \(connect ECONNREFUSED .*and the proxy$/);
  });

  it.each(['list', 'putAsset', 'abortUploads'])(
    'since it does not answer is told by %s, and leaves no connection open that would hold up the process',
    async (name) => {
      await using silent = await RawServer.start(() => undefined);
      setVariables({ HTTPS_PROXY: silent.url });
      const store = storeAt({ url: 'https://s3.internal' }, { maxAttempts: 10 }, { connectTimeoutMs: 200 });
      const startedMs = performance.now();
      const fault = await faultOf(OPERATIONS[name]?.(store) ?? Promise.resolve());
      expect(performance.now() - startedMs).toBeLessThan(5000);
      expect(fault.message).toContain(": s3.internal can't be reached (there was no connection within 200 ms)");
      expect(silent.lines).toEqual(Array(4).fill('CONNECT s3.internal:443 HTTP/1.1'));
      await setTimeout(100);
      expect(silent.connectionCount).toBe(0);
    },
  );

  it('since its name is no URL is told without the name, which may have a password in it', async () => {
    setVariables({ HTTP_PROXY: 'http://name:secret@:80:80' });
    for (const name of ['list', 'head']) {
      const work = OPERATIONS[name]?.(storeAt(INSIDE)) ?? Promise.resolve();
      const error: unknown = await work.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).toContain(
        'The proxy that the environment names for http://s3.internal:9000 is no URL: give',
      );
      expect(String(error)).not.toContain('secret');
    }
  });
});
