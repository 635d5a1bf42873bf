import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, clientOf, start } from './start.ts';

describe('deny', () => {
  it('refuses one action on one key and names both', async () => {
    await using s3 = await start({ deny: ({ action, key }) => action === 's3:GetObject' && key === 'secret' });
    for (const key of ['secret', 'open']) s3.server.put(BUCKET, key, 'x');
    const get = (Key: string) => s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    await expect(get('secret')).rejects.toThrow(
      'User: arn:aws:iam::123456789012:user/test is not authorized to perform: s3:GetObject ' +
        'on resource: "arn:aws:s3:::bucket/secret" because no identity-based policy allows the s3:GetObject action',
    );
    await get('open');
    const copy = new CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: `${BUCKET}/secret` });
    await expect(s3.client.send(copy)).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('refuses a missing key when listing is not allowed', async () => {
    await using s3 = await start({ deny: ({ action }) => action === 's3:ListBucket' });
    s3.server.put(BUCKET, 'there', 'x');
    const head = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key }));
    await expect(head('missing')).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await head('there');
    const list = new ListObjectsV2Command({ Bucket: BUCKET });
    await expect(s3.client.send(list)).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('checks tags and ACLs separately from the object', async () => {
    await using s3 = await start();
    const put = (more: object) =>
      s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'x', ...more }));
    s3.server.deny = ({ action }) => action === 's3:PutObjectTagging' || action === 's3:PutObjectAcl';
    await put({});
    await expect(put({ Tagging: 'a=1' })).rejects.toThrow('s3:PutObjectTagging');
    await expect(put({ ACL: 'private' })).rejects.toThrow('s3:PutObjectAcl');
  });

  it('distinguishes key pairs', async () => {
    const credentials = { accessKeyId: 'reader', secretAccessKey: 'r' };
    await using s3 = await start({
      credentials: [credentials],
      deny: ({ accessKeyId, action }) => accessKeyId === 'reader' && action === 's3:PutObject',
    });
    const put = new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'x' });
    await s3.client.send(put);
    const reader = clientOf(s3.server, { credentials });
    await expect(reader.send(put)).rejects.toMatchObject({ name: 'AccessDenied' });
    reader.destroy();
  });
});
