import { describe, expect, it } from '@jest/globals';
import { ChunkedDecoder } from '../../../dev/local-s3/chunked.ts';

const BODY = '5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n';
const SIGNATURE = 'a'.repeat(64);

function decode(body: string, pieceBytes = body.length): { text: string; decoder: ChunkedDecoder } {
  const decoder = new ChunkedDecoder();
  const data: Uint8Array[] = [];
  const bytes = Buffer.from(body);
  for (let i = 0; i < bytes.length; i += pieceBytes) data.push(...decoder.push(bytes.subarray(i, i + pieceBytes)));
  decoder.end();
  return { text: Buffer.concat(data).toString(), decoder };
}

describe('ChunkedDecoder', () => {
  it.each([1, 2, 3, 7, 1000])('reads data and trailers in pieces of %d bytes', (pieceBytes) => {
    const { text, decoder } = decode(BODY, pieceBytes);
    expect(text).toBe('hello world');
    expect(decoder.trailers).toEqual({ 'x-amz-checksum-crc32': 'DUoRhQ==' });
    expect(decoder.signedChunks).toEqual([]);
  });

  it('notes the signature and the digest of each chunk', () => {
    const { decoder } = decode(`1;chunk-signature=${SIGNATURE}\r\na\r\n0;chunk-signature=${SIGNATURE}\r\n\r\n`);
    expect(decoder.signedChunks).toEqual([
      { signature: SIGNATURE, sha256: 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb' },
      { signature: SIGNATURE, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['no last chunk', '5\r\nhello\r\n'],
    ['a chunk cut short', '5\r\nhel'],
    ['a chunk longer than its size', '4\r\nhello\r\n0\r\n\r\n'],
    ['a size that is none', 'x\r\nhello\r\n0\r\n\r\n'],
    ['bytes after the end', '0\r\n\r\nmore\r\n'],
    ['a trailer without a name', '0\r\nnothing\r\n\r\n'],
  ])('refuses %s', (_name, body) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: 'IncompleteBody' }));
  });
});
