import { ListObjectsV2Command, type ListObjectsV2CommandInput, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, type Started, start } from '../start.ts';

const list = (s3: Started, more: Partial<ListObjectsV2CommandInput> = {}) =>
  s3.client.send(new ListObjectsV2Command({ Bucket: BUCKET, ...more }));

describe('ListObjectsV2', () => {
  it('pages through many keys in the order of their bytes', async () => {
    await using s3 = await start();
    const keys = Array.from({ length: 2500 }, (_, index) => `d${index % 5}/${index}`);
    for (const key of keys) s3.server.put(BUCKET, key, key);
    const pages = paginateListObjectsV2({ client: s3.client }, { Bucket: BUCKET, Prefix: 'd' });
    const found: (string | undefined)[] = [];
    for await (const page of pages) found.push(...(page.Contents ?? []).map((object) => object.Key));
    expect(found).toEqual(keys.toSorted());
    expect(s3.server.requests).toHaveLength(3);
  });

  it('gives size, ETag, time, class and checksum of each object', async () => {
    await using s3 = await start();
    const stored = s3.server.put(BUCKET, 'a', 'body', { checksumAlgorithm: 'SHA256' });
    const page = await list(s3, { FetchOwner: true });
    expect(page).toMatchObject({ Name: BUCKET, KeyCount: 1, MaxKeys: 1000, IsTruncated: false });
    expect(page.Contents).toMatchObject([
      {
        Key: 'a',
        Size: 4,
        ETag: stored.etag,
        LastModified: stored.lastModified,
        StorageClass: 'STANDARD',
        ChecksumAlgorithm: ['SHA256'],
        Owner: { ID: '123456789012' },
      },
    ]);
  });

  it('rolls up by delimiter', async () => {
    await using s3 = await start();
    for (const key of ['p/a/1', 'p/a/2', 'p/b/1', 'p/c']) s3.server.put(BUCKET, key, 'x');
    const page = await list(s3, { Prefix: 'p/', Delimiter: '/', MaxKeys: 2 });
    expect(page).toMatchObject({ CommonPrefixes: [{ Prefix: 'p/a/' }, { Prefix: 'p/b/' }], IsTruncated: true });
    const ContinuationToken = page.NextContinuationToken;
    const rest = await list(s3, { Prefix: 'p/', Delimiter: '/', ...(ContinuationToken && { ContinuationToken }) });
    expect(rest).toMatchObject({ KeyCount: 1, Contents: [{ Key: 'p/c' }] });
  });

  it('encodes keys when asked to, and says so', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'E/a b+c%d&<é>\n', 'x');
    const page = await list(s3, { EncodingType: 'url', Prefix: 'E/' });
    expect(page).toMatchObject({ EncodingType: 'url', Contents: [{ Key: 'E/a+b%2Bc%25d%26%3C%C3%A9%3E%0A' }] });
    expect(await list(s3)).toMatchObject({ Contents: [{ Key: 'E/a b+c%d&<é>\n' }] });
  });

  it('refuses a token that it did not issue', async () => {
    await using s3 = await start();
    await expect(list(s3, { ContinuationToken: '?' })).rejects.toMatchObject({ name: 'InvalidArgument' });
  });
});
