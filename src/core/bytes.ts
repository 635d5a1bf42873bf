import type { Bytes } from '../ports.ts';

/** Of bytes that may be too many for memory, as many at a time. */
const WINDOW_BYTES = 64 * 1024;

/** Goes through bytes some at a time, all of them in the same memory: each is gone when the next is asked for. */
export function* windowsOf(bytes: Bytes): Generator<Uint8Array> {
  const window = Buffer.allocUnsafeSlow(Math.min(bytes.length, WINDOW_BYTES));
  for (let start = 0; start < bytes.length; start += window.length)
    yield window.subarray(0, bytes.copy(window, 0, start, start + window.length));
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
