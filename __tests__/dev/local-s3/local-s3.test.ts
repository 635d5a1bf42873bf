import { get } from 'node:http';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { startLocalS3 } from '../../../dev/local-s3/local-s3.ts';
import { BUCKET, clientOf, start, until } from './start.ts';

describe('startLocalS3', () => {
  it('listens on a port of its own, or on the one it is given', async () => {
    await using first = await startLocalS3();
    await using second = await startLocalS3();
    expect(first.url).toBe(`http://127.0.0.1:${first.port}`);
    expect(second.port).not.toBe(first.port);
    await expect(startLocalS3({ port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('has its own clock', async () => {
    const noon = Date.UTC(2026, 8, 1, 12);
    await using server = await startLocalS3({ buckets: [BUCKET], now: () => noon });
    const response = await fetch(`${server.url}/${BUCKET}/a`);
    await response.arrayBuffer();
    expect(response.headers.get('date')).toBe('Tue, 01 Sep 2026 12:00:00 GMT');
    expect(server.put(BUCKET, 'a', 'x').lastModified.getTime()).toBe(noon);
  });

  it('answers what it does not know with an error', async () => {
    await using server = await startLocalS3({ buckets: [BUCKET] });
    const statusOf = async (path: string) => (await fetch(`${server.url}${path}`)).status;
    expect(await statusOf('/')).toBe(403);
    expect(await statusOf(`/${BUCKET}/%ff`)).toBe(400);
  });
});

describe('close', () => {
  it('ends idle connections, stalled replies and delays at once', async () => {
    const { server, client } = await start();
    await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    server.fault = ({ sequence }) => (sequence === 2 ? { kind: 'stall' } : { kind: 'delay', ms: 60_000 });
    const ended = [2, 3].map(
      () =>
        new Promise((resolve) => {
          get(`${server.url}/${BUCKET}`, (response) => response.resume().on('error', resolve)).on('error', resolve);
        }),
    );
    await until(() => server.requests.length === 3);
    const startedAt = performance.now();
    await Promise.all([server.close(), server.close(), ...ended]);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    client.destroy();
    await expect(fetch(server.url)).rejects.toThrow();
  });
});

describe('direct access', () => {
  it('puts, gets, lists and deletes without a request', async () => {
    await using server = await startLocalS3({ buckets: [BUCKET] });
    for (const key of ['b', 'a/2', 'a/1', '\u{1f600}', '\uff5e']) server.put(BUCKET, key, key);
    expect(server.keys(BUCKET)).toEqual(['a/1', 'a/2', 'b', '\uff5e', '\u{1f600}']);
    expect(server.keys(BUCKET, 'a/')).toEqual(['a/1', 'a/2']);
    server.delete(BUCKET, 'a/1');
    expect(server.get(BUCKET, 'a/1')).toBeUndefined();
    expect(server.get(BUCKET, 'b')?.content.text()).toBe('b');
    expect(server.requests).toEqual([]);
    expect(() => server.keys('missing')).toThrow('The specified bucket does not exist');
  });

  it('shares its objects with clients', async () => {
    await using s3 = await start();
    s3.server.createBucket({ name: 'second' });
    s3.server.put('second', 'a', 'x', { metadata: { a: '1' } });
    const client = clientOf(s3.server);
    expect(await client.send(new ListObjectsV2Command({ Bucket: 'second' }))).toMatchObject({ KeyCount: 1 });
    client.destroy();
  });
});
