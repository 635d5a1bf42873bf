import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HashingThread } from '../../src/package-directory/open-file.ts';

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

describe('a thread that hashes', () => {
  it('follows a file that is being written', async () => {
    await using thread = new HashingThread(file.fd);
    for (let position = 0; position < BYTES.length; position += 700_000) {
      const end = Math.min(position + 700_000, BYTES.length);
      await file.write(BYTES, position, end - position, position);
      thread.advance(end);
    }
    expect(await thread.finish(BYTES.length)).toEqual([sha256(BYTES)]);
  });

  it.each([1_000_000, 1_250_000, 2_500_000, 3_000_000])(
    'has a digest for each piece of %d bytes',
    async (pieceBytes) => {
      await file.write(BYTES);
      await using thread = new HashingThread(file.fd, pieceBytes);
      const pieces: Uint8Array[] = [];
      for (let position = 0; position < BYTES.length; position += pieceBytes)
        pieces.push(BYTES.subarray(position, position + pieceBytes));
      expect(await thread.finish(BYTES.length)).toEqual(pieces.map(sha256));
    },
  );

  it('has one digest of an empty file', async () => {
    await using thread = new HashingThread(file.fd, 1000);
    expect(await thread.finish(0)).toEqual([sha256(Buffer.alloc(0))]);
  });

  it('tells that the file is shorter', async () => {
    await file.write(BYTES);
    await using thread = new HashingThread(file.fd);
    await expect(thread.finish(BYTES.length + 1)).rejects.toThrow(`the file ends at byte ${BYTES.length}`);
  });

  it('tells how far it is, where someone wants to know', async () => {
    const sizeBytes = 40 * 1024 ** 2;
    await file.truncate(sizeBytes);
    const told: number[] = [];
    await using thread = new HashingThread(file.fd, undefined, (bytes) => told.push(bytes));
    await thread.finish(sizeBytes);
    expect(told).toEqual([16 * 1024 ** 2, 16 * 1024 ** 2]);
  });

  it('leaves nothing behind where nobody asks for a digest', async () => {
    await using thread = new HashingThread(file.fd);
    thread.advance(10);
  });
});
