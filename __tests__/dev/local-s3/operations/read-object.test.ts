import { GetObjectCommand, type GetObjectCommandInput, HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, type Started, start } from '../start.ts';

const TEXT = '0123456789';

async function get(s3: Started, more: Partial<GetObjectCommandInput> = {}) {
  const { Body, ...found } = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a', ...more }));
  return { ...found, text: await Body?.transformToString() };
}

describe('GetObject and HeadObject', () => {
  it('give back what was stored, in whole seconds by the server clock', async () => {
    await using s3 = await start({ now: () => Date.now() + 400 });
    const stored = s3.server.put(BUCKET, 'a', TEXT, { contentType: 'text/x', metadata: { m: 'v' } });
    const expected = { ContentLength: 10, ContentType: 'text/x', Metadata: { m: 'v' }, ETag: stored.etag };
    expect(await get(s3)).toMatchObject({ ...expected, LastModified: stored.lastModified, text: TEXT });
    expect(await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'a' }))).toMatchObject(expected);
    expect(stored.lastModified.getMilliseconds()).toBe(0);
  });

  it.each([
    { storageClass: 'GLACIER' },
    { storageClass: 'DEEP_ARCHIVE' },
    { storageClass: 'INTELLIGENT_TIERING', archiveStatus: 'ARCHIVE_ACCESS' } as const,
  ])('give the headers of an archived object, but not its bytes: %j', async (options) => {
    await using s3 = await start();
    const { etag } = s3.server.put(BUCKET, 'a', TEXT, options);
    await expect(get(s3)).rejects.toMatchObject({ name: 'InvalidObjectState', $metadata: { httpStatusCode: 403 } });
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'a' }));
    expect(head).toMatchObject({ ETag: etag, StorageClass: options.storageClass });
  });

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-', '89', 'bytes 8-9/10'],
  ])('send the range %s', async (Range, text, ContentRange) => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', TEXT, { checksumAlgorithm: 'SHA256' });
    const found = await get(s3, { Range });
    expect(found).toMatchObject({ text, ContentRange, $metadata: { httpStatusCode: 206 } });
    expect(found.ChecksumSHA256).toBeUndefined();
  });

  it.each<[string, number, Partial<GetObjectCommandInput>]>([
    ['a missing key', 404, { Key: 'missing' }],
    ['a range past the end', 416, { Range: 'bytes=10-' }],
    ['an ETag that is another', 412, { IfMatch: '"0"' }],
    ['the ETag that the client has', 304, { IfNoneMatch: '*' }],
    ['a version that is not there', 404, { VersionId: 'x' }],
  ])('refuse %s', async (_name, httpStatusCode, more) => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', TEXT);
    await expect(get(s3, more)).rejects.toMatchObject({ $metadata: { httpStatusCode } });
  });

  it('send a large object in the chunks it has', async () => {
    await using s3 = await start();
    const bytes = Buffer.alloc(3 << 20, 'abc');
    s3.server.put(BUCKET, 'a', bytes);
    expect((await get(s3)).text).toBe(bytes.toString());
  });
});
