import { ACCOUNT_ID } from '../account.ts';
import type { Bucket } from '../bucket.ts';
import { type ListingEntry, type ListingPage, listKeys } from '../listing.ts';
import { type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import { uriEncode } from '../signature.ts';
import type { StoredObject } from '../stored-object.ts';
import { element, leaf, xmlDocument } from '../xml.ts';
import { requestBucket } from './find-object.ts';
import { pageSize } from './page-size.ts';

type Encode = (text: string) => string;

export function listObjects(context: Context): Reply {
  const { query } = context.request;
  const bucket = requestBucket(context);
  const token = query['continuation-token'];
  const page = listKeys(bucket.keys, {
    prefix: query.prefix ?? '',
    delimiter: query.delimiter,
    after: token === undefined ? query['start-after'] : decodeToken(token),
    maxKeys: pageSize(query, 'max-keys', context.service.settings.largestPage),
  });
  const encode = encoder(query['encoding-type']);
  const withOwner = query['fetch-owner'] === 'true';
  const entries = page.entries.map((entry) => entryElement(bucket, entry, encode, withOwner));
  return xmlReply(xmlDocument('ListBucketResult', ...headElements(context, page, encode), ...entries), {
    'x-amz-bucket-region': bucket.region,
  });
}

function headElements(context: Context, { entries, next }: ListingPage, encode: Encode): string[] {
  const { query } = context.request;
  const { delimiter, 'start-after': startAfter } = query;
  return [
    leaf('Name', requestBucket(context).name),
    leaf('Prefix', encode(query.prefix ?? '')),
    leaf('Delimiter', delimiter && encode(delimiter)),
    leaf('StartAfter', startAfter && encode(startAfter)),
    leaf('EncodingType', query['encoding-type']),
    leaf('ContinuationToken', query['continuation-token']),
    leaf('NextContinuationToken', next && Buffer.from(next).toString('base64')),
    leaf('KeyCount', entries.length),
    leaf('MaxKeys', pageSize(query, 'max-keys', context.service.settings.largestPage)),
    leaf('IsTruncated', next !== undefined),
  ];
}

function entryElement(bucket: Bucket, entry: ListingEntry, encode: Encode, withOwner: boolean): string {
  if ('commonPrefix' in entry) return element('CommonPrefixes', leaf('Prefix', encode(entry.commonPrefix)));
  const object = bucket.get(entry.key);
  if (object === undefined) return '';
  const owner = withOwner ? element('Owner', leaf('ID', ACCOUNT_ID), leaf('DisplayName', 'local-s3')) : '';
  return element('Contents', leaf('Key', encode(entry.key)), objectElements(object), owner);
}

const rendered = new WeakMap<StoredObject, string>();

/** The XML of an object in a listing, without its key. Cached, since it is most of the work of a long page. */
function objectElements(object: StoredObject): string {
  const known = rendered.get(object);
  if (known !== undefined) return known;
  const { checksum } = object;
  const xml = [
    leaf('LastModified', object.lastModified.toISOString()),
    leaf('ETag', object.etag),
    checksum === undefined ? '' : leaf('ChecksumAlgorithm', checksum.algorithm) + leaf('ChecksumType', checksum.type),
    leaf('Size', object.content.sizeBytes),
    leaf('StorageClass', object.headers['x-amz-storage-class'] ?? 'STANDARD'),
  ].join('');
  rendered.set(object, xml);
  return xml;
}

function encoder(encodingType: string | undefined): Encode {
  if (encodingType === undefined) return (text) => text;
  if (encodingType !== 'url') {
    throw new S3Error('InvalidArgument', { message: 'Invalid Encoding Method specified in Request' });
  }
  // S3 leaves slashes alone and writes a space as a plus sign.
  return (text) => uriEncode(text, '/').replaceAll('%20', '+');
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (text !== '' && Buffer.from(text).toString('base64') === token) return text;
  throw new S3Error('InvalidArgument', { message: 'The continuation token provided is incorrect' });
}
