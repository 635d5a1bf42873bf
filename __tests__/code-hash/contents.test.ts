import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { md5 } from '../../src/code-hash/code-hash.ts';
import { globbedContents } from '../../src/code-hash/md5.ts';
import { UserError } from '../../src/errors.ts';
import golden from '../support/python-golden.json' with { type: 'json' };
import description from '../support/python-trees.json' with { type: 'json' };
import { buildTree, type Tree } from '../support/python-trees.ts';

const trees: Record<string, Tree> = description.trees;
const roots: string[] = [];
async function build(tree: Tree, name?: string): Promise<string> {
  const root = await buildTree(tree, name);
  roots.push(root);
  return root;
}
afterAll(() => Promise.all(roots.map((root) => rm(dirname(root), { recursive: true }))));

async function textOf(root: string, patterns: readonly string[]): Promise<string> {
  let text = '';
  for await (const piece of globbedContents(root, patterns).pieces) text += Buffer.from(piece).toString();
  return text;
}

// On Linux a file name can be any bytes; other systems refuse names that are not Unicode.
const names = Object.keys(trees).filter((name) => name !== 'bytes' || process.platform === 'linux');

describe.each(names)('the MD5 that Python computes (%s)', (name) => {
  let root = '';
  beforeAll(async () => {
    root = await build(trees[name] ?? {});
  });

  it.each(golden.filter((result) => result.tree === name))('of $patterns', async ({ patterns, md5: expected }) => {
    const { fileCount, pieces } = globbedContents(root, patterns);
    if (expected === null) expect(fileCount).toBe(0);
    else expect(await md5(pieces)).toBe(expected);
  });
});

describe('globbedContents', () => {
  it('does not depend on how the root is written', async () => {
    const root = await build(trees.project ?? {});
    const expected = await md5(globbedContents(root, ['**']).pieces);
    for (const written of [relative('.', root), `${root}/`, `${root}/src/..`])
      expect(await md5(globbedContents(written, ['**']).pieces)).toBe(expected);
  });

  it('takes the root literally, while Python would read it as a pattern', async () => {
    const root = await build({ 'a.txt': 'literal' }, '[ab]*');
    expect(await textOf(root, ['*.txt'])).toBe('literal');
  });

  it('finds no file for a pattern that ends in a slash, which stopped the Python tool', async () => {
    const root = await build({ 'a.txt': 'a', 'b.txt': 'b' });
    expect(await textOf(root, ['a.txt/**', 'b.txt'])).toBe('b');
  });

  it('reads a large file in pieces', async () => {
    const content = 'x'.repeat(1_000_000);
    const root = await build({ large: content });
    const hash = createHash('md5');
    let largestBytes = 0;
    for await (const piece of globbedContents(root, ['large']).pieces) {
      hash.update(piece);
      largestBytes = Math.max(largestBytes, piece.length);
    }
    expect(hash.digest('hex')).toBe(createHash('md5').update(content).digest('hex'));
    expect(largestBytes).toBeLessThanOrEqual(256 * 1024);
  });

  it('counts the files, and lists the patterns that match none', async () => {
    const root = await build({ a: 'a', 'folder/b': 'b' });
    expect(globbedContents(root, ['folder', 'a', 'c*', '**'])).toMatchObject({
      fileCount: 3,
      unmatched: ['folder', 'c*'],
    });
  });

  it('finds nothing if the root is missing', async () => {
    expect(globbedContents('/no/such/folder', ['**'])).toMatchObject({ fileCount: 0, unmatched: ['**'] });
  });

  it('fails on a file that can no longer be read', async () => {
    const root = await build({ a: 'a', b: 'b' });
    const { pieces } = globbedContents(root, ['*']);
    await rm(join(root, 'b'));
    await expect(md5(pieces)).rejects.toThrow(UserError);
  });
});
