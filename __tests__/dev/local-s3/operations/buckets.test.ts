import { Agent } from 'node:http';
import type { LookupFunction } from 'node:net';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, clientOf, start } from '../start.ts';

describe('buckets', () => {
  it('are made, listed and removed', async () => {
    await using s3 = await start();
    await s3.client.send(new CreateBucketCommand({ Bucket: 'other' }));
    const { Buckets } = await s3.client.send(new ListBucketsCommand());
    expect(Buckets?.map(({ Name }) => Name)).toEqual([BUCKET, 'other']);
    s3.server.put('other', 'a', 'x');
    const remove = new DeleteBucketCommand({ Bucket: 'other' });
    await expect(s3.client.send(remove)).rejects.toMatchObject({ name: 'BucketNotEmpty' });
    s3.server.delete('other', 'a');
    await s3.client.send(remove);
    const head = new HeadBucketCommand({ Bucket: 'other' });
    await expect(s3.client.send(head)).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  });

  it('have unique names that S3 allows', async () => {
    await using s3 = await start();
    const make = (Bucket: string) => s3.client.send(new CreateBucketCommand({ Bucket }));
    await expect(make('A_B')).rejects.toMatchObject({ name: 'InvalidBucketName' });
    await expect(make(BUCKET)).rejects.toMatchObject({ name: 'BucketAlreadyOwnedByYou' });
  });

  it('may be addressed by host name', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', 'x');
    // Not every resolver knows bucket.localhost.
    const lookup: LookupFunction = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
    const client = clientOf(s3.server, {
      endpoint: `http://localhost:${s3.server.port}`,
      forcePathStyle: false,
      requestHandler: { httpAgent: new Agent({ lookup }) },
    });
    await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a' }));
    client.destroy();
    expect(s3.server.requests).toMatchObject([{ target: '/a?x-id=GetObject', bucket: BUCKET, key: 'a', status: 200 }]);
  });
});

describe('a bucket in another region', () => {
  const options = { buckets: [{ name: 'far', region: 'eu-west-1' }, BUCKET] };
  const head = new HeadBucketCommand({ Bucket: 'far' });
  const list = new ListObjectsV2Command({ Bucket: 'far' });

  it('is redirected to, naming its region', async () => {
    await using s3 = await start(options);
    await expect(s3.client.send(list)).rejects.toMatchObject({ name: 'PermanentRedirect' });
    await expect(s3.client.send(head)).rejects.toMatchObject({
      $response: { statusCode: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' } },
    });
    expect(await s3.client.send(new GetBucketLocationCommand({ Bucket: 'far' }))).toMatchObject({
      LocationConstraint: 'eu-west-1',
    });
  });

  it('answers requests signed for its own region, and names it to those signed for a third', async () => {
    await using s3 = await start(options);
    const near = clientOf(s3.server, { region: 'eu-west-1' });
    expect(await near.send(head)).toMatchObject({ BucketRegion: 'eu-west-1' });
    near.destroy();
    const third = clientOf(s3.server, { region: 'us-west-2' });
    const malformed = { name: 'AuthorizationHeaderMalformed', Region: 'eu-west-1' };
    await expect(third.send(list)).rejects.toMatchObject(malformed);
    third.destroy();
  });

  it('is found by a client that follows redirects', async () => {
    await using s3 = await start(options, { followRegionRedirects: true });
    expect(await s3.client.send(list)).toMatchObject({ KeyCount: 0 });
  });
});

describe('versioning', () => {
  it('keeps what was overwritten or deleted', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', 'before versioning');
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
    const address = { Bucket: BUCKET, Key: 'a' };
    const { VersionId } = await s3.client.send(new PutObjectCommand({ ...address, Body: 'two' }));
    const marker = await s3.client.send(new DeleteObjectCommand(address));
    expect(marker).toMatchObject({ DeleteMarker: true, VersionId: expect.any(String) });
    expect(s3.server.get(BUCKET, 'a')).toBeUndefined();
    const textOf = async (version: string | undefined) =>
      (await s3.client.send(new GetObjectCommand({ ...address, VersionId: version }))).Body?.transformToString();
    expect(await textOf(VersionId)).toBe('two');
    expect(await textOf('null')).toBe('before versioning');
    await s3.client.send(new DeleteObjectCommand({ ...address, VersionId: marker.VersionId }));
    expect(s3.server.get(BUCKET, 'a')?.content.text()).toBe('two');
    await s3.client.send(new DeleteObjectCommand({ ...address, VersionId }));
    expect(s3.server.get(BUCKET, 'a')?.content.text()).toBe('before versioning');
  });
});

describe('tagging', () => {
  it('is set and read', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', 'x');
    const address = { Bucket: BUCKET, Key: 'a' };
    const TagSet = [{ Key: 'k & v', Value: '<x>' }];
    await s3.client.send(new PutObjectTaggingCommand({ ...address, Tagging: { TagSet } }));
    expect(await s3.client.send(new GetObjectTaggingCommand(address))).toMatchObject({ TagSet });
  });
});
