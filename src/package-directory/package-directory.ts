import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from '../async.ts';
import { UserError } from '../errors.ts';
import type { Log, PackageDirectory } from '../ports.ts';
import { codeOf, printable, systemCode } from '../text.ts';
import { directoryFault, isDirectory, READ_FLAGS } from './files.ts';

/** The directory with the assets and marker files. Modules that a check does not need are loaded on first use. */
export function packageDirectory(path: string, log: Log): PackageDirectory {
  const opening = once(async () => (await import('./open-file.ts')).openerOf(path));
  const digesting = once(() => import('./open-file.ts'));
  const receiving = once(async () => (await import('./receive-file.ts')).receiverOf(path));
  return {
    path: printable(path),
    exists: async () => isDirectory(path),
    create: () => create(path),
    scan: async (selection) => (await import('./scan.ts')).scanFiles(path, selection, log),
    countFiles: async () => (await import('./scan.ts')).countFiles(path),
    open: async (file) => (await opening())(file),
    digest: async (file, sizeBytes, onBytes) => (await digesting()).digestFile(path, file, { sizeBytes, onBytes }),
    receive: async (file) => (await receiving())(file),
    readMarker: (name) => readMarker(path, name),
    writeMarker: (name, text) => writeMarker(path, name, text),
    removeMarker: (name) => removeMarker(path, name),
  };
}

async function create(path: string): Promise<void> {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw directoryFault(path, error);
  }
}

// Synchronous: these files are tiny, and loading node:fs/promises takes longer than writing all of them.

/**
 * @returns the text of a small file, or undefined if it does not exist
 * @throws UserError for a link, or a file that can't be read
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

/** The name that a small file has until it is complete; scans ignore such files. */
export function temporaryName(name: string, uuid: string): string {
  return `${name}.${uuid}.tmp`;
}

/**
 * Writes a small file atomically; a link in its place is replaced, not followed.
 *
 * @throws UserError if it can't be written
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

/** Removes a small file, if it exists. @throws UserError if it can't be removed */
async function removeMarker(directory: string, name: string): Promise<void> {
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
