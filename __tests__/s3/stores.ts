import './one-realm.ts';
import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import type { LocalS3 } from '../../dev/local-s3/local-s3.ts';
import { split } from '../../src/asset-set/attributes.ts';
import { byteBudget } from '../../src/async.ts';
import { StoreError } from '../../src/errors.ts';
import type { AssetCopy, AssetPut, AssetPutInParts, ObjectStore, StoredDocument } from '../../src/ports.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import type { RoleSettings, StoreSettings } from '../../src/s3/settings.ts';
import { LIMITS, type Limits } from '../../src/s3/transport.ts';

export const BUCKET = 'bucket';
const PART_BYTES = 5 * 1024 ** 2;
export const ABSENT = { kind: 'absent' } as const;
export const OWNER = '123456789012';
export const ROLE_ARN = `arn:aws:iam::${OWNER}:role/deploy`;
export const ROLE: RoleSettings = {
  arn: ROLE_ARN,
  sessionName: 'session-1',
  durationSeconds: 900,
  externalId: undefined,
  audience: 'sts.amazonaws.com',
};

export function settingsFor(endpointUrl: string | undefined, overrides: Partial<StoreSettings> = {}): StoreSettings {
  return {
    bucket: BUCKET,
    region: 'us-east-1',
    endpointUrl,
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'testsecret1', sessionToken: undefined },
    role: undefined,
    expectedBucketOwner: undefined,
    maxAttempts: 3,
    partSizeBytes: PART_BYTES,
    storageClass: undefined,
    serverSideEncryption: undefined,
    sseKmsKeyId: undefined,
    acl: undefined,
    tagging: undefined,
    ...overrides,
  };
}

/** A store on the default bucket of a server. */
export function storeAt(
  { url }: Pick<LocalS3, 'url'>,
  settings: Partial<StoreSettings> = {},
  limits: Partial<Limits> = {},
): ObjectStore {
  return s3ObjectStore(settingsFor(url, settings), { limits: { ...LIMITS, ...limits } });
}

export const ATTRIBUTES = { metadata: { 'commit-hash': 'c1' }, contentType: 'application/zip' };

export function assetOf(key: string, text: string | Uint8Array, overrides: Partial<AssetPut> = {}): AssetPut {
  const body = Buffer.from(text);
  const sha256 = sha256Of(body);
  return { key, body, sha256, attributes: ATTRIBUTES, condition: ABSENT, signal: never(), ...overrides };
}

export function largeAssetOf(key: string, body: Uint8Array, overrides: Partial<AssetPutInParts> = {}): AssetPutInParts {
  const { partSizeBytes = PART_BYTES } = overrides;
  const parts = split(body.length, partSizeBytes).map((part) =>
    body.subarray(part.position, part.position + part.sizeBytes),
  );
  return {
    key,
    sizeBytes: body.length,
    trustsMetadata: true,
    partSizeBytes,
    partChecksums: parts.map(sha256Of),
    attributes: ATTRIBUTES,
    condition: ABSENT,
    signal: never(),
    budget: byteBudget(64 * 1024 ** 2),
    read: async (position, lengthBytes) => body.subarray(position, position + lengthBytes),
    beforeComplete: async () => {},
    ...overrides,
  };
}

export function copyOf(source: AssetCopy['source'], target: string, overrides: Partial<AssetCopy> = {}): AssetCopy {
  return { source, target, attributes: ATTRIBUTES, signal: never(), ...overrides };
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

export function sha256Of(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64');
}

export async function keysIn(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of store.list(prefix)) keys.push(...page.map(({ key }) => key));
  return keys;
}

export function textOf(document: StoredDocument | undefined): string | undefined {
  return document === undefined ? undefined : Buffer.from(document.body).toString();
}

/** @returns the StoreError that `work` must fail with; its message must be one line */
export async function faultOf(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(
    (value) => value,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreError)) throw new Error(`no StoreError, but ${String(error)}`, { cause: error });
  expect(error.message).not.toMatch(/[\r\n]/);
  return error;
}

/** Every operation of a store, each on its own keys. `source` and `doc` must exist. */
export const OPERATIONS: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  readDocument: (store) => store.readDocument('doc'),
  writeDocument: (store) => store.writeDocument('new-doc', Buffer.from('{}'), ABSENT),
  list: (store) => keysIn(store),
  head: (store) => store.head('source'),
  putAsset: (store) => store.putAsset(assetOf('put', 'asset')),
  putAssetInParts: (store) =>
    store.putAssetInParts(largeAssetOf('parts', Buffer.from('asset'), { partSizeBytes: store.partSizeBytes })),
  copyAsset: (store) => store.copyAsset(copyOf({ key: 'source', etag: SOURCE_ETAG, sizeBytes: 6 }, 'copy')),
  readAsset: (store) =>
    store.readAsset({
      key: 'source',
      etag: SOURCE_ETAG,
      sizeBytes: 6,
      range: { position: 0, lengthBytes: 6 },
      signal: never(),
    }),
  abortUploads: (store) => store.abortUploads('x'),
};

const SOURCE = 'source';
const SOURCE_ETAG = `"${createHash('md5').update(SOURCE).digest('hex')}"`;

/** Stores the objects that the operations above need. */
export function prepare(server: LocalS3, bucket = BUCKET): void {
  for (const key of server.keys(bucket)) server.delete(bucket, key);
  server.put(bucket, 'doc', '{"a":1}');
  server.put(bucket, 'source', SOURCE);
}
