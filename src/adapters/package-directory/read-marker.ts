import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Marker } from '../../core/asset-path.ts';
import { hasCode } from './has-code.ts';
import { markerFault } from './marker-fault.ts';
import { READ_FLAGS } from './read-flags.ts';

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
