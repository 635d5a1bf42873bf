import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Content, type LocalS3, type LoggedRequest, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { StoreSettings } from '../../src/s3/settings.ts';
import {
  ABSENT,
  assetOf,
  BUCKET,
  copyOf,
  largeAssetOf,
  OPERATIONS,
  OWNER,
  prepare,
  sha256Of,
  storeAt,
} from './stores.ts';

// Requests as the server sees them.
let server: LocalS3;
beforeAll(async () => {
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
});
beforeEach(() => {
  prepare(server);
  server.clearRequests();
});
afterAll(() => server.close());

function headersOf(operation: LoggedRequest['operation']): Readonly<Record<string, string>>[] {
  return server.requests.filter((request) => request.operation === operation).map(({ headers }) => headers);
}

const SETTINGS = {
  expectedBucketOwner: OWNER,
  storageClass: 'STANDARD_IA',
  serverSideEncryption: 'aws:kms',
  sseKmsKeyId: 'key-1',
  acl: 'bucket-owner-full-control',
  tagging: 'team=a%20b&stage=%C3%A4',
} as const satisfies Partial<StoreSettings>;

const PLACEMENT = {
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
  'x-amz-acl': 'bucket-owner-full-control',
  'x-amz-expected-bucket-owner': OWNER,
};

const ATTRIBUTES = {
  metadata: { 'commit-hash': 'c1', 'x-y': 'a b; c=d' },
  contentType: 'text/plain; charset=utf-8',
  cacheControl: 'max-age=60, immutable',
};

const ASSET_HEADERS = {
  ...PLACEMENT,
  'x-amz-storage-class': 'STANDARD_IA',
  'x-amz-meta-commit-hash': 'c1',
  'x-amz-meta-x-y': 'a b; c=d',
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'max-age=60, immutable',
};

const TAGS = { 'x-amz-tagging': 'team=a%20b&stage=%C3%A4' };

describe('an asset', () => {
  it('is sent with all configured attributes, its digest and its condition', async () => {
    await storeAt(server, SETTINGS).putAsset(assetOf('a.txt', 'asset', { attributes: ATTRIBUTES }));
    expect(headersOf('PutObject')).toEqual([
      expect.objectContaining({
        ...ASSET_HEADERS,
        ...TAGS,
        'x-amz-checksum-sha256': sha256Of(Buffer.from('asset')),
        'if-none-match': '*',
        'content-length': '5',
      }),
    ]);
    expect(server.get(BUCKET, 'a.txt')).toMatchObject({
      metadata: ATTRIBUTES.metadata,
      tags: [
        { key: 'team', value: 'a b' },
        { key: 'stage', value: 'ä' },
      ],
    });
  });

  it('is sent without attributes that are not configured', async () => {
    await storeAt(server).putAsset(assetOf('a.txt', 'asset', { attributes: { metadata: {} } }));
    const [headers = {}] = headersOf('PutObject');
    const optional = /^x-amz-(acl|tagging|storage-class|server-side|expected|meta-)|^cache-control$|^if-match$/;
    expect(Object.keys(headers).filter((name) => optional.test(name))).toEqual([]);
  });

  it('that replaces another is sent with the ETag of the old one', async () => {
    const { etag } = server.put(BUCKET, 'a.txt', 'old');
    await storeAt(server).putAsset(assetOf('a.txt', 'new', { condition: { kind: 'unchanged', etag } }));
    const [headers] = headersOf('PutObject');
    expect(headers).toMatchObject({ 'if-match': etag });
    expect(headers).not.toHaveProperty('if-none-match');
  });
});

it('a record is stored like an asset, but without storage class and tags', async () => {
  await storeAt(server, SETTINGS).writeDocument('records/a.json', Buffer.from('{}'), ABSENT);
  const [headers = {}] = headersOf('PutObject');
  expect(headers).toMatchObject({ ...PLACEMENT, 'content-type': 'application/json', 'if-none-match': '*' });
  expect(Object.keys(headers).filter((name) => /storage-class|tagging|x-amz-meta/.test(name))).toEqual([]);
});

it.each(Object.entries(OPERATIONS))('%s works in a bucket with Object Lock', async (_, operate) => {
  await using retaining = await startLocalS3({ buckets: [{ name: BUCKET, objectLock: true }], minPartSizeBytes: 1 });
  prepare(retaining);
  await operate(storeAt(retaining, { partSizeBytes: 3 }));
  expect(retaining.requests.map(({ errorCode }) => errorCode).filter(Boolean)).toEqual([]);
});

it('an asset in parts is created with all configured attributes and completed under its condition', async () => {
  const store = storeAt(server, { ...SETTINGS, partSizeBytes: 3 });
  await store.putAssetInParts(
    largeAssetOf('a.txt', Buffer.from('asset'), { partSizeBytes: 3, attributes: ATTRIBUTES }),
  );
  expect(headersOf('CreateMultipartUpload')).toEqual([
    expect.objectContaining({ ...ASSET_HEADERS, ...TAGS, 'x-amz-checksum-algorithm': 'SHA256' }),
  ]);
  expect(
    headersOf('UploadPart')
      .map((headers) => headers['x-amz-checksum-sha256'])
      .sort(),
  ).toEqual(['ass', 'et'].map((text) => sha256Of(Buffer.from(text))).sort());
  expect(headersOf('CompleteMultipartUpload')).toEqual([expect.objectContaining({ 'if-none-match': '*' })]);
  expect(server.get(BUCKET, 'a.txt')).toMatchObject({ metadata: ATTRIBUTES.metadata, acl: SETTINGS.acl });
});

describe('a copy', () => {
  const SOURCE = {
    'x-amz-copy-source': `${BUCKET}/deep/so%20urce%2B%25%26%C3%A4%0A`,
    'x-amz-source-expected-bucket-owner': OWNER,
  };

  it('is sent with all configured attributes, and keeps the tags', async () => {
    const source = server.put(BUCKET, 'deep/so urce+%&ä\n', 'source', { tags: [{ key: 'a', value: 'b' }] });
    const { key, etag } = source;
    await storeAt(server, SETTINGS).copyAsset(
      copyOf({ key, etag, sizeBytes: 6 }, 'target', { attributes: ATTRIBUTES }),
    );
    const [headers = {}] = headersOf('CopyObject');
    expect(headers).toMatchObject({
      ...ASSET_HEADERS,
      ...SOURCE,
      'x-amz-copy-source-if-match': etag,
      'x-amz-metadata-directive': 'REPLACE',
    });
    expect(Object.keys(headers).filter((name) => name.includes('tagging'))).toEqual([]);
    expect(server.get(BUCKET, 'target')).toMatchObject({ metadata: ATTRIBUTES.metadata, tags: source.tags });
  });

  it('that must not replace anything is sent with If-None-Match, whole and in parts', async () => {
    const { key, etag } = server.put(BUCKET, 'source', '0123456789');
    const source = { key, etag, sizeBytes: 10 };
    await storeAt(server).copyAsset(copyOf(source, 'whole', { condition: ABSENT }));
    const inParts = storeAt(server, {}, { copiedAtOnceBytes: 9, copiedPartBytes: 4 });
    await inParts.copyAsset(copyOf(source, 'parts', { condition: ABSENT }));
    expect(headersOf('CopyObject')).toEqual([expect.objectContaining({ 'if-none-match': '*' })]);
    expect(headersOf('CompleteMultipartUpload')).toEqual([expect.objectContaining({ 'if-none-match': '*' })]);
    for (const store of [storeAt(server), inParts])
      for (const target of ['whole', 'parts'])
        expect(await store.copyAsset(copyOf(source, target, { condition: ABSENT }))).toEqual({
          outcome: 'precondition-failed',
        });
    expect(server.uploads(BUCKET)).toEqual([]);
  });

  it("in parts is sent with all configured attributes, and each part with the source's ETag", async () => {
    const { key, etag } = server.put(BUCKET, 'deep/so urce+%&ä\n', '0123456789');
    const store = storeAt(server, SETTINGS, { copiedAtOnceBytes: 9, copiedPartBytes: 4 });
    await store.copyAsset(copyOf({ key, etag, sizeBytes: 10 }, 'target', { attributes: ATTRIBUTES }));
    expect(headersOf('CreateMultipartUpload')).toEqual([expect.objectContaining({ ...ASSET_HEADERS, ...TAGS })]);
    const ranges = headersOf('UploadPartCopy').map((headers) => {
      expect(headers).toMatchObject({ ...SOURCE, 'x-amz-copy-source-if-match': etag });
      return headers['x-amz-copy-source-range'];
    });
    expect(ranges.sort()).toEqual(['bytes=0-3', 'bytes=4-7', 'bytes=8-9']);
  });
});

it.each(Object.entries(OPERATIONS))('%s sends the expected bucket owner with every request', async (_, operate) => {
  await operate(storeAt(server, { expectedBucketOwner: OWNER, partSizeBytes: 3 }));
  expect(server.requests.length).toBeGreaterThan(0);
  for (const { headers } of server.requests) expect(headers['x-amz-expected-bucket-owner']).toBe(OWNER);
});

it.each(Object.entries(OPERATIONS))('%s never sends x-id, which some stores refuse', async (_, operate) => {
  await operate(storeAt(server, { partSizeBytes: 3 }));
  for (const { query } of server.requests) expect(query).not.toHaveProperty('x-id');
});

it.each(Object.entries(OPERATIONS))('%s sends x-amz-request-payer with every request', async (_, operate) => {
  await operate(storeAt(server, { requesterPays: true, partSizeBytes: 3 }));
  expect(server.requests.length).toBeGreaterThan(0);
  for (const { headers } of server.requests) expect(headers['x-amz-request-payer']).toBe('requester');
});

it.each(['My_Assets', 'tenant:assets'])(
  'a bucket with a name that only other stores allow is reached: %s',
  async (bucket) => {
    const other = await startLocalS3({ buckets: [bucket], minPartSizeBytes: 1 });
    try {
      prepare(other, bucket);
      const store = storeAt(other, { bucket, forcePathStyle: false, partSizeBytes: 3 });
      for (const operate of Object.values(OPERATIONS)) await operate(store);
      expect(other.keys(bucket)).toEqual(['copy', 'doc', 'new-doc', 'parts', 'put', 'source']);
    } finally {
      await other.close();
    }
  },
);

it.each(Object.entries(OPERATIONS))('%s refuses a bucket of another owner', async (_, operate) => {
  await expect(operate(storeAt(server, { expectedBucketOwner: '999999999999' }))).rejects.toMatchObject({
    kind: 'access-denied',
  });
});

describe('variables for AWS endpoints', () => {
  const VARIABLES = { AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'true' };
  beforeEach(() => void Object.assign(process.env, VARIABLES));
  afterEach(() => {
    for (const name of Object.keys(VARIABLES)) delete process.env[name];
  });

  it.each(Object.entries(OPERATIONS))('do not affect %s with endpoint-url', async (_, operate) => {
    await operate(storeAt(server));
  });
});

it.each([
  ['putAsset', 'put'],
  ['putAssetInParts', 'parts'],
  ['copyAsset', 'copy'],
])('an ETag without quotes is quoted, for %s', async (name, key) => {
  server.fault = () => ({
    kind: 'rewrite',
    rewrite: (reply) => ({
      ...reply,
      headers: { ...reply.headers, ...unquoted(reply.headers.etag) },
      body: Content.from(reply.body.text().replaceAll('&quot;', '')),
    }),
  });
  const result = await OPERATIONS[name]?.(storeAt(server));
  server.fault = undefined;
  expect(result).toMatchObject({ etag: server.get(BUCKET, key)?.etag });
});

function unquoted(etag: string | undefined): { etag?: string } {
  return etag === undefined ? {} : { etag: etag.replaceAll('"', '') };
}
