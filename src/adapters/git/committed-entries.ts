import type { SourceListing } from '../../core/code-hash.ts';
import { listIndex } from './index-listing.ts';
import { assertRepositoryRoot } from './repository-root.ts';
import { readGit } from './run-git.ts';
import { withScratchIndex } from './scratch-index.ts';

/**
 * Lists the entries of HEAD's tree that match the patterns, by an index that is made of it: `git ls-tree` takes no such
 * patterns.
 *
 * @returns nothing where none matches
 * @throws UserError where there is no repository or no commit
 */
export async function findCommittedEntries(root: string, patterns: readonly string[]): Promise<SourceListing> {
  await assertRepositoryRoot(root);
  return withScratchIndex(root, async (environment) => {
    await readGit(root, ['read-tree', 'HEAD'], { environment });
    return (await listIndex({ root, environment }, patterns)).entries;
  });
}
