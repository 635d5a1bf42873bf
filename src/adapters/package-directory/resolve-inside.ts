import { lstatSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';

/**
 * @param realRoot the package directory with every link resolved
 * @param path names the file in messages
 * @returns the file with every link resolved
 * @throws UserError where a link leads nowhere or out of the package directory
 */
export function resolveInside(realRoot: string, file: string, path: string): string {
  const target = resolved(file, path);
  if (target === realRoot || target.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) return target;
  throw new UserError(
    `'${printable(path)}' leads out of the package directory, to '${printable(target)}': put a copy of the file there instead of a link`,
  );
}

function resolved(file: string, path: string): string {
  try {
    return realpathSync.native(file);
  } catch (cause) {
    if (!isLink(file)) throw changed(path, cause);
    throw new UserError(`'${printable(path)}' is a link that leads nowhere: mend or exclude it`, { cause });
  }
}

function isLink(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    return false; // gone, or out of reach: no link that could be told
  }
}

/** What was there a moment ago is gone, or another thing. */
export function changed(path: string, cause?: unknown): UserError {
  return new UserError(
    `'${printable(path)}' changed while it was read: upload only once the build has stopped writing to the package directory`,
    { cause },
  );
}
