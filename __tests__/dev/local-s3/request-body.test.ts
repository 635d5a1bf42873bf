import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { receiveBody, verifyBody, verifyChecksum } from '../../../dev/local-s3/request-body.ts';

const CHUNKED = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'transfer-encoding': 'chunked' };
const TRAILER = { ...CHUNKED, 'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-decoded-content-length': '9' };
const ENCODED = '9\r\n123456789\r\n0\r\n';

async function receive(text: string, headers: Record<string, string> = {}) {
  const all = { 'content-length': String(text.length), ...headers };
  const body = await receiveBody(Readable.from([Buffer.from(text)]), all);
  const verify = () => {
    verifyBody(all, body);
    verifyChecksum(all, body);
  };
  return { body, verify };
}

describe('a plain body', () => {
  it('passes when all its digests are right', async () => {
    const { body, verify } = await receive('123456789', {
      'content-md5': createHash('md5').update('123456789').digest('base64'),
      'x-amz-content-sha256': createHash('sha256').update('123456789').digest('hex'),
      'x-amz-checksum-crc32': 'y/Q5Jg==',
    });
    expect(verify).not.toThrow();
    expect(body).toMatchObject({ receivedBytes: 9, checksums: new Map([['CRC32', 'y/Q5Jg==']]) });
  });

  it.each([
    ['XAmzContentSHA256Mismatch', { 'x-amz-content-sha256': '0'.repeat(64) }],
    ['BadDigest', { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }],
    ['InvalidDigest', { 'content-md5': 'AAAA' }],
    ['BadDigest', { 'x-amz-checksum-crc32': 'AAAAAA==' }],
    ['InvalidRequest', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }],
  ])('is refused with %s', async (code, headers) => {
    const { verify } = await receive('123456789', headers);
    expect(verify).toThrow(expect.objectContaining({ code }));
  });

  it('may be absent', async () => {
    const body = await receiveBody(Readable.from([]), {});
    expect(body).toMatchObject({ receivedBytes: 0, sha256: createHash('sha256').digest('hex') });
  });
});

describe('an aws-chunked body', () => {
  it('passes when its trailer is right', async () => {
    const { body, verify } = await receive(`${ENCODED}x-amz-checksum-crc32:y/Q5Jg==\r\n\r\n`, TRAILER);
    expect(verify).not.toThrow();
    expect(body.content.text()).toBe('123456789');
  });

  it.each([
    ['a wrong trailer', 'BadDigest', `${ENCODED}x-amz-checksum-crc32:AAAAAA==\r\n\r\n`, TRAILER],
    ['no trailer', 'InvalidRequest', `${ENCODED}\r\n`, TRAILER],
    ['another length', 'IncompleteBody', `${ENCODED}\r\n`, { ...CHUNKED, 'x-amz-decoded-content-length': '8' }],
    ['an end missing', 'IncompleteBody', '9\r\n123456789\r\n', CHUNKED],
    ['no encoding at all', 'IncompleteBody', '123456789', CHUNKED],
  ])('is refused with %s', async (_name, code, text, headers) => {
    const { verify } = await receive(text, headers);
    expect(verify).toThrow(expect.objectContaining({ code }));
  });
});
