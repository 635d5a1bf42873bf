import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, type Started, start } from '../start.ts';

const Key = 'dir/big';
const BODIES = ['first part', 'second part', 'end'];
// Parts of a few bytes, so that the tests needn't send megabytes.
const SMALL_PARTS = { minPartSizeBytes: 5 };

async function create(s3: Started, more: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> {
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...more }));
  return UploadId ?? '';
}

async function upload(s3: Started, UploadId: string, more: { bodies?: string[]; algorithm?: ChecksumAlgorithm } = {}) {
  const { bodies = BODIES, algorithm: ChecksumAlgorithm } = more;
  const parts = [];
  for (const [index, Body] of bodies.entries()) {
    const part = { Bucket: BUCKET, Key, UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm };
    parts.push({ PartNumber: part.PartNumber, ...(await s3.client.send(new UploadPartCommand(part))) });
  }
  return parts;
}

const complete = (
  s3: Started,
  UploadId: string,
  Parts: NonNullable<CompleteMultipartUploadCommandInput['MultipartUpload']>['Parts'],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) =>
  s3.client.send(
    new CompleteMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId, MultipartUpload: { Parts }, ...more }),
  );

const md5 = (data: string | Buffer) => createHash('md5').update(data).digest();

describe('a multipart upload', () => {
  it('joins its parts under the ETag that S3 gives', async () => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3, { Metadata: { a: '1' }, ContentType: 'text/x', CacheControl: 'no-store' });
    const result = await complete(s3, UploadId, await upload(s3, UploadId));
    const etag = `"${md5(Buffer.concat(BODIES.map((body) => md5(body)))).toString('hex')}-3"`;
    expect(result).toMatchObject({ ETag: etag, Bucket: BUCKET, Key });
    const stored = s3.server.get(BUCKET, Key);
    expect(stored).toMatchObject({ metadata: { a: '1' }, headers: { 'content-type': 'text/x' }, etag });
    expect(stored?.content.text()).toBe(BODIES.join(''));
    expect(s3.server.uploads(BUCKET)).toEqual([]);
  });

  it('uses the last version of a part, and leaves out parts that are not named', async () => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3);
    const [, , third] = await upload(s3, UploadId, { bodies: ['first part', 'old second', 'end'] });
    const [first] = await upload(s3, UploadId, { bodies: ['newer part'] });
    await complete(
      s3,
      UploadId,
      [first, third].flatMap((part) => part ?? []),
    );
    expect(s3.server.get(BUCKET, Key)?.content.text()).toBe('newer partend');
  });

  it('has a composite checksum of SHA-256', async () => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3, { ChecksumAlgorithm: 'SHA256' });
    const parts = await upload(s3, UploadId, { algorithm: 'SHA256' });
    const digests = parts.map((part) => Buffer.from(part.ChecksumSHA256 ?? '', 'base64'));
    const digest = createHash('sha256').update(Buffer.concat(digests)).digest('base64');
    const expected = { ChecksumSHA256: `${digest}-3`, ChecksumType: 'COMPOSITE' };
    expect(await complete(s3, UploadId, parts)).toMatchObject(expected);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject(expected);
  });

  it('has the checksum of all its bytes with CRC-64/NVME', async () => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3, { ChecksumAlgorithm: 'CRC64NVME' });
    const parts = await upload(s3, UploadId, { bodies: ['12345', '6789'], algorithm: 'CRC64NVME' });
    const ChecksumCRC64NVME = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
    expect(await complete(s3, UploadId, parts, { ChecksumCRC64NVME })).toMatchObject({
      ChecksumCRC64NVME,
      ChecksumType: 'FULL_OBJECT',
    });
  });

  it('copies parts from other objects', async () => {
    await using s3 = await start(SMALL_PARTS);
    const { etag } = s3.server.put(BUCKET, 'source', '0123456789');
    const UploadId = await create(s3);
    const part = { Bucket: BUCKET, Key, UploadId, PartNumber: 1, CopySource: `${BUCKET}/source` };
    const stale = new UploadPartCopyCommand({ ...part, CopySourceIfMatch: '"0"' });
    await expect(s3.client.send(stale)).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const copy = new UploadPartCopyCommand({ ...part, CopySourceRange: 'bytes=2-4', CopySourceIfMatch: etag });
    const { CopyPartResult } = await s3.client.send(copy);
    await complete(s3, UploadId, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    expect(s3.server.get(BUCKET, Key)?.content.text()).toBe('234');
  });
});

describe('CompleteMultipartUpload', () => {
  const etag = '"00000000000000000000000000000000"';

  it.each([
    ['a part that is another', 'InvalidPart', [{ PartNumber: 1, ETag: etag }]],
    ['a part that never came', 'InvalidPart', [{ PartNumber: 9, ETag: etag }]],
    ['parts out of order', 'InvalidPartOrder', [2, 1].map((PartNumber) => ({ PartNumber, ETag: etag }))],
    ['no part', 'MalformedXML', []],
  ])('refuses %s', async (_name, name, parts) => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3);
    await upload(s3, UploadId);
    await expect(complete(s3, UploadId, parts)).rejects.toMatchObject({ name });
    expect(s3.server.keys(BUCKET)).toEqual([]);
    expect(s3.server.uploads(BUCKET)).toHaveLength(1);
  });

  it('refuses a part of less than 5 MiB that is not the last', async () => {
    await using s3 = await start();
    const UploadId = await create(s3);
    const parts = await upload(s3, UploadId);
    await expect(complete(s3, UploadId, parts)).rejects.toMatchObject({ name: 'EntityTooSmall' });
    await complete(s3, UploadId, parts.slice(2));
  });

  it('is judged by its conditions, and stays open when refused', async () => {
    await using s3 = await start(SMALL_PARTS);
    s3.server.put(BUCKET, Key, 'there');
    const UploadId = await create(s3);
    const parts = await upload(s3, UploadId);
    for (const more of [{ IfNoneMatch: '*' }, { IfMatch: '"0"' }]) {
      await expect(complete(s3, UploadId, parts, more)).rejects.toMatchObject({ name: 'PreconditionFailed' });
    }
    await complete(s3, UploadId, parts, { IfMatch: s3.server.get(BUCKET, Key)?.etag });
    await expect(complete(s3, UploadId, parts)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it.each<[string, Partial<CompleteMultipartUploadCommandInput>]>([
    ['size', { MpuObjectSize: 5 }],
    ['checksum', { ChecksumCRC32: 'AAAAAA==' }],
  ])('refuses a %s that is not that of the parts', async (_name, more) => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3);
    const parts = await upload(s3, UploadId);
    await expect(complete(s3, UploadId, parts, more)).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
  });

  it('can be as strict about part checksums as S3', async () => {
    await using s3 = await start({ ...SMALL_PARTS, requirePartChecksums: true });
    const UploadId = await create(s3, { ChecksumAlgorithm: 'SHA256' });
    const parts = await upload(s3, UploadId, { algorithm: 'SHA256' });
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await expect(complete(s3, UploadId, bare)).rejects.toThrow('It was missing for part 1 in the request.');
    await complete(s3, UploadId, parts);
  });
});

describe('an open upload', () => {
  it('is listed with its parts until it is aborted', async () => {
    await using s3 = await start();
    const UploadId = await create(s3);
    await upload(s3, UploadId);
    const address = { Bucket: BUCKET, Key, UploadId };
    const listed = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'dir/' }));
    expect(listed.Uploads).toMatchObject([{ Key, UploadId, Initiated: expect.any(Date) }]);
    const page = await s3.client.send(new ListPartsCommand({ ...address, MaxParts: 2 }));
    expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2', Parts: [{ Size: 10 }, { Size: 11 }] });
    await s3.client.send(new AbortMultipartUploadCommand(address));
    await expect(upload(s3, UploadId)).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(s3.server.uploads(BUCKET)).toEqual([]);
  });

  it('refuses part numbers and checksums that do not fit', async () => {
    await using s3 = await start();
    const UploadId = await create(s3, { ChecksumAlgorithm: 'SHA256' });
    const part = { Bucket: BUCKET, Key, UploadId, Body: 'x', ChecksumAlgorithm: 'SHA256' } as const;
    const outside = new UploadPartCommand({ ...part, PartNumber: 10_001 });
    await expect(s3.client.send(outside)).rejects.toMatchObject({ name: 'InvalidArgument' });
    const other = new UploadPartCommand({ ...part, PartNumber: 1, ChecksumAlgorithm: 'CRC32C' });
    await expect(s3.client.send(other)).rejects.toThrow('expected checksum Type: sha256, actual checksum Type: crc32c');
    await expect(create(s3, { ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' })).rejects.toThrow('FULL_OBJECT');
  });
});

describe('GetObjectAttributes', () => {
  it('describes the parts', async () => {
    await using s3 = await start(SMALL_PARTS);
    const UploadId = await create(s3, { ChecksumAlgorithm: 'CRC32' });
    await complete(s3, UploadId, await upload(s3, UploadId));
    const names = ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize', 'StorageClass'] as const;
    const attributes = new GetObjectAttributesCommand({ Bucket: BUCKET, Key, ObjectAttributes: [...names] });
    expect(await s3.client.send(attributes)).toMatchObject({
      ETag: expect.stringMatching(/^[0-9a-f]{32}-3$/),
      ObjectSize: 24,
      StorageClass: 'STANDARD',
      Checksum: { ChecksumType: 'COMPOSITE' },
      ObjectParts: { TotalPartsCount: 3, Parts: [{}, {}, { Size: 3 }] },
    });
  });
});
