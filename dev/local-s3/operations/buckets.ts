import { ACCOUNT_ID } from '../account.ts';
import { emptyReply, type Reply, xmlReply } from '../reply.ts';
import { S3Error } from '../s3-error.ts';
import type { Context } from '../service.ts';
import { childText, element, leaf, parseXml, xmlDocument } from '../xml.ts';
import { requestBucket } from './find-object.ts';

export function createBucket(context: Context): Reply {
  const { request, service, body } = context;
  const name = request.bucket ?? '';
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) throw new S3Error('InvalidBucketName');
  const existing = service.storage.find(name);
  if (existing !== undefined) {
    throw new S3Error(existing.owner === ACCOUNT_ID ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists');
  }
  const wanted =
    body.content.sizeBytes === 0 ? undefined : childText(parseXml(body.content.text()), 'LocationConstraint');
  const region = wanted ?? service.settings.region;
  service.storage.create({ name, region, owner: ACCOUNT_ID, objectLock: false }, new Date(service.settings.now()));
  return emptyReply(200, { location: `/${name}` });
}

export function headBucket(context: Context): Reply {
  return emptyReply(200, { 'x-amz-bucket-region': requestBucket(context).region });
}

export function deleteBucket(context: Context): Reply {
  const bucket = requestBucket(context);
  if (bucket.keys.length > 0 || bucket.uploads.size > 0) throw new S3Error('BucketNotEmpty');
  context.service.storage.remove(bucket.name);
  return emptyReply(204);
}

export function listBuckets({ service }: Context): Reply {
  const buckets = service.storage.buckets.map(({ name, createdAt, region }) =>
    element('Bucket', leaf('Name', name), leaf('CreationDate', createdAt.toISOString()), leaf('BucketRegion', region)),
  );
  const owner = element('Owner', leaf('ID', ACCOUNT_ID), leaf('DisplayName', 'local-s3'));
  return xmlReply(xmlDocument('ListAllMyBucketsResult', owner, element('Buckets', ...buckets)));
}

export function getBucketLocation(context: Context): Reply {
  const { region } = requestBucket(context);
  // The oldest region, us-east-1, has an empty name here.
  return xmlReply(xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : region));
}

export function getBucketVersioning(context: Context): Reply {
  return xmlReply(xmlDocument('VersioningConfiguration', leaf('Status', requestBucket(context).versioning)));
}

export function putBucketVersioning(context: Context): Reply {
  const status = childText(parseXml(context.body.content.text()), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  requestBucket(context).versioning = status;
  return emptyReply(200);
}
