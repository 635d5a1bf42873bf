/** A record's body, taken apart. */
export interface SplitRecord {
  /** The record with an empty list of files, as JSON. */
  readonly rest: string;
  /** The files, some hundred at a time: each a JSON list, and none of them empty where there are several. */
  readonly lists: readonly (() => string)[];
}

/** Parsed in lists of this size, files take no longer than all at once. */
const LIST_BYTES = 64 * 1024;
/** What comes after the list of files. */
const MOST_BYTES_AFTER = 1024;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const NAME = '"files":';

/**
 * Takes the list of files out of a record's body. Parsed in one go, that of a large set would be in memory as bytes, as
 * text, and as objects twice. The body may be anything: it is JSON if, and only if, all parts of it are.
 *
 * @param listBytes how long a list is at least, but for the last one
 * @returns undefined where there is no such list, or perhaps another: the body is then to be parsed as it is
 */
export function splitRecord(body: Uint8Array, listBytes = LIST_BYTES): SplitRecord | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const found = findFiles(bytes, listBytes);
  if (found === undefined || bytes.length - found.end > MOST_BYTES_AFTER) return undefined;
  const { start, cuts, end } = found;
  const after = bytes.toString('utf8', end);
  // Of two fields of one name the later counts.
  if (after.includes(NAME) || after.includes('\\')) return undefined;
  const bounds = [start - 1, ...cuts, end];
  const lists = cuts.concat(end).map((to, index) => () => `[${bytes.toString('utf8', (bounds[index] ?? 0) + 1, to)}]`);
  return { rest: bytes.toString('utf8', 0, start) + after, lists };
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
function findFiles(bytes: Buffer, listBytes: number): FilesPlace | undefined {
  const cuts: number[] = [];
  let [start, lastCut, depth, lastText] = [-1, 0, 0, 0];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      lastText = at;
      at = endOfText(bytes, at);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (start < 0 && depth === 1 && byte === OPEN_LIST && isNamed(bytes, { from: lastText, to: at }))
        start = lastCut = at + 1;
      depth += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1;
      if (start >= 0 && depth === 1) return { start, cuts, end: at };
    } else if (byte === COMMA && start >= 0 && depth === 2 && at - lastCut >= listBytes) {
      cuts.push(at);
      lastCut = at;
    }
  }
  return undefined;
}

/** @returns the position of the quote that ends the text, or the body's end */
function endOfText(bytes: Buffer, quote: number): number {
  let at = quote + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function isNamed(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): boolean {
  return to - from === NAME.length && bytes.toString('latin1', from, to) === NAME;
}
