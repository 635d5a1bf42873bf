import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { globbedContents } from '../../../src/adapters/python-glob/contents.ts';
import { md5 } from '../../../src/core/code-hash.ts';
import { InputError, UserError } from '../../../src/errors.ts';
import golden from '../../support/python-golden.json' with { type: 'json' };
import description from '../../support/python-trees.json' with { type: 'json' };
import { buildTree, type Tree } from '../../support/python-trees.ts';

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
  for await (const piece of globbedContents(root, patterns)) text += Buffer.from(piece).toString();
  return text;
}

// File names are any bytes on Linux; other systems refuse those that are not Unicode.
const names = Object.keys(trees).filter((name) => name !== 'bytes' || process.platform === 'linux');

describe.each(names)('the MD5 that Python gives (%s)', (name) => {
  let root = '';
  beforeAll(async () => {
    root = await build(trees[name] ?? {});
  });

  it.each(golden.filter((result) => result.tree === name))('of $patterns', async ({ patterns, md5: expected }) => {
    const digest = md5(globbedContents(root, patterns));
    if (expected === null) await expect(digest).rejects.toThrow(InputError);
    else expect(await digest).toBe(expected);
  });
});

describe('globbedContents', () => {
  it('does not depend on how the root is written', async () => {
    const root = await build(trees.project ?? {});
    const expected = await md5(globbedContents(root, ['**']));
    for (const written of [relative('.', root), `${root}/`, `${root}/src/..`])
      expect(await md5(globbedContents(written, ['**']))).toBe(expected);
  });

  it('takes the root literally, where Python would read a pattern', async () => {
    const root = await build({ 'a.txt': 'literal' }, '[ab]*');
    expect(await textOf(root, ['*.txt'])).toBe('literal');
  });

  it('finds no file behind a slash, which stopped the Python tool', async () => {
    const root = await build({ 'a.txt': 'a', 'b.txt': 'b' });
    expect(await textOf(root, ['a.txt/**', 'b.txt'])).toBe('b');
  });

  it('reads a large file in pieces', async () => {
    const content = 'x'.repeat(1_000_000);
    const root = await build({ large: content });
    const hash = createHash('md5');
    let largestBytes = 0;
    for await (const piece of globbedContents(root, ['large'])) {
      hash.update(piece);
      largestBytes = Math.max(largestBytes, piece.length);
    }
    expect(hash.digest('hex')).toBe(createHash('md5').update(content).digest('hex'));
    expect(largestBytes).toBeLessThanOrEqual(256 * 1024);
  });

  it('says which patterns match no file', async () => {
    const root = await build({ a: 'a', 'folder/b': 'b' });
    await expect(textOf(root, ['folder', 'c\u001b*'])).rejects.toThrow(
      /'folder c\\u\{1b\}\*' matches no file under '.*'/,
    );
  });

  it('finds nothing where the root is missing', async () => {
    await expect(textOf('/no/such/folder', ['**'])).rejects.toThrow(InputError);
  });

  it('fails on a file that can no longer be read', async () => {
    const root = await build({ a: 'a', b: 'b' });
    const contents = globbedContents(root, ['*']);
    await contents.next();
    await rm(join(root, 'b'));
    const failure = expect(contents.next()).rejects;
    await failure.toThrow(UserError);
    await expect(globbedContents(root, ['b']).next()).rejects.toThrow(InputError);
  });
});
