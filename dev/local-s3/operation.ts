import type { S3Request } from './s3-request.ts';

interface Route {
  readonly method: string;
  /** A query parameter that must be present. */
  readonly query?: string;
  /** A header that must be present. */
  readonly header?: string;
  readonly operation: string;
}

// In each table, the first match counts, so the plain routes come last.
const OBJECT_ROUTES = [
  { method: 'GET', query: 'uploadId', operation: 'ListParts' },
  { method: 'GET', query: 'tagging', operation: 'GetObjectTagging' },
  { method: 'GET', query: 'attributes', operation: 'GetObjectAttributes' },
  { method: 'GET', operation: 'GetObject' },
  { method: 'HEAD', operation: 'HeadObject' },
  { method: 'PUT', query: 'uploadId', header: 'x-amz-copy-source', operation: 'UploadPartCopy' },
  { method: 'PUT', query: 'uploadId', operation: 'UploadPart' },
  { method: 'PUT', query: 'tagging', operation: 'PutObjectTagging' },
  { method: 'PUT', header: 'x-amz-copy-source', operation: 'CopyObject' },
  { method: 'PUT', operation: 'PutObject' },
  { method: 'POST', query: 'uploads', operation: 'CreateMultipartUpload' },
  { method: 'POST', query: 'uploadId', operation: 'CompleteMultipartUpload' },
  { method: 'DELETE', query: 'uploadId', operation: 'AbortMultipartUpload' },
  { method: 'DELETE', query: 'tagging', operation: 'DeleteObjectTagging' },
  { method: 'DELETE', operation: 'DeleteObject' },
] as const satisfies readonly Route[];

const BUCKET_ROUTES = [
  { method: 'GET', query: 'list-type', operation: 'ListObjectsV2' },
  { method: 'GET', query: 'uploads', operation: 'ListMultipartUploads' },
  { method: 'GET', query: 'location', operation: 'GetBucketLocation' },
  { method: 'GET', query: 'versioning', operation: 'GetBucketVersioning' },
  { method: 'HEAD', operation: 'HeadBucket' },
  { method: 'PUT', query: 'versioning', operation: 'PutBucketVersioning' },
  { method: 'PUT', operation: 'CreateBucket' },
  { method: 'POST', query: 'delete', operation: 'DeleteObjects' },
  { method: 'DELETE', operation: 'DeleteBucket' },
] as const satisfies readonly Route[];

const STS_OPERATIONS = ['AssumeRole', 'AssumeRoleWithWebIdentity', 'GetCallerIdentity'] as const;

// Parts of S3 that this server doesn't implement; without this list, GET ?acl would be taken for a GET of the object.
const UNSUPPORTED = new Set(
  (
    'accelerate acl analytics append cors encryption intelligent-tiering inventory legal-hold lifecycle logging metrics ' +
    'notification object-lock ownershipControls policy policyStatus publicAccessBlock replication requestPayment ' +
    'restore retention select torrent versions website'
  ).split(' '),
);

export type StsOperation = (typeof STS_OPERATIONS)[number];
export type ObjectOperation = (typeof OBJECT_ROUTES)[number]['operation'];
export type BucketOperation = (typeof BUCKET_ROUTES)[number]['operation'];
export type S3Operation = ObjectOperation | BucketOperation | 'ListBuckets';
export type Operation = S3Operation | StsOperation | 'Unknown';

/** S3's name for the operation of a request; an STS request is recognized by its form, see {@link stsOperation}. */
export function s3Operation(request: S3Request): S3Operation | 'Unknown' {
  if (request.malformed || Object.keys(request.query).some((name) => UNSUPPORTED.has(name))) return 'Unknown';
  if (request.bucket === undefined) return request.method === 'GET' ? 'ListBuckets' : 'Unknown';
  const routes: readonly (Route & { readonly operation: S3Operation })[] =
    request.key === undefined ? BUCKET_ROUTES : OBJECT_ROUTES;
  return routes.find((route) => matches(route, request))?.operation ?? 'Unknown';
}

/** Whether a request is for STS, which answers on the same port. */
export function isSts({ method, bucket, headers }: S3Request): boolean {
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  return method === 'POST' && bucket === undefined && form;
}

export function stsOperation(parameters: Readonly<Record<string, string>>): StsOperation | 'Unknown' {
  return STS_OPERATIONS.find((operation) => operation === parameters.Action) ?? 'Unknown';
}

function matches({ method, query, header }: Route, request: S3Request): boolean {
  if (method !== request.method) return false;
  return (query === undefined || query in request.query) && (header === undefined || header in request.headers);
}
