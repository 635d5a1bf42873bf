import { UserError } from '../errors.ts';
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
  if (request.isCompared === false) return;
  const head = await sources.head();
  if (head === undefined && request.repositoryIsGiven)
    throw new UserError('There is no git commit at repository-path: check the path, or check out the repository there');
  if (head === undefined || head === commit) return;
  if (request.asked === undefined)
    throw new UserError(
      `The workflow runs for commit ${commit}, but ${head} is checked out at repository-path: ${FIX}`,
    );
  log.warning(`commit-sha is ${commit}, but ${head} is checked out: taking the input at its word.`);
}
