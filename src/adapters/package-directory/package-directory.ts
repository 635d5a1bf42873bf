import { mkdirSync } from 'node:fs';
import { once } from '../../core/once.ts';
import { printable } from '../../core/printable.ts';
import type { Log, PackageDirectory } from '../../ports.ts';
import { readMarker, removeMarker, writeMarker } from './markers.ts';

/** The directory where assets and marker files lie. What a check does not need is loaded when it is asked for. */
export function packageDirectory(path: string, log: Log): PackageDirectory {
  const opening = once(async () => (await import('./open-file.ts')).openerOf(path));
  const digesting = once(() => import('./digest-file.ts'));
  const receiving = once(async () => (await import('./receive-file.ts')).receiverOf(path));
  return {
    path: printable(path),
    exists: async () => (await import('./is-directory.ts')).isDirectory(path),
    create: () => create(path),
    scan: async (selection) => (await import('./scan.ts')).scanFiles(path, selection, log),
    countFiles: async () => (await import('./scan.ts')).countFiles(path),
    open: async (file) => (await opening())(file),
    digest: async (file, sizeBytes) => (await digesting()).digestFile(path, file, sizeBytes),
    receive: async (file, sizeBytes) => (await receiving())(file, sizeBytes),
    readMarker: (name) => readMarker(path, name),
    writeMarker: (name, text) => writeMarker(path, name, text),
    removeMarker: (name) => removeMarker(path, name),
  };
}

async function create(path: string): Promise<void> {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const { directoryFault } = await import('./directory-fault.ts');
    throw directoryFault(path, error);
  }
}
