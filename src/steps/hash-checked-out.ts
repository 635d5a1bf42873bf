import { gitSha256, md5 } from '../core/code-hash.ts';
import type { CodeHash, CodeHashRequest } from '../core/code-hash-request.ts';
import { counted } from '../core/counted.ts';
import { printable } from '../core/printable.ts';
import { describeUnmatched } from '../core/unmatched-patterns.ts';
import { waitForAll } from '../core/wait-for-all.ts';
import { InputError, UserError } from '../errors.ts';
import type { Log, Ports, SourceTree } from '../ports.ts';
import { describeLack } from './assert-checked-out.ts';

type ComputedHash = Extract<CodeHashRequest, { readonly kind: 'computed' }>;

interface HashedSources {
  /** Hex. */
  readonly value: string;
  readonly fileCount: number;
  /** Patterns that match nothing. */
  readonly unmatched: readonly string[];
}

/**
 * Takes the code hash that was given, or hashes the sources of a commit, which must be checked out for that: another
 * commit's hash would lead to another commit's build.
 *
 * @throws InputError where there is no repository or a pattern matches nothing, UserError where another commit is
 *   checked out
 */
export async function hashCheckedOut(
  request: CodeHashRequest,
  { sources, log }: Pick<Ports, 'sources' | 'log'>,
  commit: string,
): Promise<CodeHash> {
  if (request.kind === 'given') {
    log.info(`The code hash is ${request.value}.`);
    return { value: request.value, algorithm: undefined };
  }
  const assertion = assertHead(commit, sources);
  // git takes a moment, and may be asked meanwhile; the md5 algorithm reads all files.
  if (request.algorithm === 'md5') await assertion;
  const [, hashed] = await waitForAll([assertion, hashSources(request, sources)]);
  tellUnmatched(request, hashed, { sources, log });
  log.info(`The code hash is ${hashed.value}, of ${counted(hashed.fileCount, 'file')}.`);
  return { value: hashed.value, algorithm: request.algorithm };
}

async function assertHead(commit: string, sources: SourceTree): Promise<void> {
  const head = await sources.head();
  if (head === commit) return;
  if (head !== undefined)
    throw new UserError(
      `The code hash of ${commit} is needed, but ${head} is checked out at repository-path '${printable(sources.path)}': check out ${commit} there, set commit-sha to 'HEAD' to use ${head}, or give code-hash`,
    );
  const lack = await describeLack(sources);
  const [nested] = await sources.nested();
  if (nested === undefined)
    throw new InputError(`${lack}: check out ${commit} there before this step, or give code-hash`);
  const path = printable(nested.path);
  throw new InputError(`${lack}, but one at '${path}': set repository-path to '${path}', or give code-hash`);
}

async function hashSources({ algorithm, patterns, salt }: ComputedHash, sources: SourceTree): Promise<HashedSources> {
  if (algorithm === 'md5') {
    const { pieces, ...found } = await sources.contents(patterns);
    return { ...found, value: await md5(pieces) };
  }
  const { entries, unmatched } = await sources.entries(patterns);
  return { unmatched, value: gitSha256(salt, entries), fileCount: countOf(entries) };
}

/** Each entry ends in a NUL. */
function countOf(entries: Uint8Array): number {
  let count = 0;
  for (let end = entries.indexOf(0); end !== -1; end = entries.indexOf(0, end + 1)) count += 1;
  return count;
}

/** Whatever changes behind a pattern that is misspelt would still be a hit. */
function tellUnmatched(
  request: ComputedHash,
  { unmatched, fileCount }: HashedSources,
  { sources, log }: { readonly sources: SourceTree; readonly log: Log },
): void {
  if (unmatched.length > 0) {
    const line = describeUnmatched(unmatched, sources.path);
    if (request.unmatchedPatterns === 'error')
      throw new InputError(`${line}: correct or remove it, or set unmatched-patterns to 'warn'`);
    log.warning(`${line}: if it is misspelt, changes to the files it means will not cause a build.`);
  }
  if (fileCount === 0)
    throw new InputError(
      `code-hash-filter '${printable(request.patterns.join(' '))}' matches no file in '${printable(sources.path)}': correct the patterns, which are relative to it`,
    );
}
