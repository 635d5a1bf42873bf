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
export function characterSet(body: readonly string[]): (character: string) => boolean {
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
