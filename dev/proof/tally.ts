import type { MutantFigures } from './figures.ts';

/** What a proof has counted, and where the action broke a promise. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly violations: string[] = [];
  readonly mutants: MutantFigures[] = [];
  /** Why nothing was done, where that is so. */
  skipped: string | undefined;

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  /** The highest value seen. */
  atLeast(name: string, value: number): void {
    this.counts.set(name, Math.max(this.counts.get(name) ?? 0, value));
  }

  /** @param where what happened so far, enough to do it again */
  witness(where: string): Witness {
    return new Witness(this, where);
  }
}

/** Says what was promised, and notes where it does not hold. A proof goes on after a violation: the next may tell more. */
export class Witness {
  readonly #tally: Tally;
  readonly #where: string;
  readonly #story: string[] = [];
  #isBroken = false;

  constructor(tally: Tally, where: string) {
    this.#tally = tally;
    this.#where = where;
  }

  /** Whether anything did not hold. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** What happened next, for the report of a violation. */
  tell(line: string): void {
    this.#story.push(line);
  }

  expect(holds: boolean, promise: string): void {
    this.#tally.add('expectations');
    if (holds) return;
    this.#isBroken = true;
    this.#tally.violations.push([`${this.#where}: expected ${promise}`, ...this.#story].join('\n    '));
  }

  equal(actual: unknown, expected: unknown, what: string): void {
    const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    this.expect(seen === wanted, `${what} to be ${wanted}, and it is ${seen}`);
  }
}
