import { mostLanes } from './async.ts';
import type { Inputs } from './inputs/inputs.ts';
import type { PackagesTask } from './inputs/packages.ts';
import type { CheckOptions } from './modes/check.ts';
import type { Outcome } from './modes/outcome.ts';
import { checkPackages } from './modes/packages.ts';
import { packageDirectory } from './package-directory/package-directory.ts';
import type { Log } from './ports.ts';
import type { RunContext } from './run-context.ts';
import { printable } from './text.ts';

/**
 * Checks several packages in one run: they share its connections, its limit on requests, and what git says.
 *
 * @param optionsOf how a package is checked
 */
export async function checkEach(
  run: RunContext,
  { chosen }: PackagesTask,
  optionsOf: (inputs: Inputs) => Promise<CheckOptions>,
): Promise<Outcome> {
  const checks = chosen.map(async ({ name, directory, inputs }) => {
    const log = named(run.log, name);
    const { codeHash, prefix } = inputs;
    const packages = packageDirectory(inputs.packageDirectory, log);
    return { name, directory, run: { ...run, log, packages, codeHash, prefix }, options: await optionsOf(inputs) };
  });
  return checkPackages(run, await Promise.all(checks), mostLanes(run.concurrency));
}

/** Says of every line which package it is about. */
function named(log: Log, name: string): Log {
  const about = (line: string) => `${printable(name)}: ${line}`;
  return {
    info: (line) => log.info(about(line)),
    warning: (line) => log.warning(about(line)),
    debug: (line) => log.debug(about(line)),
  };
}
