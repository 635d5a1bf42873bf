import { gitSha256, md5 } from '../core/code-hash.ts';
import { type CodeHash, type CodeHashAlgorithm, type CodeHashRequest, isCodeHash } from '../core/code-hash-request.ts';
import { UserError } from '../errors.ts';
import type { PackageDirectory, Ports, SourceTree } from '../ports.ts';

const LENGTHS: Readonly<Record<CodeHashAlgorithm, number>> = { md5: 32, 'git-sha256': 64 };

/** Hashes the sources, or takes the value that was computed elsewhere. */
export async function computeCodeHash(request: CodeHashRequest, sources: SourceTree): Promise<CodeHash> {
  if (request.kind === 'given') return { value: request.value, algorithm: undefined };
  const { algorithm, patterns, salt } = request;
  const value =
    algorithm === 'md5' ? await md5(sources.contents(patterns)) : gitSha256(salt, await sources.entries(patterns));
  return { value, algorithm };
}

/**
 * What an earlier check found, which counts more than what could be computed now: a build may have changed the tree.
 *
 * @param request by whose algorithm it must have been made, where that fits
 * @throws UserError where the marker is there but holds no code hash
 */
export async function readCodeHashMarker(
  packages: PackageDirectory,
  request: CodeHashRequest | undefined,
): Promise<CodeHash | undefined> {
  const text = (await packages.readMarker('.code-hash'))?.trim();
  if (text === undefined || text === '') return undefined;
  if (!isCodeHash(text))
    throw new UserError(`${packages.path}/.code-hash does not hold a code hash: run check again, or delete the file`);
  const algorithm = request?.kind === 'computed' ? request.algorithm : undefined;
  return { value: text, algorithm: algorithm && LENGTHS[algorithm] === text.length ? algorithm : undefined };
}

/** For an upload: the given value, else what check found, else computed now; undefined: no caching. */
export async function findCodeHash(
  asked: CodeHashRequest | undefined,
  { packages, sources, log }: Pick<Ports, 'packages' | 'sources' | 'log'>,
): Promise<CodeHash | undefined> {
  if (asked?.kind === 'given') return computeCodeHash(asked, sources);
  const marked = await readCodeHashMarker(packages, asked);
  if (marked !== undefined) log.info(`The code hash is ${marked.value}, as check found it.`);
  if (marked !== undefined || asked === undefined) return marked;
  return computeCodeHash(asked, sources);
}
