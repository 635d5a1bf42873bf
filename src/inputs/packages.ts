import type { SharedPackages } from '../code-hash/code-hash.ts';
import { InputError } from '../errors.ts';
import { printable } from '../text.ts';
import type { Inputs } from './inputs.ts';
import { type PackageEntry, readPackages } from './packages-document.ts';
import { refused } from './values.ts';

// Of the inputs of a step for several packages, those for each of them.

/** Inputs for one package, and for what it shares with all others. */
export interface PackageInputs {
  readonly name: string;
  readonly directory: string;
  readonly inputs: Inputs;
}

/** What a step is to do where there are several packages. */
export interface PackagesTask {
  /** Of all packages, those included that this step leaves alone. */
  readonly shared: SharedPackages;
  /** The packages that this step is about, at least one. */
  readonly chosen: readonly [PackageInputs, ...PackageInputs[]];
}

type Several = NonNullable<Inputs['several']>;

/**
 * Reads the input `packages`, and makes of a step's inputs those of its packages.
 *
 * @throws InputError for a mistake in it, and where the package that is meant is not there or has no set
 */
export async function packagesTask(inputs: Inputs, several: Several): Promise<PackagesTask> {
  const entries = await readPackages({ text: several.text, packageDirectory: inputs.packageDirectory });
  const stored = entries.filter(({ isStored }) => isStored);
  const [first, ...others] = several.name === undefined ? stored : [named(several.name, entries)];
  if (first === undefined) throw new InputError("packages has none with a set: leave out one 'stored: false'");
  const of = (entry: PackageEntry) => ({
    name: entry.name,
    directory: entry.directory,
    inputs: inputsOf(inputs, several, entry),
  });
  return {
    shared: {
      directories: stored.map(({ directory }) => directory),
      groups: [first, ...others].flatMap(({ sources }) => sources.map(({ patterns }) => patterns)),
    },
    chosen: [of(first), ...others.map(of)],
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
      package: { name, needs },
      algorithm: 'git-sha256',
      salt: entry.salt,
      unmatchedPatterns,
    },
    selection: { ...inputs.selection, patterns: [...entry.files] },
    search: { ...inputs.search, fallbackPrefixes: inputs.search.fallbackPrefixes.map(under) },
  };
}
