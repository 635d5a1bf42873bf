import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// Left to itself, V8 lets new objects take 128 MB before it looks which of them are still in use, and old ones four times
// what is: with thousands of requests it comes to that, although a tenth is in use. A runner has other things in memory.
// Only worth it for many requests: the module takes some milliseconds to load.

/** Of new objects: with more, a transfer of 10,000 files takes no less time. */
const ENOUGH_BYTES = 8 * 1024 ** 2;
const LOOK_MS = 10;

let isBounded = false;

/**
 * Has V8 collect garbage early from now on. Flags that can be set while it runs do that, by
 * https://github.com/v8/v8/blob/main/src/flags/flag-definitions.h; one that V8 no longer knows changes nothing.
 */
export function boundHeap(): void {
  if (isBounded) return;
  isBounded = true;
  setFlagsFromString('--heap-growing-percent=50');
  const timer = setInterval(() => {
    if (newSpaceBytes() < ENOUGH_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    clearInterval(timer);
  }, LOOK_MS);
  timer.unref();
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
