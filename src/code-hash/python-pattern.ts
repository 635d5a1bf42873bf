/**
 * Compiles a set such as `[a-z]` like CPython 3.11's fnmatch, including its quirks: a backwards range vanishes together
 * with its ends, and a leading `!` is looked for only after that. (3.9 fails on such a range.)
 *
 * @param body the characters (one code point each) between the brackets
 * @returns a regular expression for one character
 */
function characterSet(body: readonly string[]): string {
  const parts = withoutBackwardRanges(splitAtRanges(body));
  const members = parts.map((part) => part.map(escaped).join('')).join('-');
  return parts[0]?.[0] === '!' ? `[^${members.slice(escaped('!').length)}]` : `[${members}]`;
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

function codeOf(character = ''): number {
  return character.codePointAt(0) ?? 0;
}

function escaped(character: string): string {
  return `\\u{${codeOf(character).toString(16)}}`;
}

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
  const [first = '', ...runs] = piecesOf([...pattern])
    .join('')
    .split('*');
  const last = runs.pop();
  // As in CPython, what is between two `*` is looked for only once, so that no pattern takes exponential time.
  const middle = runs.map((run, index) => `(?=(.*?${run}))\\${index + 1}`).join('');
  const regex = new RegExp(`^${first}${middle}${last === undefined ? '' : `.*${last}`}$`, 'su');
  return (name) => regex.test(name);
}

/** @returns a regular expression for each character and set of the pattern, and `*` for each `*` */
function piecesOf(pattern: readonly string[]): string[] {
  const pieces: string[] = [];
  for (let index = 0; index < pattern.length; ) {
    const character = pattern[index] ?? '';
    const end = character === '[' ? endOfSet(pattern, index) : -1;
    if (end >= 0) pieces.push(characterSet(pattern.slice(index + 1, end)));
    else if (character === '*') pieces.push('*');
    else pieces.push(character === '?' ? '.' : escaped(character));
    index = Math.max(index, end) + 1;
  }
  return pieces;
}

/** @returns the index of the closing bracket, or -1; a `]` right after `[` or `[!` is a member of the set */
function endOfSet(pattern: readonly string[], open: number): number {
  const first = pattern[open + 1] === '!' ? open + 2 : open + 1;
  return pattern.indexOf(']', first + 1);
}
