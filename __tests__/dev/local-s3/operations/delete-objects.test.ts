import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, start } from '../start.ts';

describe('DeleteObject', () => {
  it('removes what is there and is content with what is not', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', 'x');
    for (const Key of ['a', 'missing']) await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    expect(s3.server.keys(BUCKET)).toEqual([]);
    expect(s3.server.requests.map(({ status }) => status)).toEqual([204, 204]);
  });

  it('spares what is not as expected', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', 'x');
    for (const more of [{ IfMatch: '"0"' }, { VersionId: 'x' }]) {
      await expect(s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'a', ...more }))).rejects.toThrow();
    }
    expect(s3.server.keys(BUCKET)).toEqual(['a']);
  });
});

describe('DeleteObjects', () => {
  const Objects = ['a & <b>"\'\n', 'forbidden', 'missing'].map((Key) => ({ Key }));

  it('says of each key what became of it', async () => {
    await using s3 = await start();
    for (const { Key } of Objects) s3.server.put(BUCKET, Key, 'x');
    s3.server.deny = ({ key }) => key === 'forbidden';
    const result = await s3.client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
    expect(result.Deleted).toEqual([Objects[0], Objects[2]]);
    expect(result.Errors).toMatchObject([{ Key: 'forbidden', Code: 'AccessDenied' }]);
    expect(s3.server.keys(BUCKET)).toEqual(['forbidden']);
  });

  it('is silent when told so, and takes at most 1,000 keys', async () => {
    await using s3 = await start();
    const send = (Delete: { Objects: { Key: string }[]; Quiet?: boolean }) =>
      s3.client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete }));
    expect((await send({ Objects, Quiet: true })).Deleted).toBeUndefined();
    const many = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }));
    await expect(send({ Objects: many })).rejects.toMatchObject({ name: 'MalformedXML' });
  });
});
