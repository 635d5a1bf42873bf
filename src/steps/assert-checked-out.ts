import { printable } from '../core/printable.ts';
import { InputError, UserError } from '../errors.ts';
import type { Log, SourceTree } from '../ports.ts';
import type { CommitRequest } from './resolve-commit.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: what a workflow is to say
const FIX = "set commit-sha to 'HEAD', or to ${{ github.event.pull_request.head.sha }} on a pull request";

/**
 * Refuses to go on where another commit is checked out than the one the set would be filed under: assets filed under
 * the wrong commit reach production unnoticed. An explicit id is taken at its word, with a warning.
 *
 * @throws UserError naming both commits and the fix
 */
export async function assertCheckedOut(
  commit: string,
  request: CommitRequest,
  { sources, log }: { readonly sources: SourceTree; readonly log: Log },
): Promise<void> {
  const head = await sources.head();
  if (head === commit) return;
  const place = `repository-path '${printable(sources.path)}'`;
  if (head === undefined) return assertNoneElsewhere(commit, request, { sources, log });
  if (request.asked === undefined)
    throw new UserError(`The workflow runs for commit ${commit}, but ${head} is checked out at ${place}: ${FIX}`);
  log.warning(`commit-sha is ${commit}, but ${head} is checked out at ${place}: taking the input at its word.`);
}

/** Where nothing is checked out at the default path, what was built may still come from a repository below it. */
async function assertNoneElsewhere(
  commit: string,
  request: CommitRequest,
  { sources, log }: { readonly sources: SourceTree; readonly log: Log },
): Promise<void> {
  const path = printable(sources.path);
  if (request.repositoryIsGiven)
    throw new UserError(
      `There is no git commit at repository-path '${path}': check the path, or check out the repository there`,
    );
  const nested = await sources.nested();
  if (nested.some(({ head }) => head === commit)) return;
  if (nested.length > 0 && request.asked === undefined)
    throw new InputError(
      `The workflow runs for commit ${commit}, but '${path}' is no git repository${await describeNested(sources)}: set repository-path to the one that was built, or commit-sha to the commit`,
    );
  log.info(`There is no git repository at '${path}', so ${commit} could not be compared with what is checked out.`);
}

/** Names a repository below the path where none is, for an error about that. @returns empty, or a clause with a comma before it */
export async function describeNested(sources: SourceTree): Promise<string> {
  const [first] = await sources.nested();
  return first === undefined ? '' : `, though '${printable(first.path)}' is one (${first.head ?? 'no commit'})`;
}
