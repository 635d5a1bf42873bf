import type { Host } from './adapters/actions-host.ts';
import { pathMatcher, unmatchedPatterns } from './adapters/path-patterns.ts';
import type { Inputs } from './inputs.ts';
import type { Outcome } from './modes/outcome.ts';
import { type RestoreSelection, restore } from './modes/restore.ts';
import type { Ports } from './ports.ts';
import { searchRequest } from './requests.ts';

/** Runs the mode `restore`. */
export function runRestore(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  return restore({ ...searchRequest(inputs, host), selection: restoreSelection(inputs) }, ports);
}

/** Which files of a set are restored, and by which system's rules for names. */
export function restoreSelection({ selection }: Inputs): RestoreSelection {
  const { platform } = process;
  const naming = platform === 'win32' || platform === 'darwin' ? platform : 'other';
  const { patterns } = selection;
  return { isChosen: pathMatcher(patterns), unmatchedBy: (paths) => unmatchedPatterns(patterns, paths), naming };
}
