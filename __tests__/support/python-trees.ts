import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodePath } from '../../src/code-hash/md5.ts';

/** Contents by path, in the form of python-trees.json. */
export type Tree = Readonly<Record<string, string | { readonly link: string }>>;

/** @returns the new directory that contains the tree */
export async function buildTree(tree: Tree, name = 'tree'): Promise<string> {
  const root = join(await mkdtemp(join(tmpdir(), 's3-asset-manager-test-')), name);
  await mkdir(root);
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(encodePath(dirname(`${root}/${path}`)), { recursive: true });
    if (typeof content === 'string') await writeFile(encodePath(`${root}/${path}`), content);
    else await symlink(content.link, encodePath(`${root}/${path}`));
  }
  return root;
}
