import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3';
import { type Bench, endOf, type Probe } from './probe.ts';

const BODY = 'some bytes';
const RIGHT = createHash('sha256').update(BODY).digest('base64');
const WRONG = createHash('sha256').update('other bytes').digest('base64');
const WRONG_CRC32 = Buffer.alloc(4).toString('base64');

/** Checksums and multipart uploads. */
export const INTEGRITY: readonly Probe[] = [
  {
    behaviour: 'A PutObject is refused if its body does not match its SHA-256',
    consequence: 'bytes corrupted in transit are detected by the restore, not by the upload',
    expected: 'refused',
    observe: async (bench) => refusalOf(await endOf(put(bench, 'wrong', WRONG))),
  },
  {
    behaviour: 'A part is refused if its body does not match its SHA-256',
    consequence: 'bytes of a large file corrupted in transit are detected by the restore, not by the upload',
    expected: 'refused',
    observe: (bench) => sendPart(bench, { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: WRONG }),
  },
  {
    behaviour: 'A part is refused if its body does not match its CRC32',
    consequence:
      'bytes of a large file corrupted on the way through TLS are detected by the restore, not by the upload',
    expected: 'refused',
    observe: (bench) => sendPart(bench, { ChecksumAlgorithm: 'CRC32', ChecksumCRC32: WRONG_CRC32 }),
  },
  {
    behaviour: 'HeadObject returns the SHA-256 that the upload sent',
    consequence: 'none: the metadata of an asset has it too',
    expected: 'the same',
    observe: async (bench) => {
      await put(bench, 'kept', RIGHT);
      return compareDigest(bench, 'kept');
    },
  },
  {
    behaviour: 'A copy keeps the SHA-256 of its source',
    consequence: 'none: the metadata of an asset has it too',
    expected: 'the same',
    observe: async (bench) => {
      await put(bench, 'kept', RIGHT);
      const target = { Bucket: bench.bucket, Key: 'integrity/copy', CopySource: `${bench.bucket}/integrity/kept` };
      await bench.client.send(new CopyObjectCommand({ ...target, MetadataDirective: 'REPLACE' }));
      return compareDigest(bench, 'copy');
    },
  },
  {
    behaviour: 'The reply to a copy has the ETag in the same form as listings',
    consequence: 'none: ETags with and without quotes count as equal',
    expected: 'the same',
    observe: async (bench) => {
      await put(bench, 'source', RIGHT);
      const { client, bucket } = bench;
      const target = { Bucket: bucket, Key: 'integrity/etag', CopySource: `${bucket}/integrity/source` };
      const { CopyObjectResult } = await client.send(new CopyObjectCommand(target));
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: target.Key }));
      const listed = Contents?.[0]?.ETag ?? '';
      if (CopyObjectResult?.ETag === listed) return 'the same';
      return `"${CopyObjectResult?.ETag}"` === listed ? 'without quotes' : 'different';
    },
  },
  {
    behaviour: 'ListMultipartUploads finds the open uploads under a prefix',
    consequence:
      'a run that takes over lists the uploads of each of its own large files; parts of other files that a killed run left behind stay until a lifecycle rule removes them',
    expected: 'found',
    observe: async (bench) => {
      const object = { Bucket: bench.bucket, Key: 'open/folder/file' };
      const { UploadId } = await bench.client.send(new CreateMultipartUploadCommand(object));
      const listing = new ListMultipartUploadsCommand({ Bucket: bench.bucket, Prefix: 'open/fold' });
      const { Uploads = [] } = await bench.client.send(listing);
      await bench.client.send(new AbortMultipartUploadCommand({ ...object, UploadId }));
      return Uploads.some((upload) => upload.UploadId === UploadId) ? 'found' : 'not found';
    },
  },
];

async function put({ client, bucket }: Bench, name: string, digest: string): Promise<void> {
  const object = { Bucket: bucket, Key: `integrity/${name}`, Body: BODY };
  await client.send(new PutObjectCommand({ ...object, ChecksumSHA256: digest }));
}

type PartChecksum = Pick<UploadPartCommandInput, 'ChecksumAlgorithm' | 'ChecksumSHA256' | 'ChecksumCRC32'>;

async function sendPart({ client, bucket }: Bench, checksum: PartChecksum): Promise<string> {
  const object = { Bucket: bucket, Key: 'integrity/parts' };
  const { ChecksumAlgorithm } = checksum;
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...object, ...(ChecksumAlgorithm && { ChecksumAlgorithm }) }),
  );
  const part = { ...object, ...checksum, UploadId, PartNumber: 1, Body: BODY };
  const end = await endOf(client.send(new UploadPartCommand(part)));
  await endOf(client.send(new AbortMultipartUploadCommand({ ...object, UploadId })));
  return refusalOf(end);
}

/** The code in S3 is `BadDigest`; other servers may have a code of their own. */
function refusalOf(end: string): string {
  return end.startsWith('400 ') ? 'refused' : end;
}

async function compareDigest({ client, bucket }: Bench, name: string): Promise<string> {
  const object = { Bucket: bucket, Key: `integrity/${name}`, ChecksumMode: 'ENABLED' } as const;
  const { ChecksumSHA256 } = await client.send(new HeadObjectCommand(object));
  if (ChecksumSHA256 === undefined) return 'not returned';
  return ChecksumSHA256 === RIGHT ? 'the same' : 'different';
}
