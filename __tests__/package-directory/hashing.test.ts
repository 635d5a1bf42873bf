import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hashFile } from '../../src/package-directory/hashing.ts';
import type { DigestOptions, FileDigests } from '../../src/ports.ts';

const MIB = 1024 ** 2;
const BYTES = randomBytes(2_500_000);

let directory: string;
let file: FileHandle;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-hashing-'));
  file = await open(join(directory, 'file'), 'w+');
});
afterEach(async () => {
  await file.close();
  await rm(directory, { recursive: true });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** In S3's format: big-endian, in base64. */
function crc32Of(bytes: Uint8Array): string {
  return Buffer.from(crc32(bytes).toString(16).padStart(8, '0'), 'hex').toString('base64');
}

function partsOf(sizeBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let position = 0; position < BYTES.length; position += sizeBytes)
    parts.push(BYTES.subarray(position, position + sizeBytes));
  return parts;
}

function hashed(sizeBytes: number, options: Partial<DigestOptions> = {}): Promise<FileDigests> {
  const parts = { sizeBytes: 8 * MIB, checksum: 'crc32' } as const;
  return hashFile({ descriptor: file.fd, sizeBytes }, { parts, signal: new AbortController().signal, ...options });
}

describe('a file hashed on another thread', () => {
  describe.each([
    ['sha256', sha256],
    ['crc32', crc32Of],
  ] as const)('with a %s of each part', (checksum, digest) => {
    it.each([1_000_000, 1_250_000, 2_500_000, 3_000_000])('of %d bytes', async (sizeBytes) => {
      await file.write(BYTES);
      const parts = partsOf(sizeBytes).map(digest);
      expect(await hashed(BYTES.length, { parts: { sizeBytes, checksum } })).toEqual({ whole: sha256(BYTES), parts });
    });
  });

  it('must not be shorter than expected', async () => {
    await file.write(BYTES);
    await expect(hashed(BYTES.length + 1)).rejects.toThrow(`the file ends at byte ${BYTES.length}`);
  });

  it('reports its progress', async () => {
    await file.truncate(40 * MIB);
    const reported: number[] = [];
    await hashed(40 * MIB, { onBytes: (bytes) => reported.push(bytes) });
    expect(reported).toEqual([16 * MIB, 16 * MIB]);
  });

  it('is no longer read once the signal is aborted', async () => {
    const sizeBytes = 400 * MIB;
    await file.truncate(sizeBytes);
    const abortion = new AbortController();
    const reason = new Error('cancelled');
    let hashedBytes = 0;
    const onBytes = (bytes: number): void => {
      hashedBytes += bytes;
      abortion.abort(reason);
    };
    await expect(hashed(sizeBytes, { signal: abortion.signal, onBytes })).rejects.toBe(reason);
    expect(hashedBytes).toBeLessThan(sizeBytes / 2);
  });

  it('shares its thread with others if there are more than processors', async () => {
    await file.write(BYTES);
    const all = await Promise.all(Array.from({ length: availableParallelism() * 3 }, () => hashed(BYTES.length)));
    expect(new Set(all.map(({ whole }) => whole))).toEqual(new Set([sha256(BYTES)]));
  });
});
