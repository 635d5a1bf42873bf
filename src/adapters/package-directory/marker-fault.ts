import { systemCode } from '../../core/system-code.ts';
import { UserError } from '../../errors.ts';

/** What a marker that can't be read, written or removed is told as. */
export function markerFault(verb: string, path: string, cause: unknown): UserError {
  if (cause instanceof UserError) return cause;
  const why = systemCode(cause);
  return new UserError(
    `${path} can't be ${verb} (${why}): check what is there, its permissions and the disk's free space`,
    {
      cause,
    },
  );
}
