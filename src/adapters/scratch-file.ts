import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../core/system-code.ts';
import { UserError } from '../errors.ts';
import type { ScratchFile } from '../ports.ts';
import { passedThrough } from './bounded-heap.ts';

// Synchronous: some tens of kilobytes at a time, which the system mostly still has in memory.

/** Closes a file once nobody can read it any more. */
const unused = new FinalizationRegistry<number>(closeSync);

/** A file of its own in the runner's folder for such, without a name, so that nothing is left of it. */
export class NamelessFile implements ScratchFile {
  length = 0;
  #descriptor: number | undefined;
  /** What becomes text passes through the same memory. */
  #buffer = Buffer.of();

  append(bytes: Uint8Array): void {
    try {
      this.#descriptor ??= this.#open();
      for (let written = 0; written < bytes.length; )
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written, this.length + written);
    } catch (cause) {
      throw new UserError(
        `The list of assets can't be kept in ${folder()} (${systemCode(cause)}): make room there, or have RUNNER_TEMP name another folder`,
        { cause },
      );
    }
    this.length += bytes.length;
    passedThrough(bytes.length);
  }

  copy(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    const lengthBytes = Math.min(target.length - targetStart, Math.max(Math.min(end, this.length) - start, 0));
    this.#read(target.subarray(targetStart, targetStart + lengthBytes), start);
    return lengthBytes;
  }

  toString(encoding: BufferEncoding = 'utf8', start = 0, end = this.length): string {
    const mostBytes = Math.min(end, this.length) - start;
    if (this.#buffer.length < mostBytes) this.#buffer = Buffer.allocUnsafeSlow(mostBytes);
    return this.#buffer.toString(encoding, 0, this.copy(this.#buffer, 0, start, end));
  }

  #open(): number {
    const descriptor = openNameless();
    unused.register(this, descriptor);
    return descriptor;
  }

  #read(into: Uint8Array, start: number): void {
    for (let read = 0; read < into.length; ) {
      const count = readSync(this.#descriptor ?? -1, into, read, into.length - read, start + read);
      if (count === 0)
        throw new UserError(`A file in ${folder()} was cut short while it was in use: run the step again`);
      read += count;
    }
  }
}

/** The runner empties it after each job. */
function folder(): string {
  return process.env.RUNNER_TEMP || tmpdir();
}

function openNameless(): number {
  const path = join(folder(), `s3-asset-manager-${randomUUID()}.tmp`);
  const descriptor = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}
