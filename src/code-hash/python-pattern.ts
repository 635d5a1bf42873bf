interface Range {
  readonly from: number;
  readonly to: number;
}

// Stands for a hyphen that makes a range. It has two characters, so no single character can be mistaken for it.
const TO = 'to';

/**
 * Compiles a set such as `[a-z]` like CPython 3.11's fnmatch, including its quirks: a backwards range vanishes together
 * with its ends, and a leading `!` is looked for only after that. (3.9 fails on such a range.)
 *
 * @param body the characters (one code point each) between the brackets
 * @returns a function that says whether a character matches
 */
function characterSet(body: readonly string[]): (character: string) => boolean {
  const parts = withoutBackwardRanges(splitAtRanges(body));
  const members = parts.flatMap((part, index) => (index === 0 ? part : [TO, ...part]));
  const isNegated = members[0] === '!';
  const ranges = rangesOf(isNegated ? members.slice(1) : members);
  return (character) => {
    const code = codeOf(character);
    return isNegated !== ranges.some(({ from, to }) => from <= code && code <= to);
  };
}

/** Splits at each hyphen that makes a range, that is, is not at either end of the body or right after a range. */
function splitAtRanges(body: readonly string[]): string[][] {
  const parts: string[][] = [];
  let start = 0;
  let hyphen = body.indexOf('-', body[0] === '!' ? 2 : 1);
  while (hyphen >= 0 && hyphen < body.length - 1) {
    parts.push(body.slice(start, hyphen));
    start = hyphen + 1;
    hyphen = body.indexOf('-', hyphen + 3);
  }
  return [...parts, body.slice(start)];
}

/** Joins parts whose range would run backwards, and drops its ends; from the last part to the first. */
function withoutBackwardRanges(parts: readonly string[][]): string[][] {
  const kept: string[][] = [];
  for (const part of parts.toReversed()) {
    const next = kept[0];
    const runsBackwards = next !== undefined && codeOf(part.at(-1)) > codeOf(next[0]);
    if (runsBackwards) kept[0] = [...part.slice(0, -1), ...next.slice(1)];
    else kept.unshift(part);
  }
  return kept;
}

function rangesOf(members: readonly string[]): Range[] {
  const ranges: Range[] = [];
  for (let index = 0; index < members.length; ) {
    const isRange = members[index + 1] === TO;
    ranges.push({ from: codeOf(members[index]), to: codeOf(members[isRange ? index + 2 : index]) });
    index += isRange ? 3 : 1;
  }
  return ranges;
}

/** A hyphen with nothing left before it counts as a plain character. */
function codeOf(member: string | undefined): number {
  return (member === TO ? '-' : (member ?? '')).codePointAt(0) ?? 0;
}

const ANY_RUN = 'any-run';
type Piece = typeof ANY_RUN | ((character: string) => boolean);

/** Whether Python's glob treats a text as a pattern, not as a plain name. */
export function hasMagic(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * Compiles a pattern for one file name like CPython's fnmatch on POSIX: `*`, `?`, `[seq]` and `[!seq]`, by code points
 * and case-sensitive. The same rules apply on other systems, so that a tree has the same hash everywhere.
 *
 * @returns a function that says whether a name matches
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const pieces = piecesOf([...pattern]);
  return (name) => matches(pieces, [...name]);
}

function piecesOf(pattern: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  for (let index = 0; index < pattern.length; ) {
    const character = pattern[index];
    const end = character === '[' ? endOfSet(pattern, index) : -1;
    if (end >= 0) pieces.push(characterSet(pattern.slice(index + 1, end)));
    else pieces.push(character === '*' ? ANY_RUN : (other) => character === '?' || other === character);
    index = Math.max(index, end) + 1;
  }
  return pieces;
}

/** @returns the index of the closing bracket, or -1; a `]` right after `[` or `[!` is a member of the set */
function endOfSet(pattern: readonly string[], open: number): number {
  const first = pattern[open + 1] === '!' ? open + 2 : open + 1;
  return pattern.indexOf(']', first + 1);
}

/** Backtracks only to the last `*`: no earlier one ever needs to match more. */
function matches(pieces: readonly Piece[], name: readonly string[]): boolean {
  let piece = 0;
  let position = 0;
  let retry: { piece: number; position: number } | undefined;
  while (position < name.length) {
    const wanted = pieces[piece];
    const character = name[position] ?? '';
    if (wanted === ANY_RUN) {
      retry = { piece, position };
      piece += 1;
    } else if (wanted?.(character)) {
      piece += 1;
      position += 1;
    } else if (retry !== undefined) {
      retry.position += 1;
      piece = retry.piece + 1;
      position = retry.position;
    } else return false;
  }
  return pieces.slice(piece).every((rest) => rest === ANY_RUN);
}
