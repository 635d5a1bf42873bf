import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { TlsFront } from '../../dev/local-s3/tls-front.ts';
import { InputError } from '../../src/errors.ts';
import { useEnvironment } from './environment.ts';
import { ForwardProxy } from './forward-proxy.ts';
import { RawServer } from './raw-server.ts';
import { assetOf, BUCKET, faultOf, keysIn, OPERATIONS, prepare, storeAt } from './stores.ts';

// A host that only the proxy can resolve.
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

  it('forwards keys with special characters, and large bodies', async () => {
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

  it('forwards requests with the bucket in the host', async () => {
    setVariables({ HTTP_PROXY: proxy.url });
    const store = storeAt({ url: 'http://localhost:9000' }, { forcePathStyle: false });
    expect(await keysIn(store)).toEqual(['doc', 'source']);
    expect(await store.head('doc')).toBeDefined();
    expect(await store.readDocument('doc')).toBeDefined();
    expect(proxy.lines).toEqual([
      'GET http://bucket.localhost:9000/?encoding-type=url&list-type=2&prefix=',
      'HEAD http://bucket.localhost:9000/doc',
      'GET http://bucket.localhost:9000/doc',
    ]);
  });

  it.each(['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'])('is named by %s', async (name) => {
    setVariables({ [name]: proxy.url });
    expect(await keysIn(storeAt(INSIDE))).toEqual(['doc', 'source']);
  });

  it('gets a user name and a password', async () => {
    setVariables({ HTTP_PROXY: proxy.url.replace('//', '//name:pass%40word@') });
    const store = storeAt(INSIDE);
    await keysIn(store);
    await store.head('doc');
    const expected = `Basic ${Buffer.from('name:pass@word').toString('base64')}`;
    expect(proxy.authorizations).toEqual([expected, expected]);
  });

  it('is sent requests over the same connection', async () => {
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
    ['is used for a host in NO_PROXY', () => ({ HTTP_PROXY: proxy.url, NO_PROXY: 'example.com,127.0.0.1' })],
    ['is used if NO_PROXY is *', () => ({ HTTP_PROXY: proxy.url, no_proxy: '*' })],
    ['is used for http if there is only one for https', () => ({ HTTPS_PROXY: proxy.url })],
    ['is used if the variable is empty', () => ({ HTTP_PROXY: '', HTTPS_PROXY: '' })],
  ])('%s', async (_, variables) => {
    setVariables(variables());
    const store = storeAt(server);
    expect(await keysIn(store)).toEqual(['doc', 'source']);
    expect(await store.head('doc')).toBeDefined();
    expect(proxy.lines).toEqual([]);
  });
});

describe('a proxy for https', () => {
  const SECURE = { url: 'https://s3.internal' };
  let front: TlsFront;
  const trusted = getCACertificates('default');
  beforeAll(async () => {
    front = await TlsFront.start(server.port, ['DNS:s3.internal', 'DNS:*.s3.internal']);
    setDefaultCACertificates([...trusted, await readFile(front.certificate, 'utf8')]);
  });
  beforeEach(async () => {
    await proxy[Symbol.asyncDispose]();
    proxy = await ForwardProxy.start(front.port);
  });
  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await front[Symbol.asyncDispose]();
  });

  it.each([
    ['HTTPS_PROXY', 'http://'],
    ['https_proxy', ''],
    ['ALL_PROXY', ''],
  ])('is named by %s, as %shost:port', async (name, scheme) => {
    setVariables({ [name]: `${scheme}127.0.0.1:${proxy.port}` });
    expect(await keysIn(storeAt(SECURE))).toEqual(['doc', 'source']);
    expect(proxy.lines).toEqual(['CONNECT s3.internal:443']);
  });

  it('gets a user name and a password', async () => {
    setVariables({ HTTPS_PROXY: `name:pass%40word@127.0.0.1:${proxy.port}` });
    await keysIn(storeAt(SECURE));
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('name:pass@word').toString('base64')}`]);
  });

  it.each(Object.entries(OPERATIONS))('connects for %s', async (_, operate) => {
    setVariables({ HTTPS_PROXY: proxy.url });
    await operate(storeAt(SECURE));
    expect(server.requests.length).toBeGreaterThan(0);
    expect(new Set(proxy.lines)).toEqual(new Set(['CONNECT s3.internal:443']));
  });

  it('connects once for consecutive requests, and once for each concurrent one', async () => {
    setVariables({ HTTPS_PROXY: proxy.url });
    const store = storeAt(SECURE);
    for (let count = 0; count < 5; count += 1) await store.head('doc');
    expect(proxy.lines).toEqual(['CONNECT s3.internal:443']);
    // None of them must end before the others begin.
    server.fault = () => ({ kind: 'delay', ms: 50 });
    for (let round = 0; round < 10; round += 1)
      await Promise.all(Array.from({ length: 8 }, (_, index) => store.putAsset(assetOf(`${round}-${index}`, 'x'))));
    expect(server.requests.length).toBe(85);
    expect(proxy.lines).toEqual(Array(8).fill('CONNECT s3.internal:443'));
  });

  it.each([
    ['answers 503', { status: 503, body: '' }],
    ['answers 502', { status: 502, body: '<html>Bad gateway</html>' }],
    ['answers 429', { status: 429, body: '' }],
    ['closes the connection', 'close'],
  ] as const)('that %s is tried again', async (_, refusal) => {
    setVariables({ HTTPS_PROXY: proxy.url });
    proxy.refusal = (index) => (index < 2 ? refusal : undefined);
    expect(await keysIn(storeAt(SECURE))).toEqual(['doc', 'source']);
    expect(proxy.lines).toHaveLength(3);
  });

  it.each([
    ['503', { status: 503, body: '' }, 'answered 503 to CONNECT'],
    ['nothing', 'close', 'gave no valid answer to CONNECT'],
  ] as const)('that keeps answering %s is reported', async (_, refusal, expected) => {
    setVariables({ HTTPS_PROXY: proxy.url.replace('//', '//name:secret@') });
    proxy.refusal = () => refusal;
    const fault = await faultOf(storeAt(SECURE).putAsset(assetOf('a', 'a')));
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toBe(
      `Could not write s3://bucket/a: s3.internal can't be reached (the proxy ${proxy.url} ${expected}): check endpoint-url, the network and the proxy`,
    );
    expect(proxy.lines).toHaveLength(3);
  });

  it.each(Object.entries(OPERATIONS))(
    'that refuses to connect is reported by %s after one attempt, and never taken for the server',
    async (_, operate) => {
      setVariables({ HTTPS_PROXY: proxy.url });
      for (const status of [201, 403, 404]) {
        proxy.lines.length = 0;
        proxy.refusal = () => ({ status, body: '<Error><Code>NoSuchKey</Code></Error>' });
        const fault = await faultOf(operate(storeAt(SECURE)));
        expect(fault.kind).toBe('unreachable');
        expect(fault.message).toBe(
          `s3.internal:443 can't be reached: the proxy ${proxy.url} answered ${status} to CONNECT: have the proxy allow that server, or add it to NO_PROXY`,
        );
        expect(proxy.lines).toEqual(['CONNECT s3.internal:443']);
      }
    },
  );

  it('that does not answer in HTTP is reported', async () => {
    await using odd = await RawServer.start(() => ({ text: 'no HTTP at all\r\n\r\n' }));
    setVariables({ HTTPS_PROXY: odd.url });
    const fault = await faultOf(keysIn(storeAt(SECURE, { maxAttempts: 2 })));
    expect(fault.message).toContain(`(the proxy ${odd.url} gave no valid answer to CONNECT)`);
    expect(odd.lines).toHaveLength(2);
  });

  it('in front of a server without TLS is reported', async () => {
    await using plain = await ForwardProxy.start(server.port);
    setVariables({ HTTPS_PROXY: plain.url });
    const fault = await faultOf(keysIn(storeAt(SECURE, { maxAttempts: 1 })));
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toMatch(/: s3\.internal answers in plain HTTP: write http:/);
  });

  it('that does not speak TLS itself is not taken for the server', async () => {
    setVariables({ HTTPS_PROXY: proxy.url.replace('http:', 'https:') });
    const fault = await faultOf(keysIn(storeAt(SECURE, { maxAttempts: 1 })));
    expect(fault.message).toMatch(
      /s3\.internal can't be reached \(the proxy https:.* gave no valid answer to CONNECT\)/,
    );
  });
});

describe('a proxy that speaks TLS itself', () => {
  it.each(['http', 'https'])('forwards %s', async (scheme) => {
    await using s3 = await TlsFront.start(server.port, ['DNS:s3.internal']);
    await using forward = await ForwardProxy.start(scheme === 'http' ? server.port : s3.port);
    await using front = await TlsFront.start(forward.port, ['DNS:localhost']);
    const trusted = getCACertificates('default');
    setDefaultCACertificates([
      ...trusted,
      await readFile(s3.certificate, 'utf8'),
      await readFile(front.certificate, 'utf8'),
    ]);
    setVariables({ [`${scheme}_proxy`]: `https://name:pass@localhost:${front.port}` });
    const store = storeAt({ url: `${scheme}://s3.internal` });
    expect(await keysIn(store)).toEqual(['doc', 'source']);
    expect(await store.head('doc')).toBeDefined();
    expect(front.serverNames).toEqual(['localhost']);
    expect(forward.connectionCount).toBe(1);
    expect(forward.authorizations[0]).toBe(`Basic ${Buffer.from('name:pass').toString('base64')}`);
    setDefaultCACertificates(trusted);
  });
});

describe('a proxy that fails', () => {
  it.each(['http', 'https'])('because %s needs a user name and a password is reported as such', async (scheme) => {
    proxy.refusal = () => ({ status: 407, body: '<html><br></html>' });
    const variable = `${scheme.toUpperCase()}_PROXY`;
    const server = scheme === 'http' ? 's3.internal' : 's3.internal:443';
    const answer = `${server} can't be reached: the proxy ${proxy.url} answered 407: `;
    for (const [login, advice] of [
      ['', `give a user name and a password in ${variable}, as in 'http://name:password@proxy.example.com:3128'`],
      ['name:secret@', `check the user name and the password in ${variable}`],
    ] as const)
      for (const name of ['list', 'head', 'putAsset', 'abortUploads']) {
        setVariables({ [variable]: proxy.url.replace('//', `//${login}`) });
        const fault = await faultOf(
          OPERATIONS[name]?.(storeAt({ url: `${scheme}://s3.internal` })) ?? Promise.resolve(),
        );
        expect(fault.kind).toBe('unreachable');
        expect(fault.message).toBe(answer + advice);
      }
    expect(proxy.lines).toHaveLength(8);
  });

  it.each(['list', 'putAsset'])("because it can't be reached is reported by %s within seconds", async (name) => {
    setVariables({ HTTP_PROXY: 'http://127.0.0.1:1' });
    const fault = await faultOf(OPERATIONS[name]?.(storeAt(INSIDE, { maxAttempts: 10 })) ?? Promise.resolve());
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toMatch(/s3\.internal:9000 can't be reached \(connect ECONNREFUSED .*and the proxy$/);
  });

  it.each(['list', 'putAsset', 'abortUploads'])(
    'because it does not answer is reported by %s, and leaves no connection open that would keep the process alive',
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

  it.each([
    ['http://name:secret@:80:80', "HTTP_PROXY is not a proxy URL: give one such as 'http://proxy.example.com:3128'"],
    ['socks5://name:secret@host:1080', "HTTP_PROXY names a socks5:// proxy, which this action can't use: give"],
  ])('because its URL is invalid is reported without showing it: %s', async (value, expected) => {
    setVariables({ HTTP_PROXY: value });
    for (const name of ['list', 'head', 'abortUploads']) {
      const work = OPERATIONS[name]?.(storeAt(INSIDE)) ?? Promise.resolve();
      const error: unknown = await work.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).toContain(expected);
      expect(String(error)).not.toContain('secret');
    }
  });
});
