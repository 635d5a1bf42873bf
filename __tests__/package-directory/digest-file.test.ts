import { createHash } from 'node:crypto';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Packages } from './packages.ts';

const isPosix = process.platform !== 'win32';

function sha256(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('base64');
}

describe('digest', () => {
  it.each([
    ['empty', ''],
    ['small', 'some bytes'],
    ['of several chunks', 'x'.repeat(300_000)],
  ])('is the SHA-256 of a file that is %s', async (_, content) => {
    await using packages = await Packages.create({ 'sub/deep/a': content });
    expect(await packages.adapter.digest('sub/deep/a', content.length)).toBe(sha256(content));
  });

  it.each([
    ['is not there', 'b', 1],
    ['is in a folder that is not there', 'x/a', 1],
    ['has another size', 'a', 2],
    ['is a folder', 'sub', 1],
    ['has a file for a folder', 'a/b', 1],
  ])('is undefined if the file %s', async (_, path, sizeBytes) => {
    await using packages = await Packages.create({ a: 'a', 'sub/c': 'c' });
    expect(await packages.adapter.digest(path, sizeBytes)).toBeUndefined();
  });

  it('is undefined for a folder of the given size', async () => {
    await using packages = await Packages.create({ 'sub/c': 'c' });
    for (const sizeBytes of [0, 4096, 60, 40]) expect(await packages.adapter.digest('sub', sizeBytes)).toBeUndefined();
  });

  it.each(['a', '../outside', 'nowhere'])('is undefined for a link to %s', async (target) => {
    await using packages = await Packages.create({ a: 'a' });
    await writeFile(join(packages.around, 'outside'), 'a');
    await packages.link('link', target);
    expect(await packages.adapter.digest('link', 1)).toBeUndefined();
  });

  it.each(['inside', 'outside'])('is undefined if a link to a folder %s leads to the file', async (where) => {
    await using packages = await Packages.create({ 'real/a': 'a' });
    const target = join(where === 'inside' ? packages.path : packages.around, 'real');
    await mkdir(target, { recursive: true });
    await writeFile(join(target, 'a'), 'a');
    await symlink(target, join(packages.path, 'sub'), 'junction');
    expect(await packages.adapter.digest('sub/a', 1)).toBeUndefined();
  });

  it('works if the package directory itself is a link', async () => {
    await using packages = await Packages.create({ 'sub/a': 'a' }, 'real');
    await symlink(packages.path, join(packages.around, 'link'), 'junction');
    const { packageDirectory } = await import('../../src/package-directory/package-directory.ts');
    const log = { info: () => {}, warning: () => {}, debug: () => {} };
    expect(await packageDirectory(join(packages.around, 'link'), log).digest('sub/a', 1)).toBe(sha256('a'));
  });

  (isPosix && process.getuid?.() !== 0 ? it : it.skip)('is undefined where the file may not be read', async () => {
    await using packages = await Packages.create({ a: 'a' });
    await chmod(join(packages.path, 'a'), 0);
    expect(await packages.adapter.digest('a', 1)).toBeUndefined();
  });
});
