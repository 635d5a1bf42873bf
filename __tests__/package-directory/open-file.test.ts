import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/errors.ts';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import { asNobody, Packages, SILENT } from './packages.ts';

const CHANGED =
  "'a.zip' changed while it was read: upload only after the build has stopped writing to the package directory";

async function read(packages: Packages, path: string): Promise<string> {
  await using file = await packages.adapter.open(path);
  return Buffer.from(await file.read(0, file.sizeBytes)).toString();
}

it('reads the requested ranges', async () => {
  await using packages = await Packages.create({ 'deep/a.zip': '0123456789' });
  await using file = await packages.adapter.open('deep/a.zip');
  expect(file.sizeBytes).toBe(10);
  const texts = await Promise.all([file.read(0, 4), file.read(4, 6), file.read(3, 1), file.read(10, 0)]);
  expect(texts.map((bytes) => Buffer.from(bytes).toString())).toEqual(['0123', '456789', '3', '']);
  await file.assertUnchanged();
});

it('follows a link to a file inside, even if the package directory itself is a link', async () => {
  await using packages = await Packages.create({ 'real/deep/tool': 'tool' }, '.');
  await packages.link('real/latest', 'deep/tool');
  await packages.link('link', 'real');
  await using file = await packageDirectory(join(packages.path, 'link'), SILENT).open('latest');
  expect(Buffer.from(await file.read(0, 4)).toString()).toBe('tool');
});

describe('after the scan', () => {
  it.each<[what: string, swap: (packages: Packages) => Promise<unknown>, message: string | RegExp]>([
    ['a link out', (packages) => packages.link('a.zip', '../secret'), /^'a.zip' leads out of the package directory/],
    ['a dangling link', (packages) => packages.link('a.zip', 'nothing'), "'a.zip' is a broken link"],
    ['a link to a folder', (packages) => packages.link('a.zip', 'deep'), CHANGED],
    ['a folder', (packages) => mkdir(join(packages.path, 'a.zip')), CHANGED],
    ['nothing', async () => {}, CHANGED],
    ['a pipe', async (packages) => execFileSync('mkfifo', [join(packages.path, 'a.zip')]), CHANGED],
  ])('%s in place of a file is refused', async (_, swap, message) => {
    await using packages = await Packages.create({ 'a.zip': 'a', '../secret': 'secret', 'deep/b': 'b' });
    expect(await packages.scan()).toContain('a.zip');
    await rm(join(packages.path, 'a.zip'));
    await swap(packages);
    const opened = packages.adapter.open('a.zip');
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(message);
  });

  it('a socket in place of a file is refused', async () => {
    await using packages = await Packages.create();
    const server = createServer().listen(join(packages.path, 's'));
    await once(server, 'listening');
    await expect(packages.adapter.open('s')).rejects.toThrow("'s' can't be read (ENXIO): check its permissions");
    await new Promise((done) => server.close(done));
  });

  it('a link in place of a folder is refused', async () => {
    await using packages = await Packages.create({ 'deep/secret': 'harmless', '../outside/secret': 'secret' });
    await rm(join(packages.path, 'deep'), { recursive: true });
    await packages.link('deep', '../outside');
    await expect(packages.adapter.open('deep/secret')).rejects.toThrow(
      "'deep/secret' leads out of the package directory",
    );
  });

  it('a path through a file is refused', async () => {
    await using packages = await Packages.create({ 'a.zip': '' });
    await expect(packages.adapter.open('a.zip/b')).rejects.toThrow(UserError);
  });
});

/** Swaps a file for a link to a secret and back, in its own process, until it is killed. */
const SWAPS = `
  const { renameSync, symlinkSync, writeFileSync } = require('node:fs');
  process.chdir(process.argv[1]);
  for (;;) {
    symlinkSync('../secret', 'link');
    renameSync('link', 'a.zip');
    writeFileSync('file', 'harmless');
    renameSync('file', 'a.zip');
  }`;

it('never reads a file outside, whenever a link is swapped in', async () => {
  await using packages = await Packages.create({ 'a.zip': 'harmless', '../secret': 'secret!!' });
  const swapping = spawn(process.execPath, ['-e', SWAPS, packages.path], { stdio: 'ignore' });
  const ended = once(swapping, 'exit');
  const answers = new Set<string>();
  const startedMs = performance.now();
  for (let round = 0; round < 3000 || (answers.size < 2 && performance.now() - startedMs < 20_000); round += 1)
    answers.add(
      await read(packages, 'a.zip').catch((error: unknown) => (error instanceof UserError ? 'refused' : String(error))),
    );
  swapping.kill('SIGKILL');
  await ended;
  expect([...answers].sort()).toEqual(['harmless', 'refused']);
});

describe('while it is open', () => {
  it('a file that shrinks is refused', async () => {
    await using packages = await Packages.create({ 'a.zip': '0123456789' });
    await using file = await packages.adapter.open('a.zip');
    await truncate(join(packages.path, 'a.zip'), 5);
    await expect(file.read(0, 10)).rejects.toThrow(CHANGED);
    await expect(file.assertUnchanged()).rejects.toThrow(CHANGED);
  });

  it('a file that grows is refused', async () => {
    await using packages = await Packages.create({ 'a.zip': '0123456789' });
    await using file = await packages.adapter.open('a.zip');
    await appendFile(join(packages.path, 'a.zip'), 'more');
    expect(Buffer.from(await file.read(0, 10)).toString()).toBe('0123456789');
    await expect(file.assertUnchanged()).rejects.toThrow(CHANGED);
  });

  it('a file that is written over is refused', async () => {
    await using packages = await Packages.create({ 'a.zip': '0123456789' });
    await utimes(join(packages.path, 'a.zip'), 1, 1);
    await using file = await packages.adapter.open('a.zip');
    await writeFile(join(packages.path, 'a.zip'), '9876543210');
    await expect(file.assertUnchanged()).rejects.toThrow(CHANGED);
  });

  it('a file that is replaced remains the one that was opened', async () => {
    await using packages = await Packages.create({ 'a.zip': 'old' });
    await using file = await packages.adapter.open('a.zip');
    await packages.write('new', 'new');
    await rename(join(packages.path, 'new'), join(packages.path, 'a.zip'));
    expect(Buffer.from(await file.read(0, 3)).toString()).toBe('old');
    await file.assertUnchanged();
  });
});

(process.platform === 'win32' ? it.skip : it)("a file that can't be read is reported", async () => {
  await using packages = await Packages.create({ 'a.zip': 'a' });
  await chmod(packages.around, 0o755);
  await chmod(join(packages.path, 'a.zip'), 0);
  await asNobody(() =>
    expect(packages.adapter.open('a.zip')).rejects.toThrow("'a.zip' can't be read (EACCES): check its permissions"),
  );
});
