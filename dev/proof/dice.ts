import { createCipheriv, createHash } from 'node:crypto';

const INTEGER_BYTES = 6;

/** Random choices that the same seed repeats. */
export class Dice {
  readonly seed: string;
  #drawn = 0;

  constructor(seed: string) {
    this.seed = seed;
  }

  /** Separate dice for a part of the work, so that its choices do not depend on the draws of another part. */
  fork(label: string): Dice {
    return new Dice(`${this.seed}/${label}`);
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    return this.bytes(INTEGER_BYTES).readUIntBE(0, INTEGER_BYTES) % end;
  }

  /** A whole number; both ends are included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000;
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  hex(digits: number): string {
    return this.bytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits);
  }

  /** The stream of a cipher, with a key made from the seed and the number of draws so far. */
  bytes(count: number): Buffer {
    this.#drawn += 1;
    const key = createHash('sha256').update(`${this.seed}#${this.#drawn}`).digest();
    return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(count));
  }
}
