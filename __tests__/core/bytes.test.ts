import { describe, expect, it } from '@jest/globals';
import { MemoryScratch } from '../../dev/memory-scratch.ts';
import { areSameBytes, windowsOf, withTail } from '../../src/core/bytes.ts';
import type { Bytes } from '../../src/ports.ts';

function scratchOf(bytes: Uint8Array): MemoryScratch {
  const scratch = new MemoryScratch();
  scratch.append(bytes);
  return scratch;
}

const TEXT = Buffer.from('head-ä-REST');
const KINDS: readonly (readonly [string, (bytes: Buffer) => Bytes])[] = [
  ['in memory', (bytes) => bytes],
  ['in a file', scratchOf],
];

describe.each(KINDS)('bytes %s with another tail', (_, kind) => {
  const [kept, tail] = ['head-ä'.length + 1, '-tail'];
  const expected = Buffer.from('head-ä-tail');
  const joined = withTail(kind(TEXT), kept, Buffer.from(tail));

  it('are as long as both', () => {
    expect(joined.length).toBe(expected.length);
  });

  it('are a text, whole and in part', () => {
    expect(joined.toString()).toBe('head-ä-tail');
    for (let start = 0; start <= expected.length; start += 1)
      for (let end = start; end <= expected.length + 2; end += 1)
        expect(joined.toString('latin1', start, end)).toBe(expected.toString('latin1', start, end));
  });

  it('are copied, whole and in part, as far as there is room', () => {
    for (let room = 0; room <= expected.length + 2; room += 1)
      for (let start = 0; start <= expected.length; start += 1)
        for (let end = start; end <= expected.length + 2; end += 1) {
          const [target, wanted] = [Buffer.alloc(room), Buffer.alloc(room)];
          const targetStart = Math.min(1, room);
          expect(joined.copy(target, targetStart, start, end)).toBe(expected.copy(wanted, targetStart, start, end));
          expect(target.equals(wanted)).toBe(true);
        }
  });

  it('are the same as those in one piece', () => {
    expect(areSameBytes(joined, expected)).toBe(true);
    expect(collected(windowsOf(joined)).equals(expected)).toBe(true);
  });
});

it('goes through more bytes than a window holds', () => {
  const large = Buffer.alloc(200_001, 'abcdefg');
  const joined = withTail(scratchOf(large), 150_000, Buffer.alloc(70_000, 'xyz'));
  const seen = collected(windowsOf(joined));
  expect(seen.equals(Buffer.concat([large.subarray(0, 150_000), Buffer.alloc(70_000, 'xyz')]))).toBe(true);
});

/** Each window is gone when the next is asked for. */
function collected(windows: Iterable<Uint8Array>): Buffer {
  let all = Buffer.of();
  for (const window of windows) all = Buffer.concat([all, window]);
  return all;
}
