import { describe, expect, it } from '@jest/globals';
import {
  type ChecksumAlgorithm,
  compositeChecksum,
  declaredChecksum,
  fullObjectChecksum,
  parseChecksumAlgorithm,
} from '../../../dev/local-s3/checksums.ts';
import { Content } from '../../../dev/local-s3/content.ts';

describe('fullObjectChecksum', () => {
  it.each<[ChecksumAlgorithm, string]>([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ])('%s of "123456789"', (algorithm, hex) => {
    const value = Buffer.from(hex, 'hex').toString('base64');
    const content = new Content([Buffer.from('1234'), Buffer.from('56789')]);
    expect(fullObjectChecksum(algorithm, content)).toEqual({ algorithm, type: 'FULL_OBJECT', value });
  });
});

describe('compositeChecksum', () => {
  it('is the one that S3 gave for three parts of 5, 5 and 1 MiB', () => {
    // Captured from S3 by the authors of https://github.com/floci-io/floci/issues/3083.
    const parts = [
      'lcKa6Boe7a167tUCN5C4OaFygGSYD8MBnBARTrdL+1w=',
      'gHjhbUT4oo2tSCtSZJdlKi+jeNXJT+VImqdPXsXvkOc=',
      '4l9PQ3zOPZ0oGFvknFX+J4zZwE4WMzO+l3r8XrbWOeM=',
    ];
    const value = 'rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=-3';
    expect(compositeChecksum('SHA256', parts)).toEqual({ algorithm: 'SHA256', type: 'COMPOSITE', value });
  });
});

describe('declaredChecksum', () => {
  it('finds the one that is declared', () => {
    const headers = { 'content-type': 'text/plain', 'x-amz-checksum-crc32': 'y/Q5Jg==' };
    expect(declaredChecksum(headers)).toEqual({ algorithm: 'CRC32', value: 'y/Q5Jg==' });
    expect(declaredChecksum({ 'content-type': 'text/plain' })).toBeUndefined();
  });

  it('refuses two, and one of the wrong length', () => {
    const two = { 'x-amz-checksum-crc32': 'y/Q5Jg==', 'x-amz-checksum-crc32c': '4waSgw==' };
    expect(() => declaredChecksum(two)).toThrow('Expecting a single x-amz-checksum- header');
    const short = { 'x-amz-checksum-sha256': 'y/Q5Jg==' };
    expect(() => declaredChecksum(short)).toThrow('Value for x-amz-checksum-sha256 header is invalid.');
  });
});

describe('parseChecksumAlgorithm', () => {
  it('knows names in any case, and no others', () => {
    expect(parseChecksumAlgorithm('crc64nvme')).toBe('CRC64NVME');
    expect(() => parseChecksumAlgorithm('MD5')).toThrow('unsupported: MD5');
  });
});
