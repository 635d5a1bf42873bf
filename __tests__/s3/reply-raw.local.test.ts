import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ObjectStore } from '../../src/ports.ts';
import { LIMITS as DEFAULT_LIMITS, exchangeMs } from '../../src/s3/transport.ts';
import { HEADERS, RawServer, replyOf } from './raw-server.ts';
import { assetOf, copyOf, faultOf, keysIn, never, OPERATIONS, storeAt, textOf } from './stores.ts';

// Bytes that no S3 server would send, but something in between might.
beforeAll(() => void jest.spyOn(Math, 'random').mockReturnValue(0.02));
const resources: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of resources.splice(0)) await resource[Symbol.asyncDispose]();
});

async function start(...of: Parameters<typeof RawServer.start>): Promise<RawServer> {
  const server = await RawServer.start(...of);
  resources.push(server);
  return server;
}

/** Gives the answers in order, and then repeats the last one. */
function inTurn(...texts: readonly [string, ...string[]]): (line: string, index: number) => { text: string } {
  return (_, index) => ({ text: texts[Math.min(index, texts.length - 1)] ?? texts[0] });
}

const GOOD = replyOf('{}');
const LIMITS = { silenceTimeoutMs: 2000, connectTimeoutMs: 300 };

async function read(server: RawServer): Promise<string | undefined> {
  return textOf(await storeAt(server, { maxAttempts: 2 }, LIMITS).readDocument('doc'));
}

describe('a switch to another protocol', () => {
  it.each(Object.entries(OPERATIONS))('does not leave %s waiting', async (_, operate) => {
    const text = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
    const server = await start(() => ({ text }));
    const fault = await faultOf(operate(storeAt(server, { maxAttempts: 2, partSizeBytes: 3 }, LIMITS)));
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toContain('(the connection was closed without a reply)');
  });
});

describe('a reply', () => {
  it.each([
    ['a 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['a 103', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ])('can come after %s', async (_, before) => {
    expect(await read(await start(inTurn(before + GOOD)))).toBe('{}');
  });

  it('can come in chunks', async () => {
    const chunks = '1\r\n{\r\n1\r\n}\r\n0\r\n\r\n';
    const server = await start(inTurn(`HTTP/1.1 200 OK\r\n${HEADERS}Transfer-Encoding: chunked\r\n\r\n${chunks}`));
    expect(await read(server)).toBe('{}');
  });

  it.each([
    ['its last chunk', 'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n'],
    ['some of its length', 'Content-Length: 3\r\n\r\n{}'],
  ])('without %s is not accepted', async (_, rest) => {
    const server = await start(() => ({ text: `HTTP/1.1 200 OK\r\n${HEADERS}${rest}`, closes: true }));
    expect((await faultOf(read(server))).kind).toBe('unreachable');
    expect(server.lines).toHaveLength(2);
  });

  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x'],
    ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n'],
    ['headers without end', `${'X: '.padEnd(20_000, 'x')}\r\nContent-Length: 2\r\n\r\n{}`],
  ])('with %s is not accepted', async (_, rest) => {
    const server = await start(() => ({ text: `HTTP/1.1 200 OK\r\n${HEADERS}${rest}` }));
    expect((await faultOf(read(server))).message).toContain("can't be reached (Parse Error: ");
  });

  it.each([
    ['has bytes', '206 Partial Content', 'Content-Range: bytes 0-0/123', 123],
    ['is empty', '416 Range Not Satisfiable', 'Content-Range: bytes */0', 0],
  ])('to a HEAD may lack a length if the object %s', async (_, status, range, sizeBytes) => {
    const error = status.startsWith('4') ? '<Error><Code>InvalidRange</Code></Error>' : 'x';
    const ranged = replyOf(error, status, `${HEADERS}${range}\r\n`);
    const unsized = `HTTP/1.1 200 OK\r\n${HEADERS}Transfer-Encoding: chunked\r\n\r\n`;
    const server = await start((line) => ({ text: line.startsWith('HEAD') ? unsized : ranged }));
    expect(await storeAt(server, {}, LIMITS).head('doc')).toMatchObject({ sizeBytes });
  });

  it('that is much too long is not read', async () => {
    const server = await start(() => ({ text: `HTTP/1.1 200 OK\r\n${HEADERS}Content-Length: 99999999999\r\n\r\n{}` }));
    expect((await faultOf(keysIn(storeAt(server, {}, LIMITS)))).kind).toBe('malformed-reply');
  });

  it.each(['301 Moved Permanently', '302 Found', '307 Temporary Redirect', '308 Permanent Redirect'])(
    'with status %s is not followed to another server',
    async (status) => {
      const other = await start(inTurn(GOOD));
      const server = await start(inTurn(replyOf('', status, `Location: ${other.url}/bucket/doc\r\n`)));
      expect((await faultOf(read(server))).kind).toBe('rejected');
      expect(other.lines).toEqual([]);
    },
  );
});

describe('a server that sends a few bytes at a time', () => {
  it.each(Object.entries(OPERATIONS))('does not hold up %s for longer than its size allows', async (_, operate) => {
    const server = await start(() => ({ text: replyOf('x'.repeat(1000)), pauseMs: 30 }));
    const startedMs = performance.now();
    const limits = { silenceTimeoutMs: 400, connectTimeoutMs: 300 };
    const { kind, message } = await faultOf(operate(storeAt(server, { maxAttempts: 5, partSizeBytes: 3 }, limits)));
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(kind).toBe('unreachable');
    expect(message).toMatch(
      /127.0.0.1:\d+ is too slow \(it sent \d+ bytes within 0.\d s\): check the network and any proxy in between/,
    );
    expect(server.lines).toHaveLength(1);
  });

  it('is not taken for a silent one, however rarely it sends', async () => {
    const server = await start(() => ({ text: replyOf('x'.repeat(1000)), pauseMs: 160 }));
    const store = storeAt(server, { maxAttempts: 5 }, { silenceTimeoutMs: 400, connectTimeoutMs: 300 });
    expect((await faultOf(store.readDocument('doc'))).message).toContain('is too slow');
    expect(server.lines).toHaveLength(1);
  });

  it('is waited for if it is as fast as a slow link', async () => {
    const server = await start(() => ({ text: GOOD, pauseMs: 2 }));
    expect(await read(server)).toBe('{}');
  });

  it('has a minute, plus a second for each 64 KiB', () => {
    expect(exchangeMs(DEFAULT_LIMITS.silenceTimeoutMs, 0)).toBe(60_000);
    expect(exchangeMs(DEFAULT_LIMITS.silenceTimeoutMs, 1024 ** 2)).toBe(76_000);
  });
});

describe('data after a reply', () => {
  const FORGED = replyOf('forged');

  it.each([
    ['another reply', FORGED],
    ['other bytes', 'garbage'],
  ])('is not the answer to the next request: %s', async (_, surplus) => {
    const server = await start(inTurn(GOOD + surplus, GOOD));
    const store = storeAt(server, { maxAttempts: 2 }, LIMITS);
    expect(textOf(await store.readDocument('doc'))).toBe('{}');
    await setTimeout(50);
    expect(textOf(await store.readDocument('doc'))).toBe('{}');
  });

  it('is not the answer to a later request either', async () => {
    const server = await start(inTurn(GOOD));
    const store = storeAt(server, { maxAttempts: 2 }, LIMITS);
    expect(textOf(await store.readDocument('doc'))).toBe('{}');
    server.write(FORGED);
    await setTimeout(50);
    expect(textOf(await store.readDocument('doc'))).toBe('{}');
  });

  it('can be a 408 that looks like the answer to the next request, which is then sent again', async () => {
    const goodbye = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    const server = await start((_, index) => (index === 0 ? { text: goodbye, closes: true } : { text: GOOD }));
    expect(await read(server)).toBe('{}');
  });

  it('can be a body that a reply to a HEAD must not have; it is not taken for a reply', async () => {
    const server = await start(inTurn(GOOD + FORGED, replyOf('other', '200 OK', HEADERS.replace('"e"', '"f"'))));
    const store = storeAt(server, { maxAttempts: 3 }, LIMITS);
    expect((await store.head('doc'))?.sizeBytes).toBe(2);
    await setTimeout(50);
    expect(await store.head('doc')).toMatchObject({ sizeBytes: 5, etag: '"f"' });
  });
});

describe('the code of a refusal', () => {
  async function refusal(code: string): Promise<string> {
    const body = `<Error><Code>${code}</Code><Message>In its words</Message></Error>`;
    const server = await start(inTurn(replyOf(body, '400 Bad Request')));
    return (await faultOf(read(server))).message;
  }

  it.each(['toString', 'constructor', '__proto__'])('is reported as it is: %s', async (code) => {
    expect(await refusal(code)).toContain(`answered 400 (${code}: In its words)`);
  });

  it('is made safe for a log line', async () => {
    expect(await refusal('a\n::error::b')).toContain('answered 400 (a\\u{a}::error::b: In its words)');
  });
});

describe("a value that can't be a header", () => {
  const METADATA = { metadata: { a: 'x\r\nx-amz-acl: public-read' } };
  const range = { position: 0, lengthBytes: 2 };

  it.each<[string, (store: ObjectStore) => Promise<unknown>]>([
    ['metadata of two lines', (store) => store.putAsset(assetOf('a', 'a', { attributes: METADATA }))],
    ['letters of metadata', (store) => store.putAsset(assetOf('a', 'a', { attributes: { metadata: { a: 'ü' } } }))],
    ['a tab in metadata', (store) => store.putAsset(assetOf('a', 'a', { attributes: { metadata: { a: 'x\ty' } } }))],
    [
      'a name of metadata',
      (store) => store.putAsset(assetOf('a', 'a', { attributes: { metadata: { 'a: b\r\nc': 'd' } } })),
    ],
    [
      'a content type of a record',
      (store) =>
        store.copyAsset(
          copyOf({ key: 'a', etag: '"e"', sizeBytes: 1 }, 'b', { attributes: { metadata: {}, contentType: 'a\nb' } }),
        ),
    ],
    [
      'an ETag of a record',
      (store) => store.readAsset({ key: 'a', etag: '"a\r\nb"', sizeBytes: 2, range, signal: never() }),
    ],
  ])('is not sent, and is reported as such: %s', async (_, operate) => {
    const server = await start(inTurn(GOOD));
    const fault = await faultOf(operate(storeAt(server)));
    expect(fault.kind).toBe('rejected');
    expect(fault.message).toContain("a value can't be sent as an HTTP header (");
    expect(server.lines).toEqual([]);
  });
});

describe('a connection that is never established', () => {
  it.each(['list', 'head', 'abortUploads'])('makes %s fail if the TLS handshake is not answered', async (name) => {
    const server = await start(() => undefined);
    const startedMs = performance.now();
    const work = OPERATIONS[name]?.(storeAt({ url: server.url.replace('http:', 'https:') }, {}, LIMITS));
    const fault = await faultOf(work ?? Promise.resolve());
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toContain(
      `127.0.0.1:${server.port} can't be reached (there was no connection within 300 ms)`,
    );
  });
});
