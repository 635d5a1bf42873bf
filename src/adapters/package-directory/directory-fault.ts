import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';

/** What a directory that can't be made or looked at is told as. */
export function directoryFault(path: string, cause: unknown): UserError {
  const why = Error.isError(cause) ? cause.message : String(cause);
  return new UserError(
    `package-directory '${printable(path)}' can't be used (${why}): check the path and its permissions`,
    {
      cause,
    },
  );
}
