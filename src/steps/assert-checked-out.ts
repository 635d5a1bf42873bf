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
  const lack = await describeLack(sources);
  if (request.repositoryIsGiven)
    throw new UserError(`${lack}: correct the path, or check out ${commit} there before this step`);
  const nested = await sources.nested();
  if (nested.some(({ head }) => head === commit)) return;
  const [first] = nested;
  if (first !== undefined && request.asked === undefined) {
    const path = printable(first.path);
    throw new InputError(
      `${lack}, but one at '${path}' (${first.head ?? 'without a commit'}), and the workflow runs for commit ${commit}: set repository-path to '${path}', or commit-sha to the commit that was built`,
    );
  }
  log.info(`${lack}, so nothing confirms that this is a build of ${commit}.`);
}

/** Says why no commit is known where the repository should be. @returns the beginning of a line */
export async function describeLack(sources: SourceTree): Promise<string> {
  const lack = (await sources.isRepository()) ? 'No commit is checked out' : 'There is no git repository';
  return `${lack} at repository-path '${printable(sources.path)}'`;
}
