import type { ScratchFile } from '../src/ports.ts';

/** A scratch file in memory, which counts what is put into it. */
export class MemoryScratch implements ScratchFile {
  #bytes = Buffer.of();
  appendCount = 0;

  get length(): number {
    return this.#bytes.length;
  }

  append(bytes: Uint8Array): void {
    this.appendCount += 1;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  copy(...range: Parameters<Buffer['copy']>): number {
    return this.#bytes.copy(...range);
  }

  toString(...range: Parameters<Buffer['toString']>): string {
    return this.#bytes.toString(...range);
  }
}
