import { mkdir, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/errors.ts';
import { Packages } from './packages.ts';

describe('a marker', () => {
  it('is read back byte for byte', async () => {
    await using packages = await Packages.create();
    await packages.adapter.writeMarker('.commit-hash', 'ä\n');
    await packages.adapter.writeMarker('.code-hash', 'abc');
    await packages.adapter.writeMarker('.code-hash', 'def');
    expect(await packages.adapter.readMarker('.commit-hash')).toBe('ä\n');
    expect(await readFile(join(packages.path, '.code-hash'), 'utf8')).toBe('def');
    expect((await readdir(packages.path)).sort()).toEqual(['.code-hash', '.commit-hash']);
  });

  it('can be empty', async () => {
    await using packages = await Packages.create();
    await packages.adapter.writeMarker('.found', '');
    expect(await packages.adapter.readMarker('.found')).toBe('');
  });

  it('that does not exist is undefined, even without a package directory', async () => {
    await using packages = await Packages.create();
    expect(await packages.adapter.readMarker('.found')).toBeUndefined();
    await rm(packages.path, { recursive: true });
    expect(await packages.adapter.readMarker('.found')).toBeUndefined();
  });

  it('can be removed, even if it does not exist', async () => {
    await using packages = await Packages.create({ '.found': '' });
    await packages.adapter.removeMarker('.found');
    await packages.adapter.removeMarker('.found');
    expect(await readdir(packages.path)).toEqual([]);
  });

  it('is replaced by a new file with every write, so that a reader never sees half of one', async () => {
    await using packages = await Packages.create({ '.record.json': 'old' });
    const before = await stat(join(packages.path, '.record.json'));
    await packages.adapter.writeMarker('.record.json', 'new');
    expect((await stat(join(packages.path, '.record.json'))).ino).not.toBe(before.ino);
  });

  it('is complete even after concurrent writes', async () => {
    await using packages = await Packages.create();
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(100_000));
    await Promise.all(texts.map((text) => packages.adapter.writeMarker('.record.json', text)));
    expect(texts).toContain(await packages.adapter.readMarker('.record.json'));
    expect(await readdir(packages.path)).toEqual(['.record.json']);
  });
});

describe('a link in place of a marker', () => {
  it('is not followed by a read', async () => {
    await using packages = await Packages.create({ '../secret': 'secret' });
    await packages.link('.found', '../secret');
    await expect(packages.adapter.readMarker('.found')).rejects.toThrow(UserError);
    await expect(packages.adapter.readMarker('.found')).rejects.toThrow("can't be read (ELOOP): check what is there");
  });

  it('is replaced by a write, which leaves its target alone', async () => {
    await using packages = await Packages.create({ '../victim': 'untouched' });
    await packages.link('.found', '../victim');
    await packages.adapter.writeMarker('.found', 'found');
    expect(await readFile(join(packages.path, '../victim'), 'utf8')).toBe('untouched');
    expect(await packages.adapter.readMarker('.found')).toBe('found');
  });

  it('is removed, but not its target', async () => {
    await using packages = await Packages.create({ '../victim': 'untouched' });
    await packages.link('.found', '../victim');
    await packages.link('other', '.found');
    await packages.adapter.removeMarker('.found');
    expect(await readdir(packages.path)).toEqual(['other']);
    expect(await readlink(join(packages.path, 'other'))).toBe('.found');
    expect(await readFile(join(packages.path, '../victim'), 'utf8')).toBe('untouched');
  });
});

describe('a folder in place of a marker', () => {
  it.each<[name: string, work: (packages: Packages) => Promise<unknown>]>([
    ["can't be read", (packages) => packages.adapter.readMarker('.found')],
    ["can't be written", (packages) => packages.adapter.writeMarker('.found', '')],
    ["can't be removed", (packages) => packages.adapter.removeMarker('.found')],
  ])('%s, and the error says where', async (message, work) => {
    await using packages = await Packages.create();
    await mkdir(join(packages.path, '.found'));
    await expect(work(packages)).rejects.toThrow(UserError);
    await expect(work(packages)).rejects.toThrow(`${join(packages.path, '.found')} ${message} (`);
    expect(await readdir(packages.path)).toEqual(['.found']);
  });
});
