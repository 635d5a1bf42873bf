/**
 * Bytes kept as the list of chunks they arrived in, so that a large upload never needs one contiguous buffer
 * and a copy or a multipart object shares the chunks of its sources.
 */
export class Content {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;

  constructor(chunks: readonly Uint8Array[]) {
    this.chunks = chunks;
    this.sizeBytes = chunks.reduce((total, chunk) => total + chunk.byteLength, 0);
  }

  /** Makes a private copy, so that the caller can keep using its array. */
  static from(body: string | Uint8Array): Content {
    return new Content([typeof body === 'string' ? Buffer.from(body) : Uint8Array.from(body)]);
  }

  /** Concatenates contents without copying a byte. */
  static concat(contents: readonly Content[]): Content {
    return new Content(contents.flatMap((content) => content.chunks));
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** The bytes as UTF-8 text. */
  text(): string {
    return this.bytes().toString('utf8');
  }

  /** The bytes from offset `start` up to, but not including, offset `end`. */
  slice(start: number, end: number): Content {
    const chunks: Uint8Array[] = [];
    let offset = 0;
    for (const chunk of this.chunks) {
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, chunk.byteLength);
      if (from < to) chunks.push(chunk.subarray(from, to));
      offset += chunk.byteLength;
    }
    return new Content(chunks);
  }
}

export const EMPTY_CONTENT = new Content([]);
