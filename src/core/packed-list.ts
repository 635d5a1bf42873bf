import type { Bytes, ScratchFile } from '../ports.ts';
import type { List } from './list.ts';

/** Up to here the items themselves take less memory than it takes to do without. */
const FEW_ITEMS = 2000;
/** About as many make a piece. */
const PIECE_ITEMS = 400;

/** Where some items lie, as JSON with commas between them. */
export interface PieceBounds {
  readonly start: number;
  readonly end: number;
}

/** A list that lies somewhere as JSON. Whoever goes through it has one piece of it in memory. */
export class PackedList<Item> implements List<Item> {
  readonly length: number;
  readonly #bytes: Bytes;
  readonly #pieces: readonly PieceBounds[];
  readonly #parse: (json: string) => readonly Item[];

  /** @param parse reads a piece, made a JSON list */
  constructor(
    { bytes, pieces, length }: { bytes: Bytes; pieces: readonly PieceBounds[]; length: number },
    parse: (json: string) => readonly Item[],
  ) {
    this.length = length;
    this.#bytes = bytes;
    this.#pieces = pieces;
    this.#parse = parse;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const piece of this.#pieces) yield* this.#parse(listText(this.#bytes, piece));
  }
}

/** @returns the items of a piece as a JSON list */
export function listText(bytes: Bytes, { start, end }: PieceBounds): string {
  return `[${bytes.toString('utf8', start, end)}]`;
}

/**
 * Puts a list together whose items become known in about their order. A short one is an array; of a long one there are
 * in memory only those that came before one that has its place before them. Items survive being JSON.
 */
export class ListWriter<Item> {
  readonly #scratch: ScratchFile;
  readonly #ahead = new Map<number, Item>();
  readonly #pieces: PieceBounds[] = [];
  #items: Item[] = [];
  #length = 0;

  /** @param scratch empty, and this list's alone */
  constructor(scratch: ScratchFile) {
    this.#scratch = scratch;
  }

  /** @param index its place in the list; each place is taken once */
  put(index: number, item: Item): void {
    if (index !== this.#length) {
      this.#ahead.set(index, item);
      return;
    }
    this.add(item);
    for (let next = this.#ahead.get(this.#length); next !== undefined; next = this.#ahead.get(this.#length)) {
      this.#ahead.delete(this.#length);
      this.add(next);
    }
  }

  /** Puts an item at the end. */
  add(item: Item): void {
    this.#items.push(item);
    this.#length += 1;
    if (this.#items.length >= (this.#pieces.length === 0 ? FEW_ITEMS : PIECE_ITEMS)) this.#pack();
  }

  /** @returns the list; nothing more may be put into it */
  list(): List<Item> {
    if (this.#pieces.length === 0) return this.#items;
    this.#pack();
    return new PackedList<Item>({ bytes: this.#scratch, pieces: this.#pieces, length: this.#length }, JSON.parse);
  }

  #pack(): void {
    for (let from = 0; from < this.#items.length; from += PIECE_ITEMS) {
      const json = JSON.stringify(this.#items.slice(from, from + PIECE_ITEMS));
      const start = this.#scratch.length;
      this.#scratch.append(Buffer.from(json.slice(1, -1)));
      this.#pieces.push({ start, end: this.#scratch.length });
    }
    this.#items = [];
  }
}
