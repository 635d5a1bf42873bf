import type { MutantFigures } from './figures.ts';

/** The counts of a proof, and the violations it has found. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly violations: string[] = [];
  readonly mutants: MutantFigures[] = [];
  /** Why nothing was done, if so. */
  skipped: string | undefined;

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  /** Keeps the highest value seen. */
  atLeast(name: string, value: number): void {
    this.counts.set(name, Math.max(this.counts.get(name) ?? 0, value));
  }

  /** @param where the events so far, in enough detail to repeat them */
  witness(where: string): Witness {
    return new Witness(this, where);
  }
}

/** Checks promises, and notes violations. A proof goes on after a violation, since the next one may reveal more. */
export class Witness {
  readonly #tally: Tally;
  readonly #where: string;
  readonly #story: string[] = [];
  #isBroken = false;

  constructor(tally: Tally, where: string) {
    this.#tally = tally;
    this.#where = where;
  }

  /** Whether there was any violation. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Adds an event to the report of a violation. */
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
