interface Range {
  readonly from: number;
  readonly to: number;
}

// Stands for a hyphen that makes a range. Characters are of one code point, so none is mistaken for it.
const TO = 'to';

/**
 * A set such as `[a-z]` the way CPython 3.11's fnmatch reads it, oddities included: a range that runs backwards
 * vanishes with both its ends, and only then is it seen whether the set begins with `!`. (3.9 stops at such a range.)
 *
 * @param body the characters (one code point each) between the brackets
 * @returns whether a character is matched
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

/** Splits at each hyphen that makes a range: not one at either end of the body, or right after a range. */
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

/** Joins two parts between which the range would run backwards, without its ends; from the last to the first. */
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

/** A hyphen that has lost what stood before it stands for itself. */
function codeOf(member: string | undefined): number {
  return (member === TO ? '-' : (member ?? '')).codePointAt(0) ?? 0;
}

const ANY_RUN = 'any-run';
type Piece = typeof ANY_RUN | ((character: string) => boolean);

/** Whether Python's glob takes a text for a pattern rather than a name. */
export function hasMagic(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * A pattern for one file name as CPython's fnmatch has it on POSIX: `*`, `?`, `[seq]` and `[!seq]`, by code points,
 * case counts. Other systems follow the same rules here, so that one tree has one hash.
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

/** @returns where the bracket closes, a `]` right after `[` or `[!` being a member; -1 where it doesn't */
function endOfSet(pattern: readonly string[], open: number): number {
  const first = pattern[open + 1] === '!' ? open + 2 : open + 1;
  return pattern.indexOf(']', first + 1);
}

/** Linear but for going back to the last `*`, which is the only one that ever needs to take more. */
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
