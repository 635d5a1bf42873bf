import { once } from '../async.ts';
import type { ObjectStore } from '../ports.ts';
import { Bucket } from './bucket.ts';
import { type ConnectOptions, connect } from './connection.ts';
import { endpointName } from './endpoint.ts';
import { head, list, readAsset, readDocument } from './read.ts';
import type { StoreSettings } from './settings.ts';

/** A bucket of an S3 server. What a check that finds its set does not ask is loaded when it is needed. */
export function s3ObjectStore(settings: StoreSettings, options?: ConnectOptions): ObjectStore {
  const bucket = new Bucket(connect(settings, options));
  // Once: to import what is loaded takes a tenth of what a request does.
  const write = once(() => import('./write.ts'));
  return {
    bucket: settings.bucket,
    endpoint: endpointName(settings),
    partSizeBytes: settings.partSizeBytes,
    requiresSignatures: false,
    readDocument: (key) => readDocument(bucket, key),
    list: (prefix) => list(bucket, prefix),
    writeDocument: async (key, body, condition) => (await write()).writeDocument(bucket, { key, body, condition }),
    head: async (key) => head(bucket, key),
    putAsset: async (asset) => (await write()).putAsset(bucket, asset),
    putAssetInParts: async (asset) => (await import('./in-parts.ts')).putInParts(bucket, asset),
    copyAsset: async (copy) => (await write()).copyAsset(bucket, copy),
    readAsset: (read) => readAsset(bucket, read),
    abortUploads: async (prefix, beforeEach) =>
      (await import('./multipart.ts')).abortUploads(bucket, prefix, beforeEach),
  };
}
