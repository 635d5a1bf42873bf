import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { peakConcurrency } from '../../../dev/local-s3/local-s3.ts';
import { BUCKET, start } from './start.ts';

describe('the log', () => {
  it('has each request and its result', async () => {
    await using s3 = await start();
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a b/é', Body: 'hello', ContentType: 'text/x' }));
    await s3.client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'none' }));
    const [put, list] = s3.server.requests;
    expect(put).toMatchObject({
      sequence: 1,
      operation: 'PutObject',
      method: 'PUT',
      bucket: BUCKET,
      key: 'a b/é',
      status: 200,
      target: `/${BUCKET}/a%20b/%C3%A9?x-id=PutObject`,
      accessKeyId: 'test',
      bytesReceived: 5,
      bytesSent: 0,
      headers: { 'content-type': 'text/x' },
      errorCode: undefined,
    });
    expect(list).toMatchObject({
      sequence: 2,
      operation: 'ListObjectsV2',
      query: { prefix: 'none' },
      bytesReceived: 0,
    });
    expect(list?.bytesSent).toBeGreaterThan(100);
    expect(put?.endedAt).toBeGreaterThan(put?.startedAt ?? Number.POSITIVE_INFINITY);
  });

  it('names errors, and is empty after it is cleared', async () => {
    await using s3 = await start();
    const listing = new ListObjectsV2Command({ Bucket: 'missing' });
    await expect(s3.client.send(listing)).rejects.toThrow('The specified bucket does not exist');
    expect(s3.server.requests).toMatchObject([{ status: 404, errorCode: 'NoSuchBucket' }]);
    s3.server.clearRequests();
    expect(s3.server.requests).toEqual([]);
  });
});

describe('peakConcurrency', () => {
  const spans = (...pairs: [number, number | undefined][]) =>
    pairs.map(([startedAt, endedAt]) => ({ startedAt, endedAt }));

  it.each([
    ['none', spans(), 0],
    ['one after the other', spans([0, 1], [1, 2]), 1],
    ['nested', spans([0, 9], [1, 2], [3, 4]), 2],
    ['one that is still live', spans([0, undefined], [5, 6], [5, 7]), 3],
  ])('of %s', (_name, requests, peak) => {
    expect(peakConcurrency(requests)).toBe(peak);
  });

  it('sees requests that are sent at once', async () => {
    await using s3 = await start();
    s3.server.fault = () => ({ kind: 'delay', ms: 100 });
    const listing = new ListObjectsV2Command({ Bucket: BUCKET });
    await Promise.all([1, 2, 3].map(() => s3.client.send(listing)));
    expect(peakConcurrency(s3.server.requests)).toBe(3);
  });
});
