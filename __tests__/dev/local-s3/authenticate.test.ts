import { describe, expect, it } from '@jest/globals';
import { authenticate } from '../../../dev/local-s3/authenticate.ts';
import type { SignedChunk } from '../../../dev/local-s3/chunked.ts';
import { EMPTY_CONTENT } from '../../../dev/local-s3/content.ts';
import { CredentialStore } from '../../../dev/local-s3/credentials.ts';
import type { RequestBody } from '../../../dev/local-s3/request-body.ts';
import { parseQuery, type S3Request } from '../../../dev/local-s3/s3-request.ts';
import { EMPTY_SHA256 } from '../../../dev/local-s3/signature.ts';

// The examples of Amazon's S3 API reference; their time is midnight of 24 May 2013.
const ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
const MIDNIGHT = Date.UTC(2013, 4, 24);
const HOST = 'examplebucket.s3.amazonaws.com';

const credentials = new CredentialStore();
credentials.add({ accessKeyId: ACCESS_KEY_ID, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' });
credentials.add({ accessKeyId: 'ASIAEXPIRED', secretAccessKey: 's', sessionToken: 't', expiresAt: MIDNIGHT });
const verifier = { service: 's3', credentials, nowMs: MIDNIGHT, regions: ['us-east-1'] } as const;

const NO_BODY: RequestBody = {
  content: EMPTY_CONTENT,
  receivedBytes: 0,
  md5: Buffer.alloc(16),
  sha256: EMPTY_SHA256,
  checksums: new Map(),
  trailers: {},
  signedChunks: [],
  failure: undefined,
};

interface Claim {
  readonly key?: string;
  readonly scope?: string;
  readonly signedHeaders?: string;
  readonly signature?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The "GET Object" example, or one like it. */
function getObject({ key = ACCESS_KEY_ID, scope = '20130524/us-east-1/s3', ...claim }: Claim = {}): S3Request {
  const { signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41' } = claim;
  const { signedHeaders = 'host;range;x-amz-content-sha256;x-amz-date' } = claim;
  const credential = `Credential=${key}/${scope}/aws4_request`;
  return {
    method: 'GET',
    rawPath: '/test.txt',
    rawQuery: '',
    query: {},
    bucket: 'examplebucket',
    key: 'test.txt',
    headers: {
      host: HOST,
      range: 'bytes=0-9',
      'x-amz-content-sha256': EMPTY_SHA256,
      'x-amz-date': '20130524T000000Z',
      authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
      ...claim.headers,
    },
    malformed: false,
  };
}

const refusal = (code: string) => expect.objectContaining({ code });
const verify = (request: S3Request, more = {}) => authenticate(request, NO_BODY, { ...verifier, ...more });

describe('a signed header', () => {
  it('is accepted, and identifies its sender', () => {
    const arn = `arn:aws:iam::123456789012:user/${ACCESS_KEY_ID}`;
    expect(verify(getObject())).toEqual({ accessKeyId: ACCESS_KEY_ID, arn, region: 'us-east-1' });
  });

  it.each<[string, string, Claim]>([
    ['a signature of something else', 'SignatureDoesNotMatch', { signature: 'f'.repeat(64) }],
    ['a changed header', 'SignatureDoesNotMatch', { headers: { range: 'bytes=0-8' } }],
    ['an unknown key', 'InvalidAccessKeyId', { key: 'AKIAOTHER' }],
    ['another region', 'AuthorizationHeaderMalformed', { scope: '20130524/eu-west-3/s3' }],
    ['another service', 'AuthorizationHeaderMalformed', { scope: '20130524/us-east-1/sts' }],
    ['another day', 'AuthorizationHeaderMalformed', { scope: '20130523/us-east-1/s3' }],
    ['a token where none belongs', 'InvalidToken', { headers: { 'x-amz-security-token': 'bogus' } }],
    ['a missing token', 'InvalidToken', { key: 'ASIAEXPIRED' }],
    ['an expired token', 'ExpiredToken', { key: 'ASIAEXPIRED', headers: { 'x-amz-security-token': 't' } }],
    ['a header that is not signed', 'AccessDenied', { headers: { 'x-amz-meta-a': 'b' } }],
    ['an unsigned host', 'AccessDenied', { signedHeaders: 'x-amz-content-sha256;x-amz-date' }],
    ['nonsense', 'AuthorizationHeaderMalformed', { headers: { authorization: 'Bearer x' } }],
  ])('is refused with %s', (_name, code, claim) => {
    expect(() => verify(getObject(claim))).toThrow(refusal(code));
  });

  it('is refused for a wrong region, with the right one named', () => {
    expect(() => verify(getObject(), { regions: ['eu-west-1'] })).toThrow(
      expect.objectContaining({ details: { Region: 'eu-west-1' } }),
    );
  });

  it.each([
    [-15 * 60, true],
    [-15 * 60 - 1, false],
    [15 * 60, true],
    [15 * 60 + 1, false],
  ])('may be %d seconds off: %s', (seconds, accepted) => {
    const attempt = () => verify(getObject(), { nowMs: MIDNIGHT + seconds * 1000 });
    if (accepted) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(refusal('RequestTimeTooSkewed'));
  });

  it('is required', () => {
    const { authorization: _, ...headers } = getObject().headers;
    expect(() => verify({ ...getObject(), headers })).toThrow(refusal('AccessDenied'));
  });
});

describe('a presigned URL', () => {
  const rawQuery =
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
    '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
    '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
  const presigned = (text = rawQuery): S3Request => ({
    ...getObject(),
    rawQuery: text,
    query: Object.fromEntries(parseQuery(text)),
    headers: { host: HOST },
  });

  it('is accepted until it expires', () => {
    expect(verify(presigned(), { nowMs: MIDNIGHT + 86_400_000 }).accessKeyId).toBe(ACCESS_KEY_ID);
    expect(() => verify(presigned(), { nowMs: MIDNIGHT + 86_400_001 })).toThrow('Request has expired');
  });

  it('is refused when it was tampered with', () => {
    expect(() => verify(presigned(rawQuery.replace('86400', '86401')))).toThrow(refusal('SignatureDoesNotMatch'));
    const tooLong = presigned(rawQuery.replace('86400', '9999999'));
    expect(() => verify(tooLong)).toThrow(refusal('AuthorizationQueryParametersError'));
  });
});

describe('a body that is signed chunk by chunk', () => {
  const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
  const signedHeaders =
    'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class';
  const request: S3Request = {
    ...getObject(),
    method: 'PUT',
    rawPath: '/examplebucket/chunkObject.txt',
    headers: {
      host: 's3.amazonaws.com',
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': payload,
      'content-encoding': 'aws-chunked',
      'content-length': '66824',
      'x-amz-decoded-content-length': '66560',
      authorization:
        `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY_ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},` +
        'Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    },
  };
  const chunks: readonly SignedChunk[] = [
    {
      signature: 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      sha256: 'bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a',
    },
    {
      signature: '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      sha256: '2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a',
    },
    { signature: 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9', sha256: EMPTY_SHA256 },
  ];
  const send = (signedChunks: readonly SignedChunk[]) => authenticate(request, { ...NO_BODY, signedChunks }, verifier);

  it('is accepted when each chunk follows on the one before', () => {
    expect(send(chunks).accessKeyId).toBe(ACCESS_KEY_ID);
  });

  it('is refused when a chunk is missing, changed, or not the last', () => {
    for (const wrong of [chunks.slice(1), chunks.slice(0, 2), [], chunks.toReversed()]) {
      expect(() => send(wrong)).toThrow(refusal('SignatureDoesNotMatch'));
    }
  });

  it('is refused when its trailer is not signed', () => {
    // The "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" example.
    const names =
      'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer';
    const headers = {
      ...request.headers,
      'x-amz-content-sha256': `${payload}-TRAILER`,
      'x-amz-trailer': 'x-amz-checksum-crc32c',
      authorization:
        `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY_ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names},` +
        'Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    };
    const signatures = [
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
    ];
    const signedChunks = chunks.map(({ sha256 }, index) => ({ sha256, signature: signatures[index] ?? '' }));
    const signature = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435';
    const sendTrailers = (trailers: Record<string, string>) =>
      authenticate({ ...request, headers }, { ...NO_BODY, signedChunks, trailers }, verifier);
    const checksum = { 'x-amz-checksum-crc32c': 'sOO8/Q==' };
    sendTrailers({ ...checksum, 'x-amz-trailer-signature': signature });
    expect(() => sendTrailers(checksum)).toThrow(refusal('SignatureDoesNotMatch'));
    const changed = { 'x-amz-checksum-crc32c': 'AAAAAA==', 'x-amz-trailer-signature': signature };
    expect(() => sendTrailers(changed)).toThrow(refusal('SignatureDoesNotMatch'));
  });
});
