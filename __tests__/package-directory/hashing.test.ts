import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileHashing } from '../../src/package-directory/hashing.ts';

const MIB = 1024 ** 2;
const BYTES = randomBytes(2_500_000);
const SIZE = { sizeBytes: BYTES.length };

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

/** As S3 has it: big-endian, in base64. */
function crc32Of(bytes: Uint8Array): string {
  return Buffer.from(crc32(bytes).toString(16).padStart(8, '0'), 'hex').toString('base64');
}

function partsOf(sizeBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let position = 0; position < BYTES.length; position += sizeBytes)
    parts.push(BYTES.subarray(position, position + sizeBytes));
  return parts;
}

describe('a file that is hashed on another thread', () => {
  it('is followed while it is written', async () => {
    await using hashing = new FileHashing({ descriptor: file.fd, ...SIZE });
    for (let position = 0; position < BYTES.length; position += 700_000) {
      const end = Math.min(position + 700_000, BYTES.length);
      await file.write(BYTES, position, end - position, position);
      hashing.advance(end);
    }
    expect(await hashing.finish()).toMatchObject({ whole: sha256(BYTES) });
  });

  describe.each([
    ['sha256', sha256],
    ['crc32', crc32Of],
  ] as const)('in parts that have a %s', (checksum, digest) => {
    it.each([1_000_000, 1_250_000, 2_500_000, 3_000_000])('each, of %d bytes', async (sizeBytes) => {
      await file.write(BYTES);
      await using hashing = new FileHashing({ descriptor: file.fd, ...SIZE, parts: { sizeBytes, checksum } });
      const parts = partsOf(sizeBytes).map(digest);
      expect(await hashing.finish()).toEqual({ whole: sha256(BYTES), parts });
    });
  });

  it('has a digest where it is empty', async () => {
    await using hashing = new FileHashing({ descriptor: file.fd, sizeBytes: 0 });
    expect(await hashing.finish()).toEqual({ whole: sha256(Buffer.alloc(0)), parts: [] });
  });

  it('must not be shorter', async () => {
    await file.write(BYTES);
    await using hashing = new FileHashing({ descriptor: file.fd, sizeBytes: BYTES.length + 1 });
    await expect(hashing.finish()).rejects.toThrow(`the file ends at byte ${BYTES.length}`);
  });

  it('tells how far it is, where someone wants to know', async () => {
    await file.truncate(40 * MIB);
    const told: number[] = [];
    await using hashing = new FileHashing({ descriptor: file.fd, sizeBytes: 40 * MIB }, (bytes) => told.push(bytes));
    await hashing.finish();
    expect(told).toEqual([16 * MIB, 16 * MIB]);
  });

  it('need not be hashed to its end', async () => {
    await file.truncate(400 * MIB);
    const hashing = new FileHashing({ descriptor: file.fd, sizeBytes: 400 * MIB });
    hashing.advance(10);
    const finished = hashing.finish();
    await hashing[Symbol.asyncDispose]();
    await expect(finished).rejects.toThrow('the file was given up');
  });

  it('shares its thread with others, where there are more than processors', async () => {
    await file.write(BYTES);
    const count = availableParallelism() * 3;
    const hashings = Array.from({ length: count }, () => new FileHashing({ descriptor: file.fd, ...SIZE }));
    // The last first: none waits for those before it.
    for (const hashing of hashings.toReversed()) expect(await hashing.finish()).toMatchObject({ whole: sha256(BYTES) });
  });
});
