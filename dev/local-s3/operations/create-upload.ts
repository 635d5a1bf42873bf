import { randomBytes } from 'node:crypto';
import { type ChecksumAlgorithm, type ChecksumType, parseChecksumAlgorithm } from '../checksums.ts';
import type { MultipartUpload } from '../multipart-upload.ts';
import { emptyReply, type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Headers } from '../s3-request.ts';
import type { Context } from '../service.ts';
import { checkKey, readAttributes } from '../write-attributes.ts';
import { leaf, xmlDocument } from '../xml.ts';
import { requestBucket, requestKey } from './find-object.ts';
import { encryptionHeaders } from './object-headers.ts';

// The CRC of an object follows from those of its parts, unlike a SHA; S3 doesn't offer the 64-bit CRC as composite.
const ONLY_TYPES: Readonly<Partial<Record<ChecksumAlgorithm, ChecksumType>>> = {
  CRC64NVME: 'FULL_OBJECT',
  SHA1: 'COMPOSITE',
  SHA256: 'COMPOSITE',
};

const TYPE_ALONE = 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.';

export function createUpload(context: Context): Reply {
  const { request, service } = context;
  const bucket = requestBucket(context);
  const key = requestKey(context);
  checkKey(key);
  const upload: MultipartUpload = {
    uploadId: randomBytes(48).toString('base64url'),
    key,
    initiated: new Date(service.settings.now()),
    attributes: readAttributes(request.headers),
    ...readChecksumChoice(request.headers),
    parts: new Map(),
  };
  bucket.uploads.set(upload.uploadId, upload);
  const names = [leaf('Bucket', bucket.name), leaf('Key', key), leaf('UploadId', upload.uploadId)];
  return xmlReply(xmlDocument('InitiateMultipartUploadResult', ...names), {
    ...encryptionHeaders(upload.attributes.headers),
    ...(upload.checksumAlgorithm === undefined
      ? {}
      : { 'x-amz-checksum-algorithm': upload.checksumAlgorithm, 'x-amz-checksum-type': upload.checksumType }),
  });
}

export function abortUpload(context: Context): Reply {
  requestBucket(context).uploads.delete(findUpload(context).uploadId);
  return emptyReply(204);
}

/** @throws {S3Error} NoSuchUpload */
export function findUpload(context: Context): MultipartUpload {
  const uploadId = context.request.query.uploadId ?? '';
  const upload = requestBucket(context).uploads.get(uploadId);
  if (upload !== undefined && upload.key === context.request.key) return upload;
  throw new S3Error('NoSuchUpload', { details: { UploadId: uploadId } });
}

function readChecksumChoice(headers: Headers): {
  checksumAlgorithm: ChecksumAlgorithm | undefined;
  checksumType: ChecksumType;
} {
  const name = headers['x-amz-checksum-algorithm'];
  const wanted = headers['x-amz-checksum-type'];
  if (name === undefined) {
    if (wanted === undefined) return { checksumAlgorithm: undefined, checksumType: 'FULL_OBJECT' };
    throw new S3Error('InvalidRequest', { message: TYPE_ALONE });
  }
  const checksumAlgorithm = parseChecksumAlgorithm(name);
  const only = ONLY_TYPES[checksumAlgorithm];
  const checksumType = wanted ?? only ?? 'COMPOSITE';
  if ((checksumType === 'COMPOSITE' || checksumType === 'FULL_OBJECT') && checksumType === (only ?? checksumType)) {
    return { checksumAlgorithm, checksumType };
  }
  const message = `The ${checksumType} checksum type cannot be used with the ${name} checksum algorithm.`;
  throw new S3Error('InvalidRequest', { message });
}
