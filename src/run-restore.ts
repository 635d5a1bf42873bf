import type { Host } from './adapters/actions-host.ts';
import type { Inputs } from './inputs.ts';
import type { Outcome } from './modes/outcome.ts';
import type { RestoreSelection } from './modes/restore.ts';
import type { Ports } from './ports.ts';
import { searchRequest } from './requests.ts';

/** Runs the mode `restore`. */
export async function runRestore(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  const { restore } = await import('./modes/restore.ts');
  return restore({ ...searchRequest(inputs, host), selection: await restoreSelection(inputs) }, ports);
}

/** Which files of a set are restored, and by which system's rules for names. */
export async function restoreSelection({ selection }: Inputs): Promise<RestoreSelection> {
  const { pathMatcher, unmatchedPatterns } = await import('./adapters/path-patterns.ts');
  const { platform } = process;
  const naming = platform === 'win32' || platform === 'darwin' ? platform : 'other';
  const { patterns } = selection;
  return { isChosen: pathMatcher(patterns), unmatchedBy: (paths) => unmatchedPatterns(patterns, paths), naming };
}
