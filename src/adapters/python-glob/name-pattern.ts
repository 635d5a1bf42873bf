import { characterSet } from './character-set.ts';

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
