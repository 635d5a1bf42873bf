import { randomUUID } from 'node:crypto';
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Marker } from '../../core/asset-path.ts';
import { hasCode } from './has-code.ts';

// Synchronous: these files are tiny, and node:fs/promises takes longer to load than all of them to write.

/** Writes a marker whole or not at all; a link in its place is replaced, not followed. */
export async function writeMarker(root: string, name: Marker, text: string): Promise<void> {
  const target = join(root, name);
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, target);
  } catch (error) {
    removeIfThere(temporary);
    const { markerFault } = await import('./marker-fault.ts');
    throw markerFault('written', target, error);
  }
}

/** Removes a marker; one that is not there is fine. */
export async function removeMarker(root: string, name: Marker): Promise<void> {
  try {
    removeIfThere(join(root, name));
  } catch (error) {
    const { markerFault } = await import('./marker-fault.ts');
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
