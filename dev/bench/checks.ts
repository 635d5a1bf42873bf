import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareStep } from './action-step.ts';
import type { Attempt } from './contest.ts';
import { removeMarkers } from './folder.ts';
import type { Place } from './place.ts';
import { timedPythonTool } from './python-tool.ts';

// One check, by the action and by the Python tool, as attempts of a contest.

/** The sources that builds depend on. */
export const FILTER = 'src/**';

export interface Checkout {
  /** Its `packages` is the package directory. */
  readonly repository: string;
  readonly commit: string;
}

/** @param check expected: the outputs that it has to set */
export async function prepareActionCheck(check: {
  readonly place: Place;
  readonly checkout: Checkout;
  readonly expected: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<Attempt> {
  const { repository, commit } = check.checkout;
  await removeMarkers(join(repository, 'packages'));
  const inputs = { mode: 'check', 'code-hash-filter': FILTER };
  const { place, env = {} } = check;
  const step = await prepareStep({ place, cwd: repository, commit, inputs, env });
  return { timed: step.timed, verify: () => step.expectOutputs(check.expected), clear: async () => {} };
}

/** @param check python: the path of one that has boto3 */
export async function preparePythonCheck(check: {
  readonly python: string;
  readonly place: Place;
  readonly repository: string;
  readonly isFound: boolean;
}): Promise<Attempt> {
  const { python, place, repository, isFound } = check;
  const packages = join(repository, 'packages');
  await removeMarkers(packages);
  const timed = timedPythonTool({ python, command: 'check', place, repository, packages, filter: FILTER });
  const verify = async (): Promise<void> => {
    if ((await exists(join(packages, '.found'))) !== isFound)
      throw new Error(`it should ${isFound ? '' : 'not '}find a set`);
  };
  return { timed, verify, clear: async () => {} };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
