import { isCommit } from '../core/commit.ts';
import { printable } from '../core/printable.ts';
import { InputError } from '../errors.ts';
import type { SourceTree } from '../ports.ts';

/** Which commit the inputs and the Actions context name. */
export interface CommitRequest {
  /** The `commit-sha` input: a full id, `HEAD`, or undefined. */
  readonly asked: string | undefined;
  /** The Actions context's commit; undefined outside Actions. */
  readonly context: string | undefined;
  /** Whether the user named the repository's path, so that it must be there. */
  readonly repositoryIsGiven: boolean;
}

/** @returns the full hex id of the commit that the set is filed under */
export async function resolveCommit(request: CommitRequest, sources: SourceTree): Promise<string> {
  await assertThere(request, sources);
  if (request.asked !== undefined && request.asked !== 'HEAD') return request.asked;
  if (request.asked === undefined && request.context !== undefined) return checked(request.context);
  const head = await sources.head();
  if (head !== undefined) return head;
  const path = printable(sources.path);
  throw new InputError(
    request.asked === 'HEAD'
      ? `commit-sha is 'HEAD', but no commit is checked out at repository-path '${path}': check out the repository first`
      : `There is no commit to file assets under: set commit-sha, or check out the repository at repository-path '${path}'`,
  );
}

async function assertThere({ repositoryIsGiven }: CommitRequest, sources: SourceTree): Promise<void> {
  if (repositoryIsGiven && !(await sources.exists()))
    throw new InputError(
      `There is no directory at repository-path '${printable(sources.path)}': check the path, or check out the repository there`,
    );
}

/** Not an id: an event without a commit, or a variable that somebody set. */
function checked(context: string): string {
  if (isCommit(context)) return context;
  throw new InputError(`GITHUB_SHA is '${printable(context)}', which is no full commit id: set commit-sha`);
}
