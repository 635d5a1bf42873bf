import type { Bytes } from '../ports.ts';
import { windowsOf } from './bytes.ts';
import type { PieceBounds } from './packed-list.ts';

/** A record's body, taken apart. */
export interface SplitRecord {
  /** The record with an empty list of files, as JSON. */
  readonly rest: string;
  /** Where the files are, some hundred at a time; none is empty where there are several. */
  readonly pieces: readonly PieceBounds[];
}

/** Parsed in pieces of this size, files take no longer than all at once. */
const PIECE_BYTES = 64 * 1024;
/** What comes before the list of files, and after it. */
const MOST_BYTES_AROUND = 64 * 1024;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const NAME = '"files":';

/**
 * Takes the list of files out of a record's body. Parsed in one go, that of a large set would be in memory as bytes, as
 * text, and as objects twice. The body may be anything: it is JSON if, and only if, all parts of it are.
 *
 * @param pieceBytes how long a piece is at least, but for the last one
 * @returns undefined where there is no such list, or perhaps another: the body is then to be parsed as it is
 */
export function splitRecord(body: Bytes, pieceBytes = PIECE_BYTES): SplitRecord | undefined {
  const place = new FilesScanner(body, pieceBytes).scan();
  if (place === undefined || Math.max(place.start, body.length - place.end) > MOST_BYTES_AROUND) return undefined;
  const { start, cuts, end } = place;
  const after = body.toString('utf8', end);
  // Of two fields of one name the later counts.
  if (after.includes('"files"') || after.includes('\\')) return undefined;
  const bounds = [start - 1, ...cuts, end];
  const pieces = bounds.slice(1).map((to, index) => ({ start: (bounds[index] ?? 0) + 1, end: to }));
  return { rest: body.toString('utf8', 0, start) + after, pieces };
}

interface FilesPlace {
  /** After the bracket that opens the list. */
  readonly start: number;
  /** Commas between files. */
  readonly cuts: readonly number[];
  /** Of the bracket that closes the list. */
  readonly end: number;
}

/** Goes by brackets and quotes alone: what is between them is for the parser to judge. */
class FilesScanner {
  readonly #bytes: Bytes;
  readonly #pieceBytes: number;
  readonly #cuts: number[] = [];
  #start = -1;
  #end = -1;
  #lastCut = 0;
  #depth = 0;
  #lastText = 0;
  #isInText = false;
  #isEscaped = false;

  constructor(bytes: Bytes, pieceBytes: number) {
    this.#bytes = bytes;
    this.#pieceBytes = pieceBytes;
  }

  scan(): FilesPlace | undefined {
    let at = 0;
    for (const window of windowsOf(this.#bytes))
      for (const byte of window) {
        if (this.#isInText) this.#goOnInText(byte);
        else this.#structure(byte, at);
        if (this.#start < 0 && at > MOST_BYTES_AROUND) return undefined;
        if (this.#end >= 0) return { start: this.#start, cuts: this.#cuts, end: this.#end };
        at += 1;
      }
    return undefined;
  }

  #goOnInText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInText = false;
  }

  #structure(byte: number, at: number): void {
    if (byte === QUOTE) {
      this.#lastText = at;
      this.#isInText = true;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (this.#start < 0 && this.#depth === 1 && byte === OPEN_LIST && this.#isNamed(at))
        this.#start = this.#lastCut = at + 1;
      this.#depth += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      this.#depth -= 1;
      if (this.#start >= 0 && this.#depth === 1) this.#end = at;
    } else if (byte === COMMA && this.#start >= 0 && this.#depth === 2 && at - this.#lastCut >= this.#pieceBytes) {
      this.#cuts.push(at);
      this.#lastCut = at;
    }
  }

  #isNamed(at: number): boolean {
    return at - this.#lastText === NAME.length && this.#bytes.toString('latin1', this.#lastText, at) === NAME;
  }
}
