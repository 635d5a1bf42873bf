import { CopyObjectCommand, type CopyObjectCommandInput, HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, type Started, start } from '../start.ts';

const SOURCE = "source dir/ü+%25'?.txt";

async function startWithSource(): Promise<Started> {
  const s3 = await start();
  const description = {
    contentType: 'text/css',
    cacheControl: 'no-cache',
    metadata: { a: '1' },
    storageClass: 'STANDARD_IA',
  };
  s3.server.put(BUCKET, SOURCE, 'body', {
    ...description,
    checksumAlgorithm: 'SHA256',
    tags: [{ key: 't', value: 'v' }],
  });
  return s3;
}

const CopySource = `${BUCKET}/${encodeURIComponent(SOURCE)}`;
const copy = (more: Partial<CopyObjectCommandInput> = {}) =>
  new CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource, ...more });

describe('CopyObject', () => {
  it('copies bytes, metadata, tags and checksum, but not the storage class', async () => {
    await using s3 = await startWithSource();
    const source = s3.server.get(BUCKET, SOURCE);
    const { CopyObjectResult } = await s3.client.send(copy());
    expect(CopyObjectResult).toMatchObject({ ETag: source?.etag, ChecksumSHA256: source?.checksum?.value });
    expect(s3.server.get(BUCKET, 'copy')).toMatchObject({
      content: source?.content,
      metadata: { a: '1' },
      tags: source?.tags,
      checksum: source?.checksum,
      headers: { 'content-type': 'text/css', 'cache-control': 'no-cache' },
    });
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'copy' }));
    expect(head.StorageClass).toBeUndefined();
  });

  it('replaces all metadata when asked to', async () => {
    await using s3 = await startWithSource();
    await s3.client.send(copy({ MetadataDirective: 'REPLACE', Metadata: { b: '2' }, StorageClass: 'STANDARD_IA' }));
    expect(s3.server.get(BUCKET, 'copy')).toMatchObject({
      metadata: { b: '2' },
      headers: { 'content-type': 'binary/octet-stream', 'x-amz-storage-class': 'STANDARD_IA' },
    });
  });

  it('copies onto itself only to change something', async () => {
    await using s3 = await startWithSource();
    const self = { Key: SOURCE };
    await expect(s3.client.send(copy(self))).rejects.toMatchObject({ name: 'InvalidRequest' });
    await s3.client.send(copy({ ...self, MetadataDirective: 'REPLACE', Metadata: { c: '3' } }));
    expect(s3.server.get(BUCKET, SOURCE)?.metadata).toEqual({ c: '3' });
  });

  it.each<[string, string, number, Partial<CopyObjectCommandInput>]>([
    ['a source that changed', 'PreconditionFailed', 412, { CopySourceIfMatch: '"0"' }],
    ['a source that is missing', 'NoSuchKey', 404, { CopySource: `${BUCKET}/missing` }],
    ['a source without a key', 'InvalidArgument', 400, { CopySource: BUCKET }],
    ['a source bucket that is missing', 'NoSuchBucket', 404, { CopySource: 'missing/a' }],
    ['a source bucket of someone else', 'AccessDenied', 403, { ExpectedSourceBucketOwner: '999999999999' }],
    ['a target that is there', 'PreconditionFailed', 412, { Key: 'there', IfNoneMatch: '*' }],
    ['a target that changed', 'PreconditionFailed', 412, { Key: 'there', IfMatch: '"0"' }],
  ])('refuses %s', async (_name, name, httpStatusCode, more) => {
    await using s3 = await startWithSource();
    s3.server.put(BUCKET, 'there', 'x');
    await expect(s3.client.send(copy(more))).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
  });
});
