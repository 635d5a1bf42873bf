import { statSync } from 'node:fs';
import { printable } from '../../core/printable.ts';
import { codeOf, UserError } from '../../errors.ts';
import { directoryFault } from './directory-fault.ts';

/** @throws UserError where something else is in its place */
export function isDirectory(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw directoryFault(path, error);
  }
  throw new UserError(`package-directory '${printable(path)}' is a file: name a directory`);
}
