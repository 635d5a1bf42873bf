import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Bench, endOf, type Probe } from './probe.ts';

const STALE_ETAG = '"00000000000000000000000000000000"';
const WRITERS = 16;
/** More than the buffers of a connection hold, so that a server that refuses early must read on or hang up. */
const LARGE_BYTES = 6 * 1024 ** 2;
const LARGE_WRITES = 12;

/** Requests that depend on the stored object. */
export const CONDITIONS: readonly Probe[] = [
  {
    behaviour: 'A PutObject with `If-None-Match: *` is refused if the object exists',
    consequence: 'concurrent uploads of one commit are not guarded; the action warns',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'once', {});
      return endOf(put(bench, 'once', { IfNoneMatch: '*' }));
    },
  },
  {
    behaviour: `Only one of ${WRITERS} concurrent writes with that condition is accepted`,
    consequence: 'two uploads of one commit may both believe that they own its record',
    expected: '1 accepted',
    observe: async (bench) => {
      const writes = Array.from({ length: WRITERS }, () => endOf(put(bench, 'race', { IfNoneMatch: '*' })));
      const ends = await Promise.all(writes);
      return `${ends.filter((end) => end === 'accepted').length} accepted`;
    },
  },
  {
    behaviour: `A write of 6 MB with that condition gets a reply when it is refused, ${LARGE_WRITES} times out of ${LARGE_WRITES}`,
    consequence: 'the refusal may look like a broken connection: the write is retried until a reply comes',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'large', {});
      const ends = new Set<string>();
      for (let count = 0; count < LARGE_WRITES; count += 1)
        ends.add(await endOf(put(bench, 'large', { IfNoneMatch: '*', Body: Buffer.alloc(LARGE_BYTES) })));
      return [...ends].toSorted().join(' or ');
    },
  },
  {
    behaviour: 'A PutObject with `If-Match` is refused if the object has another ETag',
    consequence: 'a writer may overwrite the record of the run that took it over',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'changed', {});
      return endOf(put(bench, 'changed', { IfMatch: STALE_ETAG }));
    },
  },
  {
    behaviour: 'A PutObject with `If-Match` is refused if there is no object',
    consequence: 'none if it is refused in another way: the writer looks for its record and finds it gone',
    expected: '404 NoSuchKey',
    observe: (bench) => endOf(put(bench, 'missing', { IfMatch: STALE_ETAG })),
  },
  {
    behaviour: 'A CompleteMultipartUpload with `If-None-Match: *` is refused if the object exists',
    consequence: 'a late writer may replace a large file, and the set is then `damaged`',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'parts', {});
      return completeOverExisting(bench, 'parts');
    },
  },
  {
    behaviour: 'A CopyObject is refused if its source has another ETag (`x-amz-copy-source-if-match`)',
    consequence:
      'a cached file that was changed behind its record is found under the new commit; a restore refuses its bytes',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'source', {});
      return endOf(copy(bench, 'source', { CopySourceIfMatch: STALE_ETAG }));
    },
  },
  {
    behaviour: 'A CopyObject with `If-None-Match: *` is refused if the object exists',
    consequence: 'a copy that was under way when its writer lost the record can replace an asset: the set is repaired',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'source', {});
      await put(bench, 'copy', {});
      return endOf(copy(bench, 'source', { IfNoneMatch: '*' }));
    },
  },
  {
    behaviour: 'A GetObject with `If-Match` is refused if the object has another ETag',
    consequence: 'none: a restore compares the ETag of the reply and the digest',
    expected: '412 PreconditionFailed',
    observe: async (bench) => {
      await put(bench, 'read', {});
      return endOf(read(bench, 'read', { IfMatch: STALE_ETAG }));
    },
  },
];

async function put({ client, bucket }: Bench, name: string, fields: Partial<PutObjectCommandInput>): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: `conditions/${name}`, Body: 'x', ...fields }));
}

async function read({ client, bucket }: Bench, name: string, fields: { IfMatch: string }): Promise<void> {
  const object = new GetObjectCommand({ Bucket: bucket, Key: `conditions/${name}`, ...fields });
  await (await client.send(object)).Body?.transformToString();
}

async function copy(
  { client, bucket }: Bench,
  source: string,
  fields: Pick<CopyObjectCommandInput, 'CopySourceIfMatch' | 'IfNoneMatch'>,
): Promise<void> {
  const CopySource = `${bucket}/conditions/${source}`;
  await client.send(new CopyObjectCommand({ Bucket: bucket, Key: 'conditions/copy', CopySource, ...fields }));
}

async function completeOverExisting({ client, bucket }: Bench, name: string): Promise<string> {
  const object = { Bucket: bucket, Key: `conditions/${name}` };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
  const { ETag } = await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: 'part' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const completion = new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload, IfNoneMatch: '*' });
  const end = await endOf(client.send(completion));
  await endOf(client.send(new AbortMultipartUploadCommand({ ...object, UploadId })));
  return end;
}
