import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, start } from '../start.ts';

describe('DeleteObject', () => {
  it('removes an object, and succeeds for a missing one', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', 'x');
    for (const Key of ['a', 'missing']) await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    expect(s3.server.keys(BUCKET)).toEqual([]);
    expect(s3.server.requests.map(({ status }) => status)).toEqual([204, 204]);
  });

  it('leaves an object alone whose ETag or version is another', async () => {
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

  it('reports the result for each key', async () => {
    await using s3 = await start();
    for (const { Key } of Objects) s3.server.put(BUCKET, Key, 'x');
    s3.server.deny = ({ key }) => key === 'forbidden';
    const result = await s3.client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
    expect(result.Deleted).toEqual([Objects[0], Objects[2]]);
    expect(result.Errors).toMatchObject([{ Key: 'forbidden', Code: 'AccessDenied' }]);
    expect(s3.server.keys(BUCKET)).toEqual(['forbidden']);
  });

  it('reports nothing in quiet mode, and takes at most 1,000 keys', async () => {
    await using s3 = await start();
    const send = (Delete: { Objects: { Key: string }[]; Quiet?: boolean }) =>
      s3.client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete }));
    expect((await send({ Objects, Quiet: true })).Deleted).toBeUndefined();
    const many = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }));
    await expect(send({ Objects: many })).rejects.toMatchObject({ name: 'MalformedXML' });
  });
});
