import { crc32 } from 'node:zlib';

/** A digest that is fed piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The digest as big-endian bytes, the form S3 encodes in base64. */
  digest(): Buffer;
}

// Both polynomials are bit-reversed ("reflected"), as both CRCs take their bits least significant first.
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

const crc32cTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value;
});

const crc64Entries = Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ CRC64NVME_POLYNOMIAL : value >> 1n;
  return value;
});
// In two halves, since 64-bit arithmetic with BigInt is a hundred times slower than with 32-bit integers.
const crc64High = Uint32Array.from(crc64Entries, (value) => Number(value >> 32n));
const crc64Low = Uint32Array.from(crc64Entries, (value) => Number(value & 0xffffffffn));

/** CRC-32 as in zip and gzip (ISO 3309). */
export function createCrc32(): Hasher {
  let value = 0;
  return {
    update: (bytes) => {
      value = crc32(bytes, value);
    },
    digest: () => bigEndian([value]),
  };
}

/** CRC-32C, the Castagnoli polynomial (RFC 3720). */
export function createCrc32c(): Hasher {
  let value = -1;
  return {
    update: (bytes) => {
      let crc = value;
      for (let i = 0; i < bytes.length; i++) {
        crc = (crc >>> 8) ^ (crc32cTable[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
      }
      value = crc;
    },
    digest: () => bigEndian([~value]),
  };
}

/** CRC-64/NVME, as defined in the NVM Express command set specification. */
export function createCrc64Nvme(): Hasher {
  let high = -1;
  let low = -1;
  return {
    update: (bytes) => {
      for (let i = 0; i < bytes.length; i++) {
        const index = (low ^ (bytes[i] ?? 0)) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (crc64Low[index] ?? 0);
        high = (high >>> 8) ^ (crc64High[index] ?? 0);
      }
    },
    digest: () => bigEndian([~high, ~low]),
  };
}

function bigEndian(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, index) => {
    bytes.writeUInt32BE(word >>> 0, 4 * index);
  });
  return bytes;
}
