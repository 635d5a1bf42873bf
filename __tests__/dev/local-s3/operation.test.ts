import { describe, expect, it } from '@jest/globals';
import { isSts, s3Operation, stsOperation } from '../../../dev/local-s3/operation.ts';
import { parseQuery, type S3Request } from '../../../dev/local-s3/s3-request.ts';

function request(line: string, headers: Record<string, string> = {}): S3Request {
  const [method = '', target = ''] = line.split(' ');
  const [rawPath = '', rawQuery = ''] = target.split('?');
  const [bucket, key] = rawPath
    .slice(1)
    .split('/')
    .filter((part) => part !== '');
  const query = Object.fromEntries(parseQuery(rawQuery));
  return { method, rawPath, rawQuery, headers, query, bucket, key, malformed: false };
}

describe('s3Operation', () => {
  it.each([
    ['GET /', 'ListBuckets'],
    ['GET /b?list-type=2&prefix=x', 'ListObjectsV2'],
    ['GET /b?uploads', 'ListMultipartUploads'],
    ['GET /b?location', 'GetBucketLocation'],
    ['HEAD /b', 'HeadBucket'],
    ['PUT /b', 'CreateBucket'],
    ['POST /b?delete', 'DeleteObjects'],
    ['GET /b/k?x-id=GetObject', 'GetObject'],
    ['GET /b/k?uploadId=1', 'ListParts'],
    ['GET /b/k?attributes', 'GetObjectAttributes'],
    ['HEAD /b/k', 'HeadObject'],
    ['PUT /b/k', 'PutObject'],
    ['PUT /b/k?partNumber=1&uploadId=1', 'UploadPart'],
    ['POST /b/k?uploads', 'CreateMultipartUpload'],
    ['POST /b/k?uploadId=1', 'CompleteMultipartUpload'],
    ['DELETE /b/k?uploadId=1', 'AbortMultipartUpload'],
    ['DELETE /b/k', 'DeleteObject'],
    ['GET /b/k?acl', 'Unknown'],
    ['GET /b', 'Unknown'],
    ['PATCH /b/k', 'Unknown'],
  ])('%s is %s', (line, operation) => {
    expect(s3Operation(request(line))).toBe(operation);
  });

  it('recognizes a copy by its source', () => {
    const headers = { 'x-amz-copy-source': 'b/k' };
    expect(s3Operation(request('PUT /b/k', headers))).toBe('CopyObject');
    expect(s3Operation(request('PUT /b/k?partNumber=1&uploadId=1', headers))).toBe('UploadPartCopy');
  });
});

describe('STS', () => {
  it('is recognized by a form that is posted to no bucket', () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    expect(isSts(request('POST /', headers))).toBe(true);
    expect(isSts(request('POST /b', headers))).toBe(false);
    expect(isSts(request('POST /'))).toBe(false);
  });

  it('names its action', () => {
    expect(stsOperation({ Action: 'AssumeRole' })).toBe('AssumeRole');
    expect(stsOperation({ Action: 'Other' })).toBe('Unknown');
  });
});
