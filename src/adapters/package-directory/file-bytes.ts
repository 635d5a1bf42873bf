import { read, readSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';

// Bytes of an open file. Few are moved at once, many by another thread: that costs more than moving the few, but leaves
// this one free for requests meanwhile.

const FEW_BYTES = 256 * 1024;
const readElsewhere = promisify(read);
const writeElsewhere = promisify(write);

/**
 * Fills `bytes` from a position of the file on.
 *
 * @returns how many there were; fewer than asked for where the file ends before
 */
export async function readAt(descriptor: number, bytes: Uint8Array, position: number): Promise<number> {
  let filledBytes = 0;
  while (filledBytes < bytes.length) {
    const rest = bytes.subarray(filledBytes);
    const at = position + filledBytes;
    const count =
      rest.length <= FEW_BYTES
        ? readSync(descriptor, rest, 0, rest.length, at)
        : (await readElsewhere(descriptor, rest, 0, rest.length, at)).bytesRead;
    if (count === 0) break;
    filledBytes += count;
  }
  return filledBytes;
}

/** Writes all of `bytes` from a position of the file on. */
export async function writeAt(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let writtenBytes = 0; writtenBytes < bytes.length; ) {
    const rest = bytes.subarray(writtenBytes);
    const at = position + writtenBytes;
    writtenBytes +=
      rest.length <= FEW_BYTES
        ? writeSync(descriptor, rest, 0, rest.length, at)
        : (await writeElsewhere(descriptor, rest, 0, rest.length, at)).bytesWritten;
  }
}
