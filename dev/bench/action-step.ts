import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENTRY, inputVariables, machineEnvironment, parseOutputs, runnerFiles, storeInputs } from '../run-action.ts';
import type { Place } from './place.ts';
import type { Timed } from './process-meter.ts';

export interface StepOptions {
  readonly place: Place;
  /** The workspace of the job. */
  readonly cwd: string;
  readonly commit: string;
  readonly inputs: Readonly<Record<string, string>>;
}

export interface PreparedStep {
  readonly timed: Timed;
  /** @throws Error if an output has another value */
  expectOutputs(expected: Readonly<Record<string, string>>): Promise<void>;
}

/** The built action, as a runner starts it. */
export async function prepareStep({ place, cwd, commit, inputs }: StepOptions): Promise<PreparedStep> {
  const directory = await mkdtemp(join(place.home, 'step-'));
  const files = await runnerFiles(directory);
  const env = {
    ...machineEnvironment(),
    ...files,
    ...inputVariables({ ...storeInputs(place.bucket, place.endpoint, place.credentials), ...inputs }),
    GITHUB_SHA: commit,
    GITHUB_WORKSPACE: cwd,
    GITHUB_REPOSITORY: 'bench/app',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_WORKFLOW: 'bench',
    GITHUB_RUN_ID: '1',
    GITHUB_RUN_ATTEMPT: '1',
    ...(place.certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: place.certificate }),
  };
  const timed = { commands: [[process.execPath, ENTRY]], env, cwd, output: join(directory, 'log') };
  return { timed, expectOutputs: (expected) => expectOutputs(files.GITHUB_OUTPUT, expected) };
}

async function expectOutputs(file: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const outputs = parseOutputs(await readFile(file, 'utf8'));
  for (const [name, value] of Object.entries(expected))
    if (outputs[name] !== value) throw new Error(`${name} is '${outputs[name]}' instead of '${value}'`);
}
