import type { ObjectStore } from '../../ports.ts';
import { abortUploads } from './abort-uploads.ts';
import { Bucket } from './bucket.ts';
import { connect } from './connection.ts';
import type { Limits } from './limits.ts';
import { putInParts } from './put-in-parts.ts';
import { head, list, readAsset, readDocument } from './read.ts';
import type { StoreSettings } from './settings.ts';
import { copyAsset, putAsset, writeDocument } from './write.ts';

/** A bucket of an S3 server. */
export function s3ObjectStore(settings: StoreSettings, limits?: Limits): ObjectStore {
  const bucket = new Bucket(connect(settings, limits));
  return {
    bucket: settings.bucket,
    partSizeBytes: settings.partSizeBytes,
    readDocument: (key) => readDocument(bucket, key),
    writeDocument: (key, body, condition) => writeDocument(bucket, { key, body, condition }),
    list: (prefix) => list(bucket, prefix),
    head: (key) => head(bucket, key),
    putAsset: (asset) => putAsset(bucket, asset),
    putAssetInParts: (asset) => putInParts(bucket, asset),
    copyAsset: (copy) => copyAsset(bucket, copy),
    readAsset: (read) => readAsset(bucket, read),
    abortUploads: (prefix) => abortUploads(bucket, prefix),
  };
}
