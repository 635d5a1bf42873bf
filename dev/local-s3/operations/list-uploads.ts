import type { MultipartUpload, UploadedPart } from '../multipart-upload.ts';
import { type Reply, xmlReply } from '../reply.ts';
import type { Context } from '../service.ts';
import { compareUtf8 } from '../utf8-order.ts';
import { element, leaf, xmlDocument } from '../xml.ts';
import { partChecksumElement } from './checksum-elements.ts';
import { findUpload } from './create-upload.ts';
import { requestBucket } from './find-object.ts';
import { pageSize } from './page-size.ts';

/** Without `delimiter`. */
export function listUploads(context: Context): Reply {
  const { query } = context.request;
  const bucket = requestBucket(context);
  const { prefix = '', 'key-marker': keyMarker = '', 'upload-id-marker': uploadIdMarker = '' } = query;
  const mostUploads = pageSize(query, 'max-uploads');
  const after = [...bucket.uploads.values()]
    .filter((upload) => upload.key.startsWith(prefix) && follows(upload, keyMarker, uploadIdMarker))
    .sort(compareUploads);
  const page = after.slice(0, mostUploads);
  const last = after.length > page.length ? page.at(-1) : undefined;
  const encode = query['encoding-type'] === 'url' ? encodeURIComponent : (text: string) => text;
  const xml = xmlDocument(
    'ListMultipartUploadsResult',
    ...[leaf('Bucket', bucket.name), leaf('KeyMarker', encode(keyMarker)), leaf('UploadIdMarker', uploadIdMarker)],
    ...[leaf('NextKeyMarker', last && encode(last.key)), leaf('NextUploadIdMarker', last?.uploadId)],
    ...[leaf('Prefix', encode(prefix)), leaf('EncodingType', query['encoding-type'])],
    ...[leaf('MaxUploads', mostUploads), leaf('IsTruncated', last !== undefined)],
    ...page.map((upload) => uploadElement(upload, encode)),
  );
  return xmlReply(xml);
}

export function listParts(context: Context): Reply {
  const { query } = context.request;
  const upload = findUpload(context);
  const mostParts = pageSize(query, 'max-parts');
  const marker = Number(query['part-number-marker'] ?? 0);
  const after = [...upload.parts.values()].filter((part) => part.number > marker).sort((a, b) => a.number - b.number);
  const page = after.slice(0, mostParts);
  const truncated = after.length > page.length;
  const xml = xmlDocument(
    'ListPartsResult',
    ...[leaf('Bucket', context.request.bucket), leaf('Key', upload.key), leaf('UploadId', upload.uploadId)],
    ...[leaf('PartNumberMarker', marker), leaf('NextPartNumberMarker', page.at(-1)?.number ?? 0)],
    ...[leaf('MaxParts', mostParts), leaf('IsTruncated', truncated)],
    leaf('StorageClass', upload.attributes.headers['x-amz-storage-class'] ?? 'STANDARD'),
    leaf('ChecksumAlgorithm', upload.checksumAlgorithm),
    leaf('ChecksumType', upload.checksumAlgorithm && upload.checksumType),
    ...page.map(partElement),
  );
  return xmlReply(xml);
}

function compareUploads(a: MultipartUpload, b: MultipartUpload): number {
  const byTime = a.initiated.getTime() - b.initiated.getTime();
  return compareUtf8(a.key, b.key) || byTime || compareUtf8(a.uploadId, b.uploadId);
}

function follows({ key, uploadId }: MultipartUpload, keyMarker: string, uploadIdMarker: string): boolean {
  const order = compareUtf8(key, keyMarker);
  return order > 0 || (order === 0 && uploadIdMarker !== '' && compareUtf8(uploadId, uploadIdMarker) > 0);
}

function uploadElement(upload: MultipartUpload, encode: (text: string) => string): string {
  return element(
    'Upload',
    leaf('Key', encode(upload.key)),
    leaf('UploadId', upload.uploadId),
    leaf('StorageClass', upload.attributes.headers['x-amz-storage-class'] ?? 'STANDARD'),
    leaf('Initiated', upload.initiated.toISOString()),
    leaf('ChecksumAlgorithm', upload.checksumAlgorithm),
    leaf('ChecksumType', upload.checksumAlgorithm && upload.checksumType),
  );
}

function partElement({ number, lastModified, md5, content, checksum }: UploadedPart): string {
  return element(
    'Part',
    leaf('PartNumber', number),
    leaf('LastModified', lastModified.toISOString()),
    leaf('ETag', `"${md5}"`),
    leaf('Size', content.sizeBytes),
    partChecksumElement(checksum),
  );
}
