import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { HeadObjectCommand, PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BUCKET, clientOf, start, until } from '../start.ts';

const put = (Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}) =>
  new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more });

const head = (Key: string) => new HeadObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' });
const refusal = (status: number, name: string) => ({ name, $metadata: { httpStatusCode: status } });

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');
const md5 = (text: string) => createHash('md5').update(text).digest();

describe('PutObject', () => {
  it('stores the bytes under their MD5', async () => {
    await using s3 = await start();
    const { ETag } = await s3.client.send(put('a', 'hello'));
    expect(ETag).toBe(`"${md5('hello').toString('hex')}"`);
    expect(s3.server.get(BUCKET, 'a')?.content.text()).toBe('hello');
  });

  it('keeps the attributes of the object', async () => {
    await using s3 = await start();
    const placement = { StorageClass: 'STANDARD_IA', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key' } as const;
    const description = { ContentType: 'text/x', CacheControl: 'no-store', ContentEncoding: 'gzip' };
    const metadata = { Metadata: { 'Commit-Hash': 'c1' }, Tagging: 'a=1&b=x%20y', ACL: 'private' } as const;
    await s3.client.send(put('a', 'x', { ...placement, ...description, ...metadata }));
    const found = await s3.client.send(head('a'));
    expect(found).toMatchObject({ ...placement, ...description, Metadata: { 'commit-hash': 'c1' }, TagCount: 2 });
    // Under KMS the ETag is not the MD5.
    expect(found.ETag).not.toContain(md5('x').toString('hex'));
    const stored = s3.server.get(BUCKET, 'a');
    expect(stored).toMatchObject({ acl: 'private', tags: [{ key: 'a' }, { key: 'b', value: 'x y' }] });
  });

  it('keeps and returns the checksum it came with', async () => {
    await using s3 = await start();
    await s3.client.send(put('a', 'hello', { ChecksumSHA256: sha256('hello') }));
    expect(await s3.client.send(head('a'))).toMatchObject({
      ChecksumSHA256: sha256('hello'),
      ChecksumType: 'FULL_OBJECT',
    });
  });

  it('without a checksum is refused where objects are retained', async () => {
    await using s3 = await start({ buckets: [{ name: BUCKET, objectLock: true }] });
    const client = clientOf(s3.server, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    await expect(client.send(put('a', 'hello'))).rejects.toMatchObject({
      ...refusal(400, 'InvalidRequest'),
      message:
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    });
    await client.send(put('a', 'hello', { ChecksumSHA256: sha256('hello') }));
    await client.send(put('b', 'hello', { ContentMD5: md5('hello').toString('base64') }));
    expect(s3.server.keys(BUCKET)).toEqual(['a', 'b']);
  });

  it('gives an object without a checksum a CRC-64/NVME', async () => {
    await using s3 = await start();
    s3.server.put(BUCKET, 'a', '123456789');
    const crc = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
    expect(await s3.client.send(head('a'))).toMatchObject({ ChecksumCRC64NVME: crc });
  });

  it.each<[string, Partial<PutObjectCommandInput>]>([
    ['SHA-256', { ChecksumSHA256: sha256('other') }],
    ['CRC-32', { ChecksumCRC32: 'AAAAAA==' }],
    ['CRC-32C', { ChecksumCRC32C: 'AAAAAA==' }],
    ['CRC-64/NVME', { ChecksumCRC64NVME: 'AAAAAAAAAAA=' }],
    ['MD5', { ContentMD5: md5('other').toString('base64') }],
  ])('refuses a wrong %s and stores nothing', async (_name, digest) => {
    await using s3 = await start();
    await expect(s3.client.send(put('a', 'hello', digest))).rejects.toMatchObject(refusal(400, 'BadDigest'));
    expect(s3.server.keys(BUCKET)).toEqual([]);
  });

  it.each<[string, string, number, Partial<PutObjectCommandInput>]>([
    ['too long a key', 'KeyTooLongError', 400, { Key: 'é'.repeat(513) }],
    ['too much metadata', 'MetadataTooLarge', 400, { Metadata: { a: 'x'.repeat(2048) } }],
    ['an MD5 that is none', 'InvalidDigest', 400, { ContentMD5: 'AAAA' }],
    ['a bucket that is not there', 'NoSuchBucket', 404, { Bucket: 'missing' }],
    ['an owner that is another', 'AccessDenied', 403, { ExpectedBucketOwner: '999999999999' }],
    ['a tag twice', 'InvalidTag', 400, { Tagging: 'a=1&a=2' }],
    ['any other If-None-Match', 'NotImplemented', 501, { IfNoneMatch: '"x"' }],
  ])('refuses %s', async (_name, code, status, more) => {
    await using s3 = await start();
    await expect(s3.client.send(put('a', 'x', more))).rejects.toMatchObject(refusal(status, code));
  });

  it('accepts any key of up to 1,024 bytes', async () => {
    await using s3 = await start();
    const keys = ['a//b', '../a', './a/', 'line1\nline2', 'a%2Fb', 'é😀', 'a', 'a/b', 'k'.repeat(1024), "!*'()&=+"];
    for (const key of keys) await s3.client.send(put(key, key));
    for (const key of keys) expect(s3.server.get(BUCKET, key)?.content.text()).toBe(key);
    expect(s3.server.keys(BUCKET)).toHaveLength(keys.length);
  });
});

describe('a conditional PutObject', () => {
  it('lets exactly one of 64 creators win', async () => {
    await using s3 = await start();
    const creates = Array.from({ length: 64 }, (_, writer) => put('record', `w${writer}`, { IfNoneMatch: '*' }));
    const results = await Promise.allSettled(creates.map((create) => s3.client.send(create)));
    const winners = results.flatMap(({ status }, writer) => (status === 'fulfilled' ? [`w${writer}`] : []));
    expect(winners).toEqual([s3.server.get(BUCKET, 'record')?.content.text()]);
    expect(s3.server.requests.filter((logged) => logged.errorCode === 'PreconditionFailed')).toHaveLength(63);
  });

  it('lets exactly one of 64 swappers win', async () => {
    await using s3 = await start();
    const { etag } = s3.server.put(BUCKET, 'record', 'old');
    const swaps = Array.from({ length: 64 }, (_, writer) => put('record', `w${writer}`, { IfMatch: etag }));
    const results = await Promise.allSettled(swaps.map((swap) => s3.client.send(swap)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is judged when the body has arrived, not when it starts to arrive', async () => {
    await using s3 = await start();
    // Delayed after its body has arrived, before it takes effect.
    s3.server.fault = ({ sequence }) => (sequence === 1 ? { kind: 'delay', ms: 200 } : undefined);
    const slow = s3.client.send(put('a', 'slow', { IfNoneMatch: '*' }));
    const refused = expect(slow).rejects.toMatchObject(refusal(412, 'PreconditionFailed'));
    await until(() => s3.server.requests.length === 1);
    await s3.client.send(put('a', 'fast', { IfNoneMatch: '*' }));
    await refused;
  });

  it('says that an If-Match has nothing to match', async () => {
    await using s3 = await start();
    const swap = put('missing', 'x', { IfMatch: '"00000000000000000000000000000000"' });
    await expect(s3.client.send(swap)).rejects.toMatchObject(refusal(404, 'NoSuchKey'));
  });
});

describe('a body on the wire', () => {
  it('may come in chunks with a trailer', async () => {
    await using s3 = await start();
    const body = Readable.from([Buffer.alloc(60_000, 'a'), Buffer.alloc(40_000, 'b')], { objectMode: false });
    const more = { Body: body, ContentLength: 100_000, ContentEncoding: 'br' };
    await s3.client.send(put('a', '', { ...more, ChecksumAlgorithm: 'CRC32C' }));
    const [logged] = s3.server.requests;
    expect(logged?.headers['x-amz-content-sha256']).toBe('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    const stored = s3.server.get(BUCKET, 'a');
    expect(stored).toMatchObject({ headers: { 'content-encoding': 'br' }, checksum: { algorithm: 'CRC32C' } });
    expect(stored?.content.sizeBytes).toBe(100_000);
  });

  it('has no effect when it breaks off', async () => {
    await using s3 = await start();
    const sent = request(`${s3.server.url}/${BUCKET}/a`, { method: 'PUT', headers: { 'content-length': 1000 } });
    sent.on('error', () => {});
    sent.write('half', () => sent.destroy());
    await until(() => s3.server.requests[0]?.endedAt !== undefined);
    expect(s3.server.requests).toMatchObject([{ operation: 'PutObject', status: undefined }]);
    expect(s3.server.keys(BUCKET)).toEqual([]);
  });
});
