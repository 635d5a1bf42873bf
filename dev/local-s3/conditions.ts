import { S3Error } from './s3-error.ts';
import type { Headers } from './s3-request.ts';
import type { StoredObject } from './stored-object.ts';

/** The conditions of a request, under the names they have in a GET. */
export interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
}

/** @param prefix `x-amz-copy-source-` for the conditions on the source of a copy */
export function readConditions(headers: Headers, prefix: '' | 'x-amz-copy-source-' = ''): Conditions {
  return {
    ifMatch: headers[`${prefix}if-match`],
    ifNoneMatch: headers[`${prefix}if-none-match`],
    ifModifiedSince: headers[`${prefix}if-modified-since`],
    ifUnmodifiedSince: headers[`${prefix}if-unmodified-since`],
  };
}

/** Evaluates the conditions of a read (RFC 9110, section 13.2.2). */
export function judgeRead(object: StoredObject, conditions: Conditions): 'go' | 'not-modified' | 'failed' {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, object)) return 'failed';
  } else if (ifUnmodifiedSince !== undefined && object.lastModified.getTime() > Date.parse(ifUnmodifiedSince)) {
    return 'failed';
  }
  if (ifNoneMatch !== undefined) return matchesEtag(ifNoneMatch, object) ? 'not-modified' : 'go';
  const unmodified = ifModifiedSince !== undefined && object.lastModified.getTime() <= Date.parse(ifModifiedSince);
  return unmodified ? 'not-modified' : 'go';
}

/** @throws {S3Error} PreconditionFailed if the source of a copy does not meet the conditions */
export function checkSource(source: StoredObject, headers: Headers): void {
  const result = judgeRead(source, readConditions(headers, 'x-amz-copy-source-'));
  if (result !== 'go') throw preconditionFailed('x-amz-copy-source-If-*');
}

/**
 * Evaluates the conditions of a write against the object that exists at this moment.
 * The caller must store in the same turn of the event loop, which makes it atomic.
 *
 * @throws {S3Error} PreconditionFailed; NoSuchKey for an If-Match on a missing key; NotImplemented
 */
export function checkWrite(current: StoredObject | undefined, headers: Headers, key: string): void {
  const { ifMatch, ifNoneMatch } = readConditions(headers);
  if (ifNoneMatch !== undefined) {
    // S3 supports no other value here.
    if (ifNoneMatch !== '*') throw new S3Error('NotImplemented', { details: { Header: 'If-None-Match' } });
    if (current !== undefined) throw preconditionFailed('If-None-Match');
  }
  if (ifMatch === undefined) return;
  if (current === undefined) throw new S3Error('NoSuchKey', { details: { Key: key } });
  if (!matchesEtag(ifMatch, current)) throw preconditionFailed('If-Match');
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', { details: { Condition: condition } });
}

/** Whether one of the ETags of a header, with or without quotes, is the object's; `*` is any. */
export function matchesEtag(header: string, { etag }: StoredObject): boolean {
  const bare = etag.replaceAll('"', '');
  return header.split(',').some((item) => {
    const wanted = item.trim().replace(/^W\//, '').replaceAll('"', '');
    return wanted === '*' || wanted === bare;
  });
}
