import type { ScratchFile } from '../ports.ts';

/** A file for what is too long for memory; loaded only where there is such. */
export async function scratch(): Promise<ScratchFile> {
  const { NamelessFile } = await import('./scratch-file.ts');
  return new NamelessFile();
}
