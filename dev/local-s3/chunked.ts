import { createHash, type Hash } from 'node:crypto';
import { S3Error } from './s3-error.ts';

/** The hash and signature of a chunk in a signed stream, verified after the signing key is known. */
export interface SignedChunk {
  readonly signature: string;
  /** Hex SHA-256 of the chunk's data. */
  readonly sha256: string;
}

const LONGEST_LINE_BYTES = 16_384;

/**
 * Decodes the `aws-chunked` content encoding:
 * `<hex size>[;chunk-signature=<hex>]CRLF <data> CRLF` …, a chunk of size 0, then trailer lines and an empty line.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class ChunkedDecoder {
  readonly trailers: Record<string, string> = {};
  readonly signedChunks: SignedChunk[] = [];
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  #line = '';
  #remaining = 0;
  #signature: string | undefined;
  #hash: Hash | undefined;

  /**
   * @param bytes the next bytes of the encoded body
   * @returns the data among them
   * @throws {S3Error} IncompleteBody if they are not aws-chunked
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const data: Uint8Array[] = [];
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#state === 'data') {
        const piece = bytes.subarray(offset, offset + this.#remaining);
        offset += piece.length;
        this.#takeData(piece);
        data.push(piece);
      } else {
        offset = this.#takeLine(bytes, offset);
      }
    }
    return data;
  }

  /** @throws {S3Error} IncompleteBody if the last chunk is missing */
  end(): void {
    // Some clients leave out the empty line after the last chunk or the trailers.
    if (this.#state === 'trailer' && this.#line !== '') this.#endLine(this.#line);
    if (this.#state !== 'done' && this.#state !== 'trailer') throw new S3Error('IncompleteBody');
  }

  #takeData(piece: Uint8Array): void {
    this.#hash?.update(piece);
    this.#remaining -= piece.length;
    if (this.#remaining === 0) this.#endChunk('data-end');
  }

  #takeLine(bytes: Uint8Array, offset: number): number {
    const newline = bytes.indexOf(0x0a, offset);
    const end = newline < 0 ? bytes.length : newline;
    this.#line += Buffer.from(bytes.subarray(offset, end)).toString('latin1');
    if (this.#line.length > LONGEST_LINE_BYTES) throw new S3Error('IncompleteBody');
    if (newline < 0) return end;
    const line = this.#line.replace(/\r$/, '');
    this.#line = '';
    this.#endLine(line);
    return newline + 1;
  }

  #endLine(line: string): void {
    if (this.#state === 'size') this.#beginChunk(line);
    else if (this.#state === 'trailer') this.#takeTrailer(line);
    else if (line !== '' || this.#state === 'done') throw new S3Error('IncompleteBody');
    else this.#state = 'size';
  }

  #beginChunk(line: string): void {
    const match = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line);
    if (match?.[1] === undefined) throw new S3Error('IncompleteBody', { message: 'A chunk header is malformed' });
    this.#remaining = Number.parseInt(match[1], 16);
    this.#signature = match[2];
    this.#hash = this.#signature === undefined ? undefined : createHash('sha256');
    if (this.#remaining === 0) this.#endChunk('trailer');
    else this.#state = 'data';
  }

  #endChunk(next: 'data-end' | 'trailer'): void {
    if (this.#signature !== undefined && this.#hash !== undefined) {
      this.signedChunks.push({ signature: this.#signature, sha256: this.#hash.digest('hex') });
    }
    this.#state = next;
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#state = 'done';
      return;
    }
    const colon = line.indexOf(':');
    if (colon < 1) throw new S3Error('IncompleteBody', { message: 'A trailer is malformed' });
    this.trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
}
