import { ENTRY } from '../../dev/run-action.ts';

// The step's variables are passed in a single one, since a shell loses those with a `-` in their names.
const RUN = 'Object.assign(process.env, JSON.parse(process.env.STEP)); require(process.argv[1])';

/** @returns arguments of Node that run the built action under a limit of the shell's `ulimit`, such as `-n 60` */
export function limitedAction(limit: string): string[] {
  const command = ['sh', '-c', `ulimit ${limit} && exec "$0" -e "$1" "$2"`, process.execPath, RUN, ENTRY];
  const script = `process.execve('/bin/sh', ${JSON.stringify(command)}, { STEP: JSON.stringify(process.env) })`;
  return ['--no-warnings', '-e', script];
}
