import type { SharedPackages } from '../code-hash/code-hash.ts';
import { printable } from '../text.ts';
import type { Inputs } from './inputs.ts';
import { type PackageEntry, readPackages } from './packages-document.ts';
import { refused } from './values.ts';

// The inputs for each package of a step, derived from the inputs of the step.

/** A package, and the inputs that a step for this package only would have. */
export interface PackageInputs {
  readonly name: string;
  readonly directory: string;
  readonly inputs: Inputs;
}

/** The work of a step with the input `packages`. */
export interface PackagesTask {
  /** Shared by all packages; `directories` includes those of packages that this step does not handle. */
  readonly shared: SharedPackages;
  /** The packages that this step handles; at least one. */
  readonly chosen: readonly PackageInputs[];
}

type Several = NonNullable<Inputs['several']>;

/**
 * Reads the input `packages`, and derives the inputs of each package from those of the step.
 *
 * @throws InputError for a mistake in it, or if the input `package` names one that does not exist or has no set
 */
export async function packagesTask(inputs: Inputs, several: Several): Promise<PackagesTask> {
  const entries = await readPackages(several.text, inputs.packageDirectory);
  const stored = entries.filter(({ isStored }) => isStored);
  const chosen = several.name === undefined ? stored : [named(several.name, entries)];
  return {
    shared: {
      directories: stored.map(({ directory }) => directory),
      groups: chosen.flatMap(({ sources }) => sources.map(({ patterns }) => patterns)),
    },
    chosen: chosen.map((entry) => ({
      name: entry.name,
      directory: entry.directory,
      inputs: inputsOf(inputs, several, entry),
    })),
  };
}

function named(name: string, entries: readonly PackageEntry[]): PackageEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry?.isStored) return entry;
  const known = entries.filter(({ isStored }) => isStored).map((candidate) => `'${printable(candidate.name)}'`);
  const advice = `give one of ${known.slice(0, MOST_NAMES).join(', ')}${known.length > MOST_NAMES ? ', …' : ''}`;
  if (entry !== undefined)
    throw refused('package', name, `it has 'stored: false', so there is no set of it: ${advice}`);
  throw refused('package', name, `there is no such package: ${advice}`);
}

const MOST_NAMES = 20;

function inputsOf(
  inputs: Inputs,
  { unmatchedPatterns }: Several,
  { name, directory, sources, ...entry }: PackageEntry,
): Inputs {
  const [{ patterns }, ...needs] = sources;
  const under = (prefix: string) => (prefix === '' ? name : `${prefix}/${name}`);
  return {
    ...inputs,
    prefix: under(inputs.prefix),
    packageDirectory: directory,
    codeHash: {
      kind: 'computed',
      patterns,
      package: { name, needs, declared: entry.declared },
      algorithm: 'git-sha256',
      salt: entry.salt,
      unmatchedPatterns,
    },
    selection: { ...inputs.selection, patterns: [...entry.files] },
    search: { ...inputs.search, fallbackPrefixes: inputs.search.fallbackPrefixes.map(under) },
  };
}
