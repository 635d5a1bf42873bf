import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import type { Marker } from '../../ports.ts';

// Synchronous: these files are tiny, and node:fs/promises takes longer to load than all of them to write.

const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** @returns the marker's text, or undefined where it is not there */
export async function readMarker(root: string, name: Marker): Promise<string | undefined> {
  try {
    const descriptor = openSync(join(root, name), READ_FLAGS);
    try {
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw markerFault('read', join(root, name), error);
  }
}

/** Writes a marker whole or not at all; a link in its place is replaced, not followed. */
export async function writeMarker(root: string, name: Marker, text: string | Iterable<string>): Promise<void> {
  const target = join(root, name);
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    writeNew(temporary, typeof text === 'string' ? [text] : text);
    renameSync(temporary, target);
  } catch (error) {
    removeIfThere(temporary);
    throw markerFault('written', target, error);
  }
}

function writeNew(file: string, pieces: Iterable<string>): void {
  const descriptor = openSync(file, 'wx');
  try {
    for (const piece of pieces) writeFileSync(descriptor, piece);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a marker; one that is not there is fine. */
export async function removeMarker(root: string, name: Marker): Promise<void> {
  try {
    removeIfThere(join(root, name));
  } catch (error) {
    throw markerFault('removed', join(root, name), error);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function markerFault(verb: string, path: string, cause: unknown): UserError {
  const why = Error.isError(cause) && 'code' in cause ? String(cause.code) : String(cause);
  return new UserError(
    `${path} can't be ${verb} (${why}): check what is there, its permissions and the disk's free space`,
    {
      cause,
    },
  );
}

function hasCode(error: unknown, code: string): boolean {
  return Error.isError(error) && 'code' in error && error.code === code;
}
