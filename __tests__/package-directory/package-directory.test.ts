import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/errors.ts';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import { Packages, SILENT } from './packages.ts';

describe('exists', () => {
  it('distinguishes a directory, a link to one, and nothing', async () => {
    await using packages = await Packages.create();
    await packages.link('../link', 'packages');
    expect(await packages.adapter.exists()).toBe(true);
    expect(await packageDirectory(join(packages.around, 'link'), SILENT).exists()).toBe(true);
    expect(await packageDirectory(join(packages.path, 'none'), SILENT).exists()).toBe(false);
  });

  it('refuses a file', async () => {
    await using packages = await Packages.create({ file: '' });
    const inFile = packageDirectory(join(packages.path, 'file'), SILENT);
    await expect(inFile.exists()).rejects.toThrow(UserError);
    await expect(inFile.exists()).rejects.toThrow(/^package-directory '.*' is a file: name a directory$/);
    await expect(packageDirectory(join(packages.path, 'file/below'), SILENT).exists()).rejects.toThrow("can't be used");
  });
});

describe('create', () => {
  it('creates every folder on the way, and leaves existing ones alone', async () => {
    await using packages = await Packages.create({ 'a.zip': '' });
    const below = packageDirectory(join(packages.path, 'x/y'), SILENT);
    await below.create();
    await below.create();
    expect((await stat(join(packages.path, 'x/y'))).isDirectory()).toBe(true);
    await packages.adapter.create();
    expect(await packages.scan()).toEqual(['a.zip']);
  });

  it("says why it can't", async () => {
    await using packages = await Packages.create({ file: '' });
    const create = packageDirectory(join(packages.path, 'file/below'), SILENT).create();
    await expect(create).rejects.toThrow(UserError);
    await expect(create).rejects.toThrow(/^package-directory '.*file\/below' can't be used \(ENOTDIR/);
  });
});

it('names itself in a form that is safe to print', () => {
  expect(packageDirectory('a\n::error::b', SILENT).path).toBe('a\\u{a}::error::b');
});
