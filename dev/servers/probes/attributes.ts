import {
  CopyObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { type Bench, endOf, type Probe } from './probe.ts';

const SENT = { ContentType: 'text/css', CacheControl: 'max-age=60', Metadata: { team: 'web' } };
const REPLACED = { ContentType: 'text/html', CacheControl: 'no-cache', Metadata: { team: 'app' } };

const OCTETS = 'application/octet-stream';

/** Attributes that are stored with objects. */
export const ATTRIBUTES: readonly Probe[] = [
  {
    behaviour: 'A copy can set content type, cache control and metadata',
    consequence: 'assets from the cache carry the attributes of another commit',
    expected: 'as sent',
    observe: async (bench) => {
      await put(bench, 'source', SENT);
      const { client, bucket } = bench;
      const target = { Bucket: bucket, Key: 'attributes/copy', CopySource: `${bucket}/attributes/source` };
      await client.send(new CopyObjectCommand({ ...target, ...REPLACED, MetadataDirective: 'REPLACE' }));
      return describe(await head(bench, 'copy'), REPLACED);
    },
  },
  {
    behaviour: 'The content type `application/octet-stream` is kept, whatever the name of the object',
    consequence: 'a resumed upload sends files with that `content-type` again',
    expected: OCTETS,
    observe: async (bench) => {
      await put(bench, 'page.html', { ContentType: OCTETS });
      return (await head(bench, 'page.html')).ContentType ?? 'none';
    },
  },
  {
    behaviour: 'Tags are kept (`tags`)',
    consequence: 'the input `tags` has no effect, or fails',
    expected: 'as sent',
    observe: async (bench) => {
      const end = await endOf(put(bench, 'tags', { Tagging: 'team=web' }));
      if (end !== 'accepted') return end;
      const object = { Bucket: bench.bucket, Key: 'attributes/tags' };
      const { TagSet = [] } = await bench.client.send(new GetObjectTaggingCommand(object));
      return TagSet[0]?.Key === 'team' && TagSet[0].Value === 'web' ? 'as sent' : 'lost';
    },
  },
  {
    behaviour: 'The storage class is kept (`storage-class: STANDARD_IA`)',
    consequence: 'the input `storage-class` has no effect, or fails',
    expected: 'STANDARD_IA',
    observe: (bench) => kept(bench, { StorageClass: 'STANDARD_IA' }, ({ StorageClass }) => StorageClass),
  },
  {
    behaviour: 'Objects are encrypted if requested (`server-side-encryption: AES256`)',
    consequence: 'the input `server-side-encryption` has no effect, or fails',
    expected: 'AES256',
    observe: (bench) =>
      kept(bench, { ServerSideEncryption: 'AES256' }, ({ ServerSideEncryption }) => ServerSideEncryption),
  },
  {
    behaviour: 'A canned ACL is accepted (`acl: bucket-owner-full-control`)',
    consequence: 'the input `acl` fails',
    expected: 'accepted',
    observe: (bench) => endOf(put(bench, 'acl', { ACL: 'bucket-owner-full-control' })),
  },
];

async function put({ client, bucket }: Bench, name: string, fields: Partial<PutObjectCommandInput>): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: `attributes/${name}`, Body: 'x', ...fields }));
}

function head({ client, bucket }: Bench, name: string): Promise<HeadObjectCommandOutput> {
  return client.send(new HeadObjectCommand({ Bucket: bucket, Key: `attributes/${name}` }));
}

async function kept(
  bench: Bench,
  fields: Partial<PutObjectCommandInput>,
  attributeOf: (output: HeadObjectCommandOutput) => string | undefined,
): Promise<string> {
  const end = await endOf(put(bench, 'kept', fields));
  return end === 'accepted' ? (attributeOf(await head(bench, 'kept')) ?? 'ignored') : end;
}

function describe({ ContentType, CacheControl, Metadata }: HeadObjectCommandOutput, sent: typeof REPLACED): string {
  if (ContentType !== sent.ContentType) return `content type ${ContentType}`;
  if (CacheControl !== sent.CacheControl) return `cache control ${CacheControl}`;
  return Metadata?.team === sent.Metadata.team ? 'as sent' : 'metadata lost';
}
