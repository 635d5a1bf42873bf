import { mkdirSync, statSync } from 'node:fs';
import { once } from '../../core/once.ts';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { Log, PackageDirectory } from '../../ports.ts';
import { readMarker, removeMarker, writeMarker } from './markers.ts';

/** The directory where assets and marker files lie. What a check does not need is loaded when it is asked for. */
export function packageDirectory(path: string, log: Log): PackageDirectory {
  const opening = once(() => import('./open-file.ts'));
  const digesting = once(() => import('./digest-file.ts'));
  const receiving = once(() => import('./receive-file.ts'));
  return {
    path: printable(path),
    exists: () => isDirectory(path),
    create: () => create(path),
    scan: async (selection) => (await import('./scan.ts')).scanFiles(path, selection, log),
    open: async (file) => (await opening()).openFile(path, file),
    digest: async (file, sizeBytes) => (await digesting()).digestFile(path, file, sizeBytes),
    receive: async (file, sizeBytes) => (await receiving()).receiveFile(path, file, sizeBytes),
    readMarker: (name) => readMarker(path, name),
    writeMarker: (name, text) => writeMarker(path, name, text),
    removeMarker: (name) => removeMarker(path, name),
  };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return false;
    throw directoryFault(path, error);
  }
  throw new UserError(`package-directory '${printable(path)}' is a file: name a directory`);
}

async function create(path: string): Promise<void> {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw directoryFault(path, error);
  }
}

function directoryFault(path: string, cause: unknown): UserError {
  const why = Error.isError(cause) ? cause.message : String(cause);
  return new UserError(
    `package-directory '${printable(path)}' can't be used (${why}): check the path and its permissions`,
    {
      cause,
    },
  );
}
