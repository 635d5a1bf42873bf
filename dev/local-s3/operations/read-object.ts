import { type ByteRange, parseRange } from '../byte-range.ts';
import { judgeRead, preconditionFailed, readConditions } from '../conditions.ts';
import { emptyReply, type Reply } from '../reply.ts';
import type { Headers, S3Request } from '../s3-request.ts';
import type { Context } from '../service.ts';
import { requireReadable, type StoredObject } from '../stored-object.ts';
import { findObject, requestBucket, requestKey } from './find-object.ts';
import { readHeaders } from './object-headers.ts';

/** GetObject and HeadObject: the server leaves out the body of any reply to a HEAD. */
export function readObject(context: Context): Reply {
  const { request } = context;
  const versionId = request.query.versionId;
  const object = findObject(context, { bucket: requestBucket(context), key: requestKey(context), versionId });
  const result = judgeRead(object, readConditions(request.headers));
  if (result === 'failed') throw preconditionFailed('If-Match or If-Unmodified-Since');
  if (result === 'not-modified') return emptyReply(304, pickValidators(object));
  if (request.method === 'GET') requireReadable(object);
  const range = parseRange(request.headers.range, object.content.sizeBytes);
  return range === undefined ? whole(request, object) : partial(request, object, range);
}

function whole(request: S3Request, object: StoredObject): Reply {
  const withChecksum = request.headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED';
  const headers = { ...readHeaders(object, { withChecksum }), ...overrides(request) };
  return { status: 200, headers, body: object.content };
}

// Without the checksum, which is that of the whole object: a client would compare it with the range.
function partial(request: S3Request, object: StoredObject, { start, end }: ByteRange): Reply {
  const range = { 'content-range': `bytes ${start}-${end - 1}/${object.content.sizeBytes}` };
  const headers = { ...readHeaders(object, { withChecksum: false }), ...overrides(request), ...range };
  return { status: 206, headers, body: object.content.slice(start, end) };
}

function pickValidators({ etag, lastModified }: StoredObject): Headers {
  return { etag, 'last-modified': lastModified.toUTCString() };
}

/** `response-content-type` and the like. */
function overrides({ query }: S3Request): Headers {
  return Object.fromEntries(
    Object.entries(query)
      .filter(([name]) => /^response-(content-(type|language|disposition|encoding)|expires|cache-control)$/.test(name))
      .map(([name, value]) => [name.slice('response-'.length), value]),
  );
}
