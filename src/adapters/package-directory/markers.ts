import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryName } from '../../core/asset-path.ts';
import { printable } from '../../core/printable.ts';
import { codeOf, systemCode, UserError } from '../../errors.ts';
import { READ_FLAGS } from './read-flags.ts';

// Synchronous: these files are tiny, and node:fs/promises takes longer to load than all of them to write.

/**
 * @returns the text of a small file, or undefined where it is not there
 * @throws UserError for a link, and for what can't be read
 */
export async function readMarker(directory: string, name: string): Promise<string | undefined> {
  try {
    const descriptor = openSync(join(directory, name), READ_FLAGS);
    try {
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw markerFault('read', join(directory, name), error);
  }
}

/**
 * Writes a small file whole or not at all; a link in its place is replaced, not followed.
 *
 * @throws UserError where it can't be written
 */
export async function writeMarker(directory: string, name: string, text: string): Promise<void> {
  const target = join(directory, name);
  const temporary = join(directory, temporaryName(name, randomUUID()));
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, target);
  } catch (error) {
    removeIfThere(temporary);
    throw markerFault('written', target, error);
  }
}

/** Removes a small file; one that is not there is fine. @throws UserError where it can't be removed */
export async function removeMarker(directory: string, name: string): Promise<void> {
  try {
    removeIfThere(join(directory, name));
  } catch (error) {
    throw markerFault('removed', join(directory, name), error);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
}

function markerFault(verb: string, path: string, cause: unknown): UserError {
  if (cause instanceof UserError) return cause;
  const why = systemCode(cause);
  return new UserError(
    `${printable(path)} can't be ${verb} (${why}): check what is there, its permissions and the disk's free space`,
    { cause },
  );
}
