import {
  type AssetFile,
  type CompleteRecord,
  recordText,
  totalSize,
  type UploadingRecord,
} from '../../src/asset-set/record.ts';

export const COMMIT = 'c'.repeat(40);
export const CODE_HASH = 'd'.repeat(64);

/** A valid record, with the overrides of a test. */
export function uploadingRecord(overrides: Partial<UploadingRecord> = {}): UploadingRecord {
  return {
    state: 'uploading',
    commit: COMMIT,
    origin: { kind: 'upload' },
    writer: { nonce: 'n1', sequence: 1, repository: 'owner/repository', runId: '7', runAttempt: '2' },
    leaseSeconds: 120,
    ...overrides,
  };
}

/** A valid complete record of these files. */
export function completeRecord(files: readonly AssetFile[], overrides: Partial<CompleteRecord> = {}): CompleteRecord {
  return { ...uploadingRecord(), state: 'complete', files, totalSize: totalSize(files), ...overrides };
}

export function assetFile(path: string, overrides: Partial<AssetFile> = {}): AssetFile {
  return { path, size: 3, sha256: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=', etag: '"e1"', ...overrides };
}

export { recordText };
