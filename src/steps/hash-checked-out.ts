import type { CodeHash, CodeHashRequest } from '../core/code-hash-request.ts';
import { InputError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { assertCheckedOut } from './assert-checked-out.ts';
import { computeCodeHash } from './find-code-hash.ts';
import type { CommitRequest } from './resolve-commit.ts';

/**
 * Hashes the sources of a commit, which must be checked out for that: whether they are is found out meanwhile.
 *
 * @throws InputError where there is no repository, UserError where another commit is checked out
 */
export async function hashCheckedOut(
  request: CodeHashRequest,
  ports: Pick<Ports, 'sources' | 'log'>,
  { commit, asked }: { readonly commit: string; readonly asked: CommitRequest },
): Promise<CodeHash> {
  const hashing = computeCodeHash(request, ports.sources);
  // Told below, unless what is hashed should not be hashed at all.
  hashing.catch(() => undefined);
  if (request.kind === 'computed') {
    await assertCheckedOut(commit, asked, ports);
    if ((await ports.sources.head()) === undefined)
      throw new InputError(
        'code-hash-filter needs a git repository at repository-path: check it out before this step, or give a code-hash',
      );
  }
  const codeHash = await hashing;
  ports.log.info(`The code hash is ${codeHash.value}.`);
  return codeHash;
}
