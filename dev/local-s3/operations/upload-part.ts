import { parseCopyRange } from '../byte-range.ts';
import { type Checksum, fullObjectChecksum, md5OfContent } from '../checksums.ts';
import type { MultipartUpload, UploadedPart } from '../multipart-upload.ts';
import { emptyReply, type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import { modificationTime } from '../stored-object.ts';
import { leaf, xmlDocument } from '../xml.ts';
import { partChecksumElement } from './checksum-elements.ts';
import { findCopySource } from './copy-source.ts';
import { findUpload } from './create-upload.ts';
import { requestBucket } from './find-object.ts';
import { checksumHeaders, encryptionHeaders } from './object-headers.ts';
import { bodyChecksum, requireChecksum, requireLength } from './put-object.ts';

const MOST_PARTS = 10_000;

export function uploadPart(context: Context): Reply {
  const { request, body } = context;
  requireLength(request.headers);
  requireChecksum(requestBucket(context), context, 'Part');
  const upload = findUpload(context);
  const sent = bodyChecksum(request.headers, body);
  checkAlgorithm(upload, sent);
  const part = addPart(context, upload, {
    content: body.content,
    md5: body.md5.toString('hex'),
    checksum: sent ?? ownChecksum(upload, body.content),
  });
  const { 'x-amz-checksum-type': _type, ...checksum } = checksumHeaders(part.checksum);
  return emptyReply(200, { etag: `"${part.md5}"`, ...checksum, ...encryptionHeaders(upload.attributes.headers) });
}

export function uploadPartCopy(context: Context): Reply {
  const upload = findUpload(context);
  const { object } = findCopySource(context);
  const range = context.request.headers['x-amz-copy-source-range'];
  const { start, end } =
    range === undefined ? { start: 0, end: object.content.sizeBytes } : parseCopyRange(range, object.content.sizeBytes);
  const content = object.content.slice(start, end);
  const checksum = ownChecksum(upload, content);
  const part = addPart(context, upload, { content, md5: md5OfContent(content), checksum });
  const times = leaf('LastModified', part.lastModified.toISOString());
  const tag = leaf('ETag', `"${part.md5}"`);
  return xmlReply(xmlDocument('CopyPartResult', times, tag, partChecksumElement(checksum)));
}

/** A part that is sent again replaces the earlier one. */
function addPart(
  { request, service }: Context,
  upload: MultipartUpload,
  sent: Pick<UploadedPart, 'content' | 'md5' | 'checksum'>,
): UploadedPart {
  const number = Number(request.query.partNumber ?? Number.NaN);
  if (!(Number.isInteger(number) && number >= 1 && number <= MOST_PARTS)) {
    const message = `Part number must be an integer between 1 and ${MOST_PARTS}, inclusive`;
    throw new S3Error('InvalidArgument', { message, details: { ArgumentName: 'partNumber' } });
  }
  const part = { ...sent, number, lastModified: modificationTime(service.settings.now()) };
  upload.parts.set(number, part);
  return part;
}

function checkAlgorithm({ checksumAlgorithm }: MultipartUpload, sent: Checksum | undefined): void {
  if (checksumAlgorithm === undefined || sent === undefined || sent.algorithm === checksumAlgorithm) return;
  const message =
    `Checksum Type mismatch occurred, expected checksum Type: ${checksumAlgorithm.toLowerCase()}, ` +
    `actual checksum Type: ${sent.algorithm.toLowerCase()}`;
  throw new S3Error('InvalidRequest', { message });
}

function ownChecksum({ checksumAlgorithm }: MultipartUpload, content: UploadedPart['content']): Checksum | undefined {
  return checksumAlgorithm === undefined ? undefined : fullObjectChecksum(checksumAlgorithm, content);
}
