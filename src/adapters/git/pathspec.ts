import { printable } from '../../core/printable.ts';
import { InputError } from '../../errors.ts';

// Nothing in an index can have this name.
const NOTHING = ':(literal).git';

/**
 * Patterns of code-hash-filter as git takes them. Where all that include begin with the same folder, `git ls-files`
 * skips as many characters of the excluding ones too, and `src/** !lib/a*` would leave out `src/a.ts`: one that begins
 * with nothing keeps it from that.
 *
 * @throws InputError for an empty pattern, which git would take for everything, and for one with a leading slash, which
 *   git would look for at the root of the disk
 */
export function pathspecsOf(patterns: readonly string[]): string[] {
  const pathspecs = patterns.map(pathspecOf);
  return patterns.some(isExcluding) && !patterns.every(isExcluding) ? [...pathspecs, NOTHING] : pathspecs;
}

/**
 * A pattern of code-hash-filter as git takes it: `:(glob)`, where `**` crosses folders and `*` does not, or for
 * `!pattern` one that excludes. The magic in front also keeps a pattern from being read as an option or other magic.
 */
function pathspecOf(pattern: string): string {
  const glob = withoutMark(pattern);
  const refused = `code-hash-filter has the pattern '${printable(pattern)}'`;
  if (glob === '' || glob.includes('\0')) throw new InputError(`${refused}: give a path or a glob in its place`);
  if (glob.startsWith('/'))
    throw new InputError(`${refused}: patterns are relative to the repository, so leave out the '/'`);
  return isExcluding(pattern) ? `:(exclude,glob)${glob}` : `:(glob)${glob}`;
}

export function isExcluding(pattern: string): boolean {
  return pattern.startsWith('!');
}

/** What an excluding pattern excludes, or an including one includes. */
export function withoutMark(pattern: string): string {
  return isExcluding(pattern) ? pattern.slice(1) : pattern;
}
