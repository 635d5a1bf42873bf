import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const MODULE = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'adapters', 'bounded-heap.ts')).href;
const PIECE_BYTES = 64 * 1024;
const MIB = 1024 ** 2;

/** Receives 512 MiB in pieces that are of no use any more, in a process whose flags are its own. */
function peakBytes(told: string): number {
  const script = `
    const { received } = await import(${JSON.stringify(MODULE)});
    const { setImmediate } = await import('node:timers/promises');
    let peakBytes = 0;
    for (let count = 0; count < 8192; count += 1) {
      Buffer.allocUnsafeSlow(${PIECE_BYTES});
      ${told};
      if (count % 64 === 0) await setImmediate();
      peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers);
    }
    console.log(peakBytes);`;
  return Number(execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script]));
}

describe('what was received', () => {
  it('is collected before it comes to much', () => {
    expect(peakBytes(`received(${PIECE_BYTES})`)).toBeLessThan(40 * MIB);
  });

  it('would come to more if it were not told of', () => {
    expect(peakBytes('')).toBeGreaterThan(40 * MIB);
  });
});
