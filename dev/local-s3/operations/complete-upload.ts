import { createHash } from 'node:crypto';
import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  compositeChecksum,
  declaredChecksum,
  fullObjectChecksum,
} from '../checksums.ts';
import { checkWrite } from '../conditions.ts';
import { Content } from '../content.ts';
import type { MultipartUpload, UploadedPart } from '../multipart-upload.ts';
import { type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Headers } from '../s3-request.ts';
import type { Context } from '../service.ts';
import { modificationTime } from '../stored-object.ts';
import { childrenOf, childText, leaf, parseXml, type XmlNode, xmlDocument } from '../xml.ts';
import { checksumElements } from './checksum-elements.ts';
import { findUpload } from './create-upload.ts';
import { requestBucket } from './find-object.ts';
import { writeHeaders } from './object-headers.ts';

/** Joins the parts atomically; a refusal leaves the upload open. */
export function completeUpload(context: Context): Reply {
  const { request, service, body } = context;
  const bucket = requestBucket(context);
  const upload = findUpload(context);
  const parts = chooseParts(context, upload, parseXml(body.content.text()));
  const content = Content.concat(parts.map((part) => part.content));
  const checksum = objectChecksum(upload, parts, content);
  checkDeclared(request.headers, content, checksum);
  checkWrite(bucket.get(upload.key), request.headers, upload.key);
  bucket.uploads.delete(upload.uploadId);
  const object = bucket.put({
    ...upload.attributes,
    key: upload.key,
    content,
    etag: multipartEtag(parts),
    checksum,
    parts: parts.map(({ number, checksum: own, content: { sizeBytes } }) => ({ number, sizeBytes, checksum: own })),
    lastModified: modificationTime(service.settings.now()),
    versionId: undefined,
  });
  const location = leaf('Location', `http://${request.headers.host}/${bucket.name}/${encodeURIComponent(upload.key)}`);
  const names = [location, leaf('Bucket', bucket.name), leaf('Key', upload.key), leaf('ETag', object.etag)];
  const xml = xmlDocument('CompleteMultipartUploadResult', ...names, checksumElements(checksum));
  return xmlReply(xml, writeHeaders(object));
}

/** `"<MD5 of the parts' MD5s>-<number of parts>"`. */
export function multipartEtag(parts: readonly Pick<UploadedPart, 'md5'>[]): string {
  const hash = createHash('md5');
  for (const { md5 } of parts) hash.update(md5, 'hex');
  return `"${hash.digest('hex')}-${parts.length}"`;
}

function chooseParts({ service }: Context, upload: MultipartUpload, document: XmlNode): UploadedPart[] {
  const wanted = childrenOf(document, 'Part');
  if (wanted.length === 0) throw new S3Error('MalformedXML');
  const numbers = wanted.map((node) => Number(childText(node, 'PartNumber')));
  if (numbers.some((number, index) => number <= (numbers[index - 1] ?? 0))) throw new S3Error('InvalidPartOrder');
  const { requirePartChecksums, minPartSizeBytes } = service.settings;
  const parts = wanted.map((node) => findPart(upload, node, requirePartChecksums));
  const small = parts.slice(0, -1).find((part) => part.content.sizeBytes < minPartSizeBytes);
  if (small === undefined) return parts;
  const details = {
    ProposedSize: String(small.content.sizeBytes),
    MinSizeAllowed: String(minPartSizeBytes),
    PartNumber: String(small.number),
    ETag: small.md5,
  };
  throw new S3Error('EntityTooSmall', { details });
}

function findPart(upload: MultipartUpload, wanted: XmlNode, requireChecksum: boolean): UploadedPart {
  const number = Number(childText(wanted, 'PartNumber'));
  const etag = childText(wanted, 'ETag')?.replaceAll('"', '');
  const part = upload.parts.get(number);
  const refuse = () => new S3Error('InvalidPart', { details: { PartNumber: String(number), ETag: etag ?? '' } });
  if (part === undefined || part.md5 !== etag) throw refuse();
  const declared = CHECKSUM_ALGORITHMS.flatMap((name) => childText(wanted, `Checksum${name}`) ?? []);
  if (declared.some((value) => value !== part.checksum?.value)) throw refuse();
  if (requireChecksum && declared.length === 0 && upload.checksumAlgorithm && upload.checksumType === 'COMPOSITE') {
    const message =
      `The upload was created using a ${upload.checksumAlgorithm.toLowerCase()} checksum. The complete request must ` +
      `include the checksum for each part. It was missing for part ${number} in the request.`;
    throw new S3Error('InvalidRequest', { message });
  }
  return part;
}

function objectChecksum(
  { checksumAlgorithm, checksumType }: MultipartUpload,
  parts: readonly UploadedPart[],
  content: Content,
): Checksum | undefined {
  if (checksumAlgorithm === undefined) return undefined;
  if (checksumType === 'FULL_OBJECT') return fullObjectChecksum(checksumAlgorithm, content);
  const values = parts.map((part) => part.checksum?.value ?? '');
  return compositeChecksum(checksumAlgorithm, values);
}

function checkDeclared(headers: Headers, content: Content, checksum: Checksum | undefined): void {
  const size = headers['x-amz-mp-object-size'];
  if (size !== undefined && Number(size) !== content.sizeBytes) {
    const message = `The provided 'x-amz-mp-object-size' header value ${size} does not match what was computed: ${content.sizeBytes}`;
    throw new S3Error('InvalidRequest', { message });
  }
  const declared = declaredChecksum(headers);
  if (declared === undefined) return;
  const actual =
    checksum?.algorithm === declared.algorithm ? checksum : fullObjectChecksum(declared.algorithm, content);
  if (actual.value.replace(/-\d+$/, '') === declared.value.replace(/-\d+$/, '')) return;
  throw new S3Error('BadDigest', {
    message: `The ${declared.algorithm} you specified did not match the calculated checksum.`,
  });
}
