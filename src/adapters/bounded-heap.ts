import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Left to itself, V8 lets new objects take 128 MB before it looks which of them are still in use, and old ones four times
// what is: with thousands of requests it comes to that, although a tenth is in use. A runner has other things in memory.
// Only worth it for many requests: the module takes some milliseconds to load.

/** Of new objects: with more, a transfer of 10,000 files takes no less time. */
const ENOUGH_BYTES = 8 * 1024 ** 2;
const LOOK_MS = 10;

let isBounded = false;

/**
 * Has V8 collect garbage early from now on. Flags that can be set while it runs do that, by
 * https://github.com/v8/v8/blob/main/src/flags/flag-definitions.h; one that V8 no longer knows changes nothing. From then
 * on V8 refuses code that was cached under other flags, as Node's own modules are: they take twice as long to load, so
 * what is used of them should be there by then.
 */
export function boundHeap(): void {
  if (isBounded) return;
  isBounded = true;
  // Any transfer will ask it how long it waited.
  process.getBuiltinModule('node:perf_hooks');
  setFlagsFromString('--heap-growing-percent=50');
  // While it marks old objects, V8 would let new ones take all the memory they want.
  setFlagsFromString('--no-separate-gc-phases');
  const timer = setInterval(() => {
    if (newSpaceBytes() < ENOUGH_BYTES) return;
    keepNewSpace();
    clearInterval(timer);
  }, LOOK_MS);
  timer.unref();
}

function keepNewSpace(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Of what was received, and is of no use any more: with more, the memory shows it. */
const RECEIVED_BYTES = 16 * 1024 ** 2;
/** Of a list, of which nothing else is in memory. */
const PASSED_BYTES = 1024 ** 2;

let receivedBytes = 0;
let collect: ((options: { readonly type: 'minor' }) => void) | undefined;

/**
 * To be told of what was received and put elsewhere. Node receives in pieces of 64 KiB, which lie outside of V8's heap: it
 * sees only the small objects that hold them, and would let 100 MB of them lie about.
 */
export function received(sizeBytes: number, mostBytes = RECEIVED_BYTES): void {
  receivedBytes += sizeBytes;
  if (receivedBytes < mostBytes) return;
  receivedBytes = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** The same of what belongs to a list that is never in memory, and needs no more room for new objects than there is. */
export function passedThrough(sizeBytes: number): void {
  boundHeap();
  keepNewSpace();
  received(sizeBytes, PASSED_BYTES);
}

/** @returns V8's own function, or one that does nothing where there is none */
function collector(): NonNullable<typeof collect> {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  return typeof gc === 'function' ? (options) => void gc(options) : () => undefined;
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
