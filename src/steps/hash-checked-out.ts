import type { CodeHash, CodeHashRequest } from '../core/code-hash-request.ts';
import { waitForAll } from '../core/wait-for-all.ts';
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
  const assertion = request.kind === 'computed' ? assertSources(ports, { commit, asked }) : Promise.resolve();
  // git takes a moment, and may be asked meanwhile; the md5 algorithm reads all files.
  const isQuick = request.kind === 'computed' && request.algorithm === 'git-sha256';
  if (!isQuick) await assertion;
  const [, codeHash] = await waitForAll([assertion, computeCodeHash(request, ports.sources)]);
  ports.log.info(`The code hash is ${codeHash.value}.`);
  return codeHash;
}

async function assertSources(
  ports: Pick<Ports, 'sources' | 'log'>,
  { commit, asked }: { readonly commit: string; readonly asked: CommitRequest },
): Promise<void> {
  await assertCheckedOut(commit, asked, ports);
  if ((await ports.sources.head()) === undefined)
    throw new InputError(
      'code-hash-filter needs a git repository at repository-path: check it out before this step, or give a code-hash',
    );
}
