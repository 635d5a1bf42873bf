import type { Checksum } from '../checksums.ts';
import { leaf } from '../xml.ts';

/** `<ChecksumSHA256>…</ChecksumSHA256><ChecksumType>…</ChecksumType>`, or nothing. */
export function checksumElements(checksum: Checksum | undefined): string {
  if (checksum === undefined) return '';
  return leaf(`Checksum${checksum.algorithm}`, checksum.value) + leaf('ChecksumType', checksum.type);
}

/** The same for a part, which has no type of its own. */
export function partChecksumElement(checksum: Checksum | undefined): string {
  return checksum === undefined ? '' : leaf(`Checksum${checksum.algorithm}`, checksum.value);
}
