import { isUtf8 } from 'node:buffer';

// Python holds a file name that isn't UTF-8 as text, each stray byte as a code point from U+DC80 to U+DCFF
// ("surrogateescape", PEP 383). These never stand in real text, so the way back to the bytes is certain.

const STRAY_BYTE = /([\uDC80-\uDCFF])/u;

/** A file name's bytes as Python's text. */
export function decodeFileName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let name = '';
  for (let start = 0; start < bytes.length; ) {
    const lengthBytes = sequenceLength(bytes[start] ?? 0);
    const sequence = bytes.subarray(start, start + lengthBytes);
    const isCharacter = sequence.length === lengthBytes && isUtf8(sequence);
    name += isCharacter ? sequence.toString() : String.fromCharCode(0xdc00 + (bytes[start] ?? 0));
    start += isCharacter ? lengthBytes : 1;
  }
  return name;
}

/** @returns what Node takes for the path: the text itself wherever that is UTF-8, else its bytes */
export function encodePath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  const parts = path.split(STRAY_BYTE);
  return Buffer.concat(
    parts.map((part) => (STRAY_BYTE.test(part) ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part))),
  );
}

/** How many bytes the UTF-8 sequence has that begins with this byte (RFC 3629). */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
