import { printable } from '../../core/printable.ts';
import { InputError } from '../../errors.ts';

/**
 * A pattern of code-hash-filter as git takes it: `:(glob)`, where `**` crosses folders and `*` does not, or for
 * `!pattern` one that excludes. The magic in front also keeps a pattern from being read as an option or other magic.
 *
 * @throws InputError for an empty pattern, which git would take for everything
 */
export function pathspecOf(pattern: string): string {
  const isExcluding = pattern.startsWith('!');
  const glob = isExcluding ? pattern.slice(1) : pattern;
  if (glob === '' || glob.includes('\0'))
    throw new InputError(
      `code-hash-filter has the pattern '${printable(pattern)}': give a path or a glob in its place`,
    );
  return isExcluding ? `:(exclude,glob)${glob}` : `:(glob)${glob}`;
}
