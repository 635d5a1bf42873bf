import { describe, expect, it } from '@jest/globals';
import { decodeFileName, encodePath } from '../../src/code-hash/md5.ts';

// Bytes in hex, and how Python's os.fsdecode decodes them.
const NAMES: readonly (readonly [hex: string, name: string])[] = [
  ['61c3a9', 'aé'],
  ['f09f9880', '😀'],
  ['ff', '\udcff'],
  ['61e962', 'a\udce9b'],
  ['e282', '\udce2\udc82'],
  ['e28261', '\udce2\udc82a'],
  ['c080', '\udcc0\udc80'],
  ['eda080', '\udced\udca0\udc80'],
  ['f4908080', '\udcf4\udc90\udc80\udc80'],
  ['80f09f9880ff', '\udc80😀\udcff'],
];

describe('a file name', () => {
  it.each(NAMES)('of the bytes %s is decoded as in Python', (hex, name) => {
    expect(decodeFileName(Buffer.from(hex, 'hex'))).toBe(name);
  });

  it.each(NAMES)('of the bytes %s encodes back to them', (hex, name) => {
    expect(Buffer.from(encodePath(name)).toString('hex')).toBe(hex);
  });
});
