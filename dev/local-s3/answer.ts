import { authenticate, type Identity } from './authenticate.ts';
import type { S3Operation } from './operation.ts';
import { checkOwner, checkRegion } from './operations/bucket-access.ts';
import * as buckets from './operations/buckets.ts';
import { completeUpload } from './operations/complete-upload.ts';
import { copyObject } from './operations/copy-object.ts';
import { abortUpload, createUpload } from './operations/create-upload.ts';
import { deleteObject, deleteObjects } from './operations/delete-objects.ts';
import { getAttributes } from './operations/get-attributes.ts';
import { listObjects } from './operations/list-objects.ts';
import { listParts, listUploads } from './operations/list-uploads.ts';
import { putObject } from './operations/put-object.ts';
import { readObject } from './operations/read-object.ts';
import { deleteTagging, getTagging, putTagging } from './operations/tagging.ts';
import { uploadPart, uploadPartCopy } from './operations/upload-part.ts';
import { authorizeOperation } from './permissions.ts';
import { errorReply, type Reply } from './reply.ts';
import { type RequestBody, verifyBody, verifyChecksum } from './request-body.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { Handler, Service } from './service.ts';

const HANDLERS: Readonly<Record<S3Operation, Handler>> = {
  AbortMultipartUpload: abortUpload,
  CompleteMultipartUpload: completeUpload,
  CopyObject: copyObject,
  CreateBucket: buckets.createBucket,
  CreateMultipartUpload: createUpload,
  DeleteBucket: buckets.deleteBucket,
  DeleteObject: deleteObject,
  DeleteObjectTagging: deleteTagging,
  DeleteObjects: deleteObjects,
  GetBucketLocation: buckets.getBucketLocation,
  GetBucketVersioning: buckets.getBucketVersioning,
  GetObject: readObject,
  GetObjectAttributes: getAttributes,
  GetObjectTagging: getTagging,
  HeadBucket: buckets.headBucket,
  HeadObject: readObject,
  ListBuckets: buckets.listBuckets,
  ListMultipartUploads: listUploads,
  ListObjectsV2: listObjects,
  ListParts: listParts,
  PutBucketVersioning: buckets.putBucketVersioning,
  PutObject: putObject,
  PutObjectTagging: putTagging,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
};

/** A request to S3 whose body has arrived. */
export interface S3Question {
  readonly service: Service;
  /** The request as it was signed. */
  readonly signed: S3Request;
  /** The request to answer: the same, unless a fault makes the server ignore parts of it. */
  readonly request: S3Request;
  readonly body: RequestBody;
  readonly operation: S3Operation | 'Unknown';
}

/** Authenticates and authorizes a request, and performs it. */
export function answerS3(question: S3Question): Reply {
  try {
    return answerOrThrow(question);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const reply = errorReply(error);
    const bucket = question.service.storage.find(question.request.bucket);
    // S3 reveals a bucket's region even to clients without any permission.
    if (question.operation !== 'HeadBucket' || bucket === undefined) return reply;
    return { ...reply, headers: { ...reply.headers, 'x-amz-bucket-region': bucket.region } };
  }
}

function answerOrThrow(question: S3Question): Reply {
  const { service, request, body, operation } = question;
  if (request.malformed) throw new S3Error('InvalidURI');
  const identity = identify(question);
  verifyBody(request.headers, body);
  // CompleteMultipartUpload declares the checksum of its object, not that of its own body.
  if (operation !== 'CompleteMultipartUpload') verifyChecksum(request.headers, body);
  if (operation === 'Unknown') throw new S3Error('NotImplemented');
  if (operation !== 'CreateBucket' && operation !== 'ListBuckets') {
    const bucket = service.storage.require(request.bucket);
    checkOwner(bucket, request.headers['x-amz-expected-bucket-owner']);
    if (operation !== 'GetBucketLocation') checkRegion(bucket, identity.region);
  }
  const context = { service, request, body, identity };
  authorizeOperation(context, operation);
  return HANDLERS[operation](context);
}

function identify({ service, signed, body }: S3Question): Identity {
  const { settings, credentials, storage } = service;
  // One address serves all regions, so a client that follows a redirect returns here, signed for the bucket's region.
  const regions = [settings.region, storage.find(signed.bucket)?.region ?? settings.region];
  return authenticate(signed, body, { service: 's3', credentials, nowMs: settings.now(), regions });
}
