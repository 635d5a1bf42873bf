import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type LocalS3, type LoggedRequest, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { BUCKET, faultOf, largeAssetOf, storeAt } from './stores.ts';

let server: LocalS3;
beforeAll(async () => {
  server = await startLocalS3({ buckets: [BUCKET] });
});
beforeEach(async () => {
  server.fault = undefined;
  await storeAt(server).abortUploads('');
  expect(server.uploads(BUCKET)).toEqual([]);
  server.clearRequests();
});
afterAll(() => server.close());

function requestsOf(operation: LoggedRequest['operation']): LoggedRequest[] {
  return server.requests.filter((request) => request.operation === operation);
}

/** Lists only the first few open uploads, like a server with small pages. */
function pageOfUploads(count: number): string {
  const uploads = server.uploads(BUCKET);
  const listed = uploads
    .slice(0, count)
    .map(({ key, uploadId }) => `<Upload><Key>${key}</Key><UploadId>${uploadId}</UploadId></Upload>`);
  const body = `<IsTruncated>${uploads.length > count}</IsTruncated>${listed.join('')}`;
  return `<ListMultipartUploadsResult>${body}</ListMultipartUploadsResult>`;
}

async function leaveOpen(key: string): Promise<void> {
  server.fault = ({ operation }) =>
    operation === 'AbortMultipartUpload' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
  const beforeComplete = () => Promise.reject(new Error('killed'));
  const put = storeAt(server).putAssetInParts(largeAssetOf(key, Buffer.from('x'), { beforeComplete }));
  await expect(put).rejects.toThrow('killed');
  server.fault = undefined;
}

it('returns 0 if no upload is open', async () => {
  expect(await storeAt(server).abortUploads('artifacts/c1/')).toBe(0);
});

it('aborts every open upload under the prefix, several of one key too, and no other', async () => {
  for (const key of ['c1/a', 'c1/a', 'c1/deep/b', 'c10/a', 'c1']) await leaveOpen(key);
  expect(await storeAt(server).abortUploads('c1/')).toBe(3);
  expect(server.uploads(BUCKET).map(({ key }) => key)).toEqual(['c10/a', 'c1']);
  expect(await storeAt(server).abortUploads('c1')).toBe(2);
});

it('goes on until the listing is complete', async () => {
  for (const key of ['c1/a', 'c1/a', 'c1/b', 'c1/b', 'c1/c']) await leaveOpen(key);
  server.fault = ({ operation }) =>
    operation === 'ListMultipartUploads' ? { kind: 'reply', status: 200, body: pageOfUploads(2) } : undefined;
  expect(await storeAt(server).abortUploads('c1/')).toBe(5);
});

it('does not go on forever if nothing gets removed', async () => {
  await leaveOpen('c1/a');
  const body = pageOfUploads(0);
  server.fault = ({ operation }) =>
    operation === 'ListMultipartUploads' ? { kind: 'reply', status: 200, body } : undefined;
  expect(await storeAt(server).abortUploads('c1/')).toBe(0);
  server.fault = undefined;
  expect(await storeAt(server).abortUploads('c1/')).toBe(1);
});

it('ignores an upload that is gone by then', async () => {
  await leaveOpen('c1/a');
  let isFirst = true;
  server.fault = ({ operation }) => {
    if (operation !== 'AbortMultipartUpload' || !isFirst) return undefined;
    isFirst = false;
    return { kind: 'reset', when: 'after' };
  };
  expect(await storeAt(server).abortUploads('c1/')).toBe(1);
  expect(requestsOf('AbortMultipartUpload').at(-1)?.errorCode).toBe('NoSuchUpload');
});

it('reports a missing permission', async () => {
  await leaveOpen('c1/a');
  server.fault = ({ operation }) =>
    operation === 'AbortMultipartUpload' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
  const fault = await faultOf(storeAt(server).abortUploads('c1/'));
  expect(fault.message).toContain('allow s3:AbortMultipartUpload on arn:aws:s3:::bucket/c1/a');
  server.fault = undefined;
  await storeAt(server).abortUploads('');
});

it('leaves the remaining uploads alone when it is stopped', async () => {
  for (const key of ['c1/a', 'c1/b', 'c1/c']) await leaveOpen(key);
  let asked = 0;
  const stopAtSecond = (): void => {
    asked += 1;
    if (asked === 2) throw new Error('lost');
  };
  await expect(storeAt(server).abortUploads('c1/', stopAtSecond)).rejects.toThrow('lost');
  expect(server.uploads(BUCKET)).toHaveLength(2);
});
