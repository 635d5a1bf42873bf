import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import type { FaultAction } from '../../../dev/local-s3/local-s3.ts';
import { BUCKET, type Started, start, until } from './start.ts';

const put = new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'new' });
const get = new GetObjectCommand({ Bucket: BUCKET, Key: 'a' });
const list = new ListObjectsV2Command({ Bucket: BUCKET });

async function startWith(action: FaultAction): Promise<Started> {
  const s3 = await start({ fault: () => action });
  s3.server.put(BUCKET, 'a', 'old content', { checksumAlgorithm: 'SHA256' });
  return s3;
}

const textOf = (s3: Started) => s3.server.get(BUCKET, 'a')?.content.text();

async function getText(s3: Started): Promise<string | undefined> {
  return (await s3.client.send(get)).Body?.transformToString();
}

describe('a fault that takes the place of the reply', () => {
  it.each([
    ['before', 'old content'],
    ['after', 'new'],
  ] as const)('may be an error %s the effect', async (when, text) => {
    await using s3 = await startWith({ kind: 'error', status: 503, code: 'SlowDown', when });
    await expect(s3.client.send(put)).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    expect(textOf(s3)).toBe(text);
    expect(s3.server.requests).toMatchObject([{ status: 503, errorCode: 'SlowDown' }]);
  });

  it.each([
    ['before', 'old content'],
    ['after', 'new'],
  ] as const)('may be a reset connection %s the effect', async (when, text) => {
    await using s3 = await startWith({ kind: 'reset', when });
    await expect(s3.client.send(put)).rejects.toThrow('ECONNRESET');
    expect(textOf(s3)).toBe(text);
    expect(s3.server.requests).toMatchObject([{ status: undefined }]);
  });

  it('may be a page of another server', async () => {
    const headers = { 'content-type': 'text/html' };
    await using s3 = await startWith({ kind: 'reply', status: 200, body: '<html><body>Log in</body></html>', headers });
    expect((await s3.client.send(put)).ETag).toBeUndefined();
    expect(textOf(s3)).toBe('old content');
  });

  it('may be nothing at all', async () => {
    await using s3 = await startWith({ kind: 'reply', status: 200 });
    expect((await s3.client.send(list)).KeyCount).toBeUndefined();
  });

  it('may be an error with status 200', async () => {
    await using s3 = await startWith({ kind: 'error', status: 200, code: 'InternalError' });
    const copy = new CopyObjectCommand({ Bucket: BUCKET, Key: 'b', CopySource: `${BUCKET}/a` });
    await expect(s3.client.send(copy)).rejects.toMatchObject({ name: 'InternalError' });
    const complete = new CompleteMultipartUploadCommand({ Bucket: BUCKET, Key: 'b', UploadId: 'x' });
    await expect(s3.client.send(complete)).rejects.toMatchObject({ name: 'InternalError' });
  });
});

describe('a fault that spoils the reply', () => {
  it('flips a bit', async () => {
    await using s3 = await startWith({ kind: 'flip-bit', bit: 9 });
    // The SDK checks the SHA-256 that the object was stored with.
    await expect(getText(s3)).rejects.toThrow('Checksum mismatch');
    expect(textOf(s3)).toBe('old content');
  });

  it('cuts the body off', async () => {
    await using s3 = await startWith({ kind: 'truncate', afterBytes: 4 });
    await expect(getText(s3)).rejects.toThrow('aborted');
    expect(s3.server.requests).toMatchObject([{ status: 200, bytesSent: 4 }]);
  });

  it('stalls the body until the client gives up', async () => {
    await using s3 = await startWith({ kind: 'stall', afterBytes: 4 });
    const abort = new AbortController();
    const { Body } = await s3.client.send(get, { abortSignal: abort.signal });
    const text = Body?.transformToString();
    setTimeout(() => abort.abort(), 30);
    await expect(text).rejects.toThrow();
  });

  it('rewrites it', async () => {
    await using s3 = await startWith({
      kind: 'rewrite',
      rewrite: (reply) => ({ ...reply, body: reply.body.slice(0, 0), headers: {} }),
    });
    expect((await s3.client.send(list)).KeyCount).toBeUndefined();
  });
});

describe('a fault in time', () => {
  it('delays the effect', async () => {
    await using s3 = await startWith({ kind: 'delay', ms: 100 });
    const sent = s3.client.send(put);
    await until(() => s3.server.requests.length === 1);
    expect(textOf(s3)).toBe('old content');
    await sent;
    expect(textOf(s3)).toBe('new');
  });

  it('delays the reply', async () => {
    await using s3 = await startWith({ kind: 'delay', ms: 100, when: 'after' });
    const sent = s3.client.send(put);
    await until(() => textOf(s3) === 'new');
    expect(s3.server.requests).toMatchObject([{ endedAt: undefined }]);
    await sent;
  });

  it('delays a reply until the test releases it', async () => {
    const gate = Promise.withResolvers<void>();
    await using s3 = await startWith({ kind: 'hold', until: () => gate.promise });
    const sent = s3.client.send(put);
    await until(() => textOf(s3) === 'new');
    expect(s3.server.requests).toMatchObject([{ endedAt: undefined }]);
    gate.resolve();
    await sent;
  });
});

describe('a server that ignores', () => {
  it('conditions', async () => {
    await using s3 = await startWith({ kind: 'ignore', headers: ['if-none-match'] });
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'new', IfNoneMatch: '*' }));
    expect(textOf(s3)).toBe('new');
  });

  it('a query parameter', async () => {
    await using s3 = await startWith({ kind: 'ignore', query: ['encoding-type'] });
    const page = await s3.client.send(new ListObjectsV2Command({ Bucket: BUCKET, EncodingType: 'url' }));
    expect(page.EncodingType).toBeUndefined();
  });
});

describe('the hook', () => {
  it('sees each request and its body, and may let it pass', async () => {
    await using s3 = await start();
    const seen: string[] = [];
    s3.server.fault = ({ operation, key }, body) => {
      seen.push(`${operation} ${key} ${body.text()}`);
      return undefined;
    };
    await s3.client.send(put);
    expect(seen).toEqual(['PutObject a new']);
    expect(textOf(s3)).toBe('new');
  });

  it('says so when it throws', async () => {
    await using s3 = await start();
    s3.server.fault = () => {
      throw new Error('oops');
    };
    await expect(s3.client.send(list)).rejects.toThrow('The fault hook threw: Error: oops');
  });
});
