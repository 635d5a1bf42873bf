import { describe, expect, it } from '@jest/globals';
import { createCrc32, createCrc32c, createCrc64Nvme, type Hasher } from '../../../dev/local-s3/crc.ts';

// The check values of the catalogue of parametrised CRC algorithms: each CRC of the ASCII text "123456789".
const VECTORS = [
  ['CRC-32', createCrc32, 'cbf43926', '00000000'],
  ['CRC-32C', createCrc32c, 'e3069283', '00000000'],
  ['CRC-64/NVME', createCrc64Nvme, 'ae8b14860a799888', '0000000000000000'],
] as const;

describe.each(VECTORS)('%s', (_name, create, check, empty) => {
  it('has the published check value', () => {
    expect(digest(create(), '123456789')).toBe(check);
  });

  it('does not depend on how the bytes are cut up', () => {
    expect(digest(create(), '1', '', '2345', '6789')).toBe(check);
  });

  it('gives zero for nothing', () => {
    expect(digest(create())).toBe(empty);
  });
});

function digest(hasher: Hasher, ...pieces: readonly string[]): string {
  for (const piece of pieces) hasher.update(Buffer.from(piece));
  return hasher.digest().toString('hex');
}
