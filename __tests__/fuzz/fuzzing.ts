import { it } from '@jest/globals';
import fc, { type Arbitrary } from 'fast-check';

/** The number of cases for each property. */
const CASES = Number(process.env.FUZZ_CASES ?? 2_000);
/** A new one for each run; the names of the tests contain it. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const FIRST_MS = 30_000;
const MOST_MS_A_CASE = 2;

/** Processor time, which does not depend on the load of the machine. No case may take more, whatever its input. */
const MOST_MS = 3000;

/** A test of a property with arbitrary inputs; FUZZ_CASES and FUZZ_SEED set their number and the seed. */
export function itHolds<Case>(name: string, cases: Arbitrary<Case>, property: (example: Case) => void): void {
  it(
    `${name} (${CASES} cases, seed ${SEED})`,
    () => {
      fc.assert(
        fc.property(cases, (example) => {
          const before = process.cpuUsage();
          property(example);
          const { user, system } = process.cpuUsage(before);
          if ((user + system) / 1000 > MOST_MS) throw new Error(`It took more than ${MOST_MS} ms of processor time`);
        }),
        { numRuns: CASES, seed: SEED },
      );
    },
    FIRST_MS + CASES * MOST_MS_A_CASE,
  );
}

/** The same for an asynchronous property. */
export function itHoldsAsync<Case>(
  name: string,
  cases: Arbitrary<Case>,
  property: (example: Case) => Promise<void>,
): void {
  it(
    `${name} (${CASES} cases, seed ${SEED})`,
    () => fc.assert(fc.asyncProperty(cases, property), { numRuns: CASES, seed: SEED }),
    FIRST_MS + CASES * MOST_MS_A_CASE,
  );
}

/** Line ends, control and format characters, lone surrogates, and text that the runner takes for a command. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|##\[/u;

/** Whether a message is one line that a log can show as it is. */
export function isPrintableLine(text: string): boolean {
  return text !== '' && !UNPRINTABLE.test(text);
}

/** Characters with a meaning in some format: paths, URLs, XML, JSON, terminals, Windows, Unicode. */
const TROUBLE = [
  ...'/\\.:*?"<>|%+&#=\'`$~!@ \t\r\n\0\u001b\u007f\u0085\u00a0\u00ad\u200b\u202e\u2028\u2029\ufeff\ufffd\ufffe',
  '\ud800',
  '\udc00',
  'é',
  'e\u0301',
  'ß',
  'İ',
  'ſ',
  '😀',
  '..',
  '//',
  '##[error]',
  '::error::',
  '%2e%2e',
  '%00',
  '%zz',
  '__proto__',
  'constructor',
] as const;

/** Short texts, most of them with special characters. */
export function troublesomeText(words: readonly string[] = []): Arbitrary<string> {
  const piece = fc.constantFrom(...words, ...TROUBLE, 'a', 'b', '0', '1', 'A', 'Z', '-', '_');
  return fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
}

/** A place in a text, and the text that replaces some characters there. */
export interface Edit {
  readonly at: number;
  readonly drop: number;
  readonly insert: string;
}

/** @param pieces texts that may be inserted */
export function edits(pieces: readonly string[], maxLength = 3): Arbitrary<readonly Edit[]> {
  const edit = fc.record({
    at: fc.nat({ max: 2000 }),
    drop: fc.constantFrom(0, 0, 1, 2, 8, 40, 3000),
    insert: fc.constantFrom('', ...pieces),
  });
  return fc.array(edit, { maxLength });
}

export function edited(text: string, changes: readonly Edit[]): string {
  return changes.reduce((before, { at, drop, insert }) => {
    const place = at % (before.length + 1);
    return before.slice(0, place) + insert + before.slice(place + drop);
  }, text);
}
