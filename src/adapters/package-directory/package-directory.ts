import { mkdir, stat } from 'node:fs/promises';
import { printable } from '../../core/printable.ts';
import { UserError } from '../../errors.ts';
import type { Log, PackageDirectory } from '../../ports.ts';
import { digestFile } from './digest-file.ts';
import { readMarker, removeMarker, writeMarker } from './markers.ts';
import { openFile } from './open-file.ts';
import { receiveFile } from './receive-file.ts';
import { scanFiles } from './scan.ts';

/** The directory where assets and marker files lie. */
export function packageDirectory(path: string, log: Log): PackageDirectory {
  return {
    path: printable(path),
    exists: () => isDirectory(path),
    create: () => create(path),
    scan: (selection) => scanFiles(path, selection, log),
    open: (file) => openFile(path, file),
    digest: (file, sizeBytes) => digestFile(path, file, sizeBytes),
    receive: (file) => receiveFile(path, file),
    readMarker: (name) => readMarker(path, name),
    writeMarker: (name, text) => writeMarker(path, name, text),
    removeMarker: (name) => removeMarker(path, name),
  };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return false;
    throw directoryFault(path, error);
  }
  throw new UserError(`package-directory '${printable(path)}' is a file: name a directory`);
}

async function create(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw directoryFault(path, error);
  });
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
