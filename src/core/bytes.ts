import { createHash } from 'node:crypto';
import type { Bytes } from '../ports.ts';

/** Of bytes that may be too many for memory, as many at a time. */
const WINDOW_BYTES = 64 * 1024;

/** Goes through the bytes before `end` some at a time, all in the same memory: each is gone when the next is asked for. */
export function* windowsOf(bytes: Bytes, end = bytes.length): Generator<Uint8Array> {
  const window = Buffer.allocUnsafeSlow(Math.min(end, WINDOW_BYTES));
  for (let start = 0; start < end; start += window.length)
    yield window.subarray(0, bytes.copy(window, 0, start, Math.min(start + window.length, end)));
}

/** @returns the SHA-256 of the bytes before `end` */
export function digestOf(bytes: Bytes, encoding: 'hex' | 'base64', end = bytes.length): string {
  const hasher = createHash('sha256');
  for (const window of windowsOf(bytes, end)) hasher.update(window);
  return hasher.digest(encoding);
}

/** Whether two are the same, byte by byte. */
export function areSameBytes(left: Bytes, right: Bytes): boolean {
  if (left.length !== right.length) return false;
  const others = windowsOf(right);
  for (const window of windowsOf(left)) {
    const other = others.next();
    if (other.done || Buffer.compare(window, other.value) !== 0) return false;
  }
  return true;
}

/** The first of some bytes, with others in place of all after them; in memory where those are. */
export function withTail(bytes: Bytes, keptBytes: number, tail: Buffer): Bytes {
  if (bytes instanceof Uint8Array) return Buffer.concat([bytes.subarray(0, keptBytes), tail]);
  return new TailedBytes(bytes, keptBytes, tail);
}

class TailedBytes implements Bytes {
  readonly length: number;
  readonly #head: Bytes;
  readonly #headBytes: number;
  readonly #tail: Buffer;

  constructor(head: Bytes, headBytes: number, tail: Buffer) {
    this.length = headBytes + tail.length;
    this.#head = head;
    this.#headBytes = headBytes;
    this.#tail = tail;
  }

  copy(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    const tailStart = Math.max(start - this.#headBytes, 0);
    const tailEnd = Math.max(end - this.#headBytes, 0);
    const headEnd = Math.min(end, this.#headBytes);
    const headBytes = start < headEnd ? this.#head.copy(target, targetStart, start, headEnd) : 0;
    return headBytes + this.#tail.copy(target, targetStart + headBytes, tailStart, tailEnd);
  }

  toString(encoding: BufferEncoding = 'utf8', start = 0, end = this.length): string {
    // A file reads into the same memory each time.
    if (end <= this.#headBytes) return this.#head.toString(encoding, start, end);
    const bytes = Buffer.allocUnsafe(Math.max(Math.min(end, this.length) - start, 0));
    this.copy(bytes, 0, start, end);
    return bytes.toString(encoding);
  }
}
