import { describe, expect, it } from '@jest/globals';
import {
  canonicalRequest,
  EMPTY_SHA256,
  hmacHex,
  type SignedParts,
  signingKey,
  stringToSign,
  uriEncode,
} from '../../../dev/local-s3/signature.ts';

// The examples of "Signature Calculations for the Authorization Header" in Amazon's S3 API reference.
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const SCOPE = { date: '20130524', region: 'us-east-1', service: 's3' };
const TIMESTAMP = '20130524T000000Z';
const HOST = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': TIMESTAMP };

function sign(method: string, target: string, headers: Record<string, string>, payloadHash = EMPTY_SHA256): string {
  const all: Record<string, string> = { ...HOST, 'x-amz-content-sha256': payloadHash, ...headers };
  const [rawPath = '', rawQuery = ''] = target.split('?');
  const signedHeaders = Object.keys(all).toSorted();
  const parts: SignedParts = { method, rawPath, rawQuery, headers: all, signedHeaders, payloadHash };
  return hmacHex(signingKey(SECRET, SCOPE), stringToSign(TIMESTAMP, SCOPE, canonicalRequest(parts)));
}

describe('the examples of the S3 API reference', () => {
  it('GET Object', () => {
    const signature = sign('GET', '/test.txt', { range: 'bytes=0-9' });
    expect(signature).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  });

  it('PUT Object', () => {
    const headers = { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' };
    const hash = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const signature = sign('PUT', '/test%24file.text', headers, hash);
    expect(signature).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  it('GET Bucket Lifecycle, a parameter without a value', () => {
    const signature = sign('GET', '/?lifecycle', {});
    expect(signature).toBe('fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543');
  });

  it('List Objects', () => {
    const signature = sign('GET', '/?max-keys=2&prefix=J', {});
    expect(signature).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
  });
});

describe('canonicalRequest', () => {
  const parts = {
    method: 'GET',
    headers: { host: ' a   b ' },
    signedHeaders: ['host'],
    payloadHash: 'UNSIGNED-PAYLOAD',
  };

  it('sorts the query by its encoded form and leaves the signature out', () => {
    const rawQuery = 'b=2&a=%2f&a=+&X-Amz-Signature=f&A';
    const lines = canonicalRequest({ ...parts, rawPath: '/', rawQuery }).split('\n');
    expect(lines[2]).toBe('A=&a=%20&a=%2F&b=2');
    expect(lines[3]).toBe('host:a b');
  });

  it('encodes the path once and never normalises it', () => {
    const rawPath = "/b/x%2Fy//./../a+b'(%7E)%25";
    expect(canonicalRequest({ ...parts, rawPath, rawQuery: '' }).split('\n')[1]).toBe(
      '/b/x/y//./../a%2Bb%27%28~%29%25',
    );
  });
});

describe('uriEncode', () => {
  it('keeps only what RFC 3986 calls unreserved', () => {
    expect(uriEncode("Az09-_.~ /!'()*é")).toBe('Az09-_.~%20%2F%21%27%28%29%2A%C3%A9');
    expect(uriEncode('a/b', '/')).toBe('a/b');
  });
});
