import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareStep } from './action-step.ts';
import type { Attempt } from './contest.ts';
import { removeMarkers } from './folder.ts';
import { cloudEnvironment, type Place } from './place.ts';

// One check by the action or by the Python tool, as an attempt in a contest.

/** The sources that builds depend on. */
export const FILTER = 'src/**';

const PYTHON_TOOL_PROGRAM = join(import.meta.dirname, 'python_tool.py');

export interface Checkout {
  /** Path; the folder `packages` in it is the package directory. */
  readonly repository: string;
  readonly commit: string;
}

/** @param check expected: the outputs that it must set */
export async function prepareActionCheck(check: {
  readonly place: Place;
  readonly checkout: Checkout;
  readonly expected: Readonly<Record<string, string>>;
}): Promise<Attempt> {
  const { repository, commit } = check.checkout;
  await removeMarkers(join(repository, 'packages'));
  const inputs = { mode: 'check', 'code-hash-filter': FILTER };
  const step = await prepareStep({ place: check.place, cwd: repository, commit, inputs });
  return { timed: step.timed, verify: () => step.expectOutputs(check.expected), clear: async () => {} };
}

/** A check that misses. @param check python: path of a Python with boto3 */
export async function preparePythonCheck(check: {
  readonly python: string;
  readonly place: Place;
  readonly repository: string;
}): Promise<Attempt> {
  const { python, place, repository } = check;
  const packages = join(repository, 'packages');
  await removeMarkers(packages);
  const timed = {
    commands: [[python, PYTHON_TOOL_PROGRAM]],
    env: {
      ...cloudEnvironment(place),
      PACKAGE_ASSETS_BUCKET: place.bucket,
      GIT_REPO_PATH: repository,
      PACKAGE_DIRECTORY: packages,
      CODE_HASH_FIND_FILTER: FILTER,
    },
    cwd: place.home,
    output: join(place.home, 'python-tool.log'),
  };
  // If the file is missing, the check did not get as far as the code hash.
  const verify = async () => void (await readFile(join(packages, '.code-hash')));
  return { timed, verify, clear: async () => {} };
}
