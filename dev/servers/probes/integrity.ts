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
} from '@aws-sdk/client-s3';
import { type Bench, endOf, type Probe } from './probe.ts';

const BODY = 'some bytes';
const RIGHT = createHash('sha256').update(BODY).digest('base64');
const WRONG = createHash('sha256').update('other bytes').digest('base64');

/** Checksums, and multipart uploads. */
export const INTEGRITY: readonly Probe[] = [
  {
    behaviour: 'A PutObject whose body does not have its SHA-256 is refused',
    consequence: 'bytes corrupted on the way are detected by the restore, not the upload',
    expected: 'refused',
    observe: async (bench) => refusalOf(await endOf(put(bench, 'wrong', WRONG))),
  },
  {
    behaviour: 'A part whose body does not have its SHA-256 is refused',
    consequence: 'bytes of a large file corrupted on the way are detected by the restore, not the upload',
    expected: 'refused',
    observe: sendWrongPart,
  },
  {
    behaviour: 'HeadObject returns the SHA-256 that an object was sent with',
    consequence: 'none: the metadata of an asset has it too',
    expected: 'the same',
    observe: async (bench) => {
      await put(bench, 'kept', RIGHT);
      return compareDigest(bench, 'kept');
    },
  },
  {
    behaviour: 'A copy keeps that SHA-256',
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
    behaviour: 'The reply to a copy gives its ETag as listings do',
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
      return `"${CopyObjectResult?.ETag}"` === listed ? 'without quotes' : 'another';
    },
  },
  {
    behaviour: 'ListMultipartUploads finds the uploads that are open under a prefix',
    consequence:
      'a run that takes over asks for each of its own large files; parts of other files that a dead run left behind stay until a lifecycle rule removes them',
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

async function sendWrongPart({ client, bucket }: Bench): Promise<string> {
  const object = { Bucket: bucket, Key: 'integrity/parts' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: 'SHA256' }));
  const part = { ...object, UploadId, PartNumber: 1, Body: BODY, ChecksumSHA256: WRONG };
  const end = await endOf(client.send(new UploadPartCommand(part)));
  await endOf(client.send(new AbortMultipartUploadCommand({ ...object, UploadId })));
  return refusalOf(end);
}

/** S3 says `BadDigest`; a server may have a name of its own for it. */
function refusalOf(end: string): string {
  return end.startsWith('400 ') ? 'refused' : end;
}

async function compareDigest({ client, bucket }: Bench, name: string): Promise<string> {
  const object = { Bucket: bucket, Key: `integrity/${name}`, ChecksumMode: 'ENABLED' } as const;
  const { ChecksumSHA256 } = await client.send(new HeadObjectCommand(object));
  if (ChecksumSHA256 === undefined) return 'not told';
  return ChecksumSHA256 === RIGHT ? 'the same' : 'another';
}
