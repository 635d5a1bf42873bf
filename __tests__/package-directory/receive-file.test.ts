import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  lutimes,
  mkdir,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/errors.ts';
import { asNobody, Packages } from './packages.ts';

const isPosix = process.platform !== 'win32';
const DAY_MS = 24 * 3_600_000;
const LEFTOVER = '.restoring-01234567-89ab-cdef-0123-456789abcdef';

async function receive(packages: Packages, path: string, content: string, executable = false): Promise<void> {
  await using incoming = await packages.adapter.receive(path);
  await incoming.write(0, Buffer.from(content));
  await incoming.keep({ executable });
}

async function textOf(packages: Packages, path: string): Promise<string> {
  return readFile(join(packages.path, path), 'utf8');
}

describe('a received file', () => {
  it('has a hidden temporary name in the same folder until it is kept', async () => {
    await using packages = await Packages.create();
    await using incoming = await packages.adapter.receive('sub/a.zip');
    await incoming.write(0, Buffer.from('bytes'));
    expect(await readdir(join(packages.path, 'sub'))).toEqual([expect.stringMatching(/^\.restoring-[0-9a-f-]{36}$/)]);
    await incoming.keep({ executable: false });
    expect(await readdir(join(packages.path, 'sub'))).toEqual(['a.zip']);
    expect(await textOf(packages, 'sub/a.zip')).toBe('bytes');
  });

  it('is deleted if it is not kept', async () => {
    await using packages = await Packages.create();
    {
      await using incoming = await packages.adapter.receive('a.zip');
      await incoming.write(0, Buffer.from('bytes'));
    }
    expect(await readdir(packages.path)).toEqual([]);
  });

  it('is assembled from pieces in any order', async () => {
    await using packages = await Packages.create();
    await using incoming = await packages.adapter.receive('a');
    await incoming.write(7, Buffer.from('six'));
    await Promise.all([incoming.write(4, Buffer.from('two')), incoming.write(0, Buffer.from('one,'))]);
    await incoming.keep({ executable: false });
    expect(await textOf(packages, 'a')).toBe('one,twosix');
  });

  it('can be empty', async () => {
    await using packages = await Packages.create();
    await receive(packages, 'a', '');
    expect((await stat(join(packages.path, 'a'))).size).toBe(0);
  });

  it('replaces an existing file as a whole', async () => {
    await using packages = await Packages.create({ a: 'before, and longer' });
    await using incoming = await packages.adapter.receive('a');
    await incoming.write(0, Buffer.from('after'));
    expect(await textOf(packages, 'a')).toBe('before, and longer');
    await incoming.keep({ executable: false });
    expect(await textOf(packages, 'a')).toBe('after');
  });

  it('can be one of many in folders that are created at the same time', async () => {
    await using packages = await Packages.create();
    const paths = Array.from({ length: 32 }, (_, index) => `a/b/${index % 3}/${index}`);
    await Promise.all(paths.map((path) => receive(packages, path, path)));
    for (const path of paths) expect(await textOf(packages, path)).toBe(path);
  });
});

(isPosix ? describe : describe.skip)('the mode of a file that is received', () => {
  it.each([
    [0o022, false, 0o644],
    [0o022, true, 0o755],
    [0o077, false, 0o600],
    [0o077, true, 0o700],
    [0o027, true, 0o750],
    [0o002, true, 0o755],
  ])('is, under the umask %o and executable %s, %o', async (umask, executable, mode) => {
    await using packages = await Packages.create();
    const before = process.umask(umask);
    try {
      await receive(packages, 'tool', '#!/bin/sh', executable);
    } finally {
      process.umask(before);
    }
    expect((await stat(join(packages.path, 'tool'))).mode & 0o7777).toBe(mode);
  });
});

describe('an obstacle', () => {
  async function expectRefusal(packages: Packages, path: string, expected: RegExp): Promise<void> {
    const error = await packages.adapter.receive(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ message: expect.stringMatching(expected) });
  }

  it.each([
    ['a link to a folder outside', '..'],
    ['a link to a folder inside', 'real'],
    ['a link to nothing', 'nowhere'],
  ])('is %s in place of a folder', async (_, target) => {
    await using packages = await Packages.create({ 'real/x': 'x' });
    await symlink(join(packages.path, target), join(packages.path, 'sub'), 'junction');
    await expectRefusal(packages, 'sub/a.zip', /^'sub\/a.zip' can't be restored, since '.*sub' is a link or a file/);
    await expectRefusal(packages, 'sub/deeper/a.zip', /is a link or a file/);
    expect((await readdir(packages.around)).toSorted()).toEqual(['packages']);
    expect(await readdir(join(packages.path, 'real'))).toEqual(['x']);
  });

  it('is a file in place of a folder', async () => {
    await using packages = await Packages.create({ sub: 'a file' });
    await expectRefusal(packages, 'sub/a.zip', /'.*sub' is a link or a file: remove it/);
    await expectRefusal(packages, 'sub/deeper/a.zip', /is a link or a file/);
  });

  it('is a folder in place of the file', async () => {
    await using packages = await Packages.create({ 'a.zip/x': 'x' });
    await expectRefusal(packages, 'a.zip', /^'a.zip' can't be restored, since a folder is in its place: remove it/);
  });

  it('is a folder that appeared in its place in the meantime', async () => {
    await using packages = await Packages.create();
    {
      await using incoming = await packages.adapter.receive('a.zip');
      await packages.write('a.zip/x', 'x');
      await expect(incoming.keep({ executable: false })).rejects.toThrow(/^'a.zip' can't be restored \(E\w+\): check/);
    }
    expect(await readdir(packages.path)).toEqual(['a.zip']);
  });

  it('is a name too long for the disk', async () => {
    await using packages = await Packages.create();
    await expectRefusal(packages, `${'a'.repeat(300)}/b`, /can't be restored \(ENAMETOOLONG|ENOENT|EINVAL/);
  });

  it('is named safely in the message', async () => {
    await using packages = await Packages.create();
    await packages.write('a\u202ezip/x', 'x');
    await expectRefusal(packages, 'a\u202ezip', /^'a\\u\{202e\}zip' can't/);
  });

  it('is not a link in place of the file: it is replaced', async () => {
    await using packages = await Packages.create({ target: 'target' });
    await packages.link('a', 'target');
    await receive(packages, 'a', 'new');
    expect((await lstat(join(packages.path, 'a'))).isFile()).toBe(true);
    expect(await textOf(packages, 'target')).toBe('target');
  });

  it('is a missing package directory', async () => {
    await using packages = await Packages.create();
    await rmdir(packages.path);
    await expectRefusal(packages, 'a', /^'a' can't be restored \(ENOENT\)/);
  });
});

/** Swaps a folder for a link to a folder outside and back, in its own process, until it is killed. */
const SWAPS = `
  const { renameSync, rmSync, symlinkSync, unlinkSync } = require('node:fs');
  process.chdir(process.argv[1]);
  const steps = [
    () => renameSync('sub', 'aside'),
    () => symlinkSync('../outside', 'sub'),
    () => unlinkSync('sub'),
    () => renameSync('aside', 'sub'),
    // If the folder was created again in the meantime.
    () => rmSync('aside', { recursive: true, force: true }),
  ];
  for (;;) for (const step of steps) try { step(); } catch {}`;
const MOST_RACING_MS = 20_000;

(process.platform === 'linux' ? it : it.skip)('no byte is written outside, whenever a link is swapped in', async () => {
  await using packages = await Packages.create({ 'sub/a': 'a', '../outside/kept': '' });
  const outside = join(packages.around, 'outside');
  const swapping = spawn(process.execPath, ['-e', SWAPS, packages.path], { stdio: 'ignore' });
  const ended = once(swapping, 'exit');
  const refusals = new Set<string>();
  const startedMs = performance.now();
  for (
    let round = 0;
    round < 1000 || (refusals.size === 0 && performance.now() - startedMs < MOST_RACING_MS);
    round += 1
  )
    await receive(packages, 'sub/b', 'b').catch((error: unknown) => refusals.add(String(error)));
  swapping.kill('SIGKILL');
  await ended;
  expect(refusals.size).toBeGreaterThan(0);
  expect(await readdir(outside)).toEqual(['kept']);
});

describe('a full disk', () => {
  const DIRECTORY = pathToFileURL(resolve('src/package-directory/package-directory.ts')).href;
  /** The largest file that the process may write, in blocks of 512 bytes: exceeding it fails like a full disk. */
  const MOST_BLOCKS = 600;
  const PROGRAM = `
    const [path, ...pieces] = process.argv.slice(1);
    const { packageDirectory } = await import(${JSON.stringify(DIRECTORY)});
    await using incoming = await packageDirectory(path, {}).receive('sub/a');
    try {
      for (const [index, piece] of pieces.entries()) await incoming.write(index * piece, new Uint8Array(Number(piece)));
      await incoming.keep({ executable: false });
    } catch (error) {
      console.log(error.message);
    }`;

  (isPosix ? it : it.skip).each([
    ['in the middle of a large write', [1_000_000]],
    ['after many small writes', Array.from({ length: 10 }, () => 100_000)],
  ])('%s is reported, and nothing is left of the file', async (_, pieces) => {
    await using packages = await Packages.create({ 'sub/a': 'of before' });
    const script = `trap '' XFSZ; ulimit -f ${MOST_BLOCKS}; exec "$@"`;
    const args = ['--input-type=module', '--eval', PROGRAM, packages.path, ...pieces.map(String)];
    const { stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', process.execPath, ...args], {
      encoding: 'utf8',
    });
    expect({ stdout, stderr }).toEqual({
      stdout: "'sub/a' can't be restored (EFBIG): check the disk's free space and the directory's permissions\n",
      stderr: '',
    });
    expect(await readdir(join(packages.path, 'sub'))).toEqual(['a']);
    expect(await textOf(packages, 'sub/a')).toBe('of before');
  });
});

describe('a read-only directory', () => {
  (isPosix ? it : it.skip).each(['a', 'sub/a'])('is reported for %s', async (path) => {
    await using packages = await Packages.create();
    await chmod(packages.around, 0o755);
    await chmod(packages.path, 0o555);
    await asNobody(() =>
      expect(packages.adapter.receive(path)).rejects.toThrow(
        `'${path}' can't be restored (EACCES): check the disk's free space and the directory's permissions`,
      ),
    );
    await chmod(packages.path, 0o755);
  });

  (isPosix ? it : it.skip)('does not hide an earlier error if it has become read-only', async () => {
    await using packages = await Packages.create();
    await chmod(packages.around, 0o755);
    const incoming = await packages.adapter.receive('a');
    await chmod(packages.path, 0o555);
    await asNobody(async () => {
      await expect(incoming.keep({ executable: false })).rejects.toThrow("'a' can't be restored (EACCES)");
      await incoming[Symbol.asyncDispose]();
    });
    await chmod(packages.path, 0o755);
    expect(await readdir(packages.path)).toEqual([expect.stringContaining('.restoring-')]);
  });
});

describe('a leftover of a killed restore', () => {
  async function age(packages: Packages, path: string, ageMs: number): Promise<void> {
    const time = new Date(Date.now() - ageMs);
    await utimes(join(packages.path, path), time, time);
  }

  it('is removed after a day', async () => {
    await using packages = await Packages.create({ [LEFTOVER]: 'part', [`sub/${LEFTOVER}`]: 'part' });
    await age(packages, LEFTOVER, DAY_MS + 60_000);
    await age(packages, `sub/${LEFTOVER}`, DAY_MS + 60_000);
    await receive(packages, 'a', 'a');
    expect((await readdir(packages.path)).toSorted()).toEqual(['a', 'sub']);
    await receive(packages, 'sub/b', 'b');
    expect(await readdir(join(packages.path, 'sub'))).toEqual(['b']);
  });

  it('is kept if it is younger, since its restore may still be running', async () => {
    await using packages = await Packages.create({ [LEFTOVER]: 'part' });
    await age(packages, LEFTOVER, DAY_MS - 60_000);
    await receive(packages, 'a', 'a');
    expect((await readdir(packages.path)).toSorted()).toEqual([LEFTOVER, 'a']);
  });

  it('is never a file with another name, a folder or a link', async () => {
    const names = ['.restoring-x', `${LEFTOVER}.txt`, `x${LEFTOVER}`];
    await using packages = await Packages.create(Object.fromEntries(names.map((name) => [name, 'x'])));
    const folder = LEFTOVER.replace('0', '1');
    await mkdir(join(packages.path, folder));
    const target = join(packages.around, 'target');
    await writeFile(target, 'target');
    await packages.link(LEFTOVER, target);
    await lutimes(join(packages.path, LEFTOVER), 0, 0);
    for (const name of [...names, folder]) await age(packages, name, 2 * DAY_MS);
    await receive(packages, 'a', 'a');
    expect(await readdir(packages.path)).toHaveLength(names.length + 3);
    expect(await readFile(target, 'utf8')).toBe('target');
    await rm(target);
  });

  it('is never uploaded, unless hidden files are', async () => {
    await using packages = await Packages.create({ [LEFTOVER]: 'part', 'a.zip': 'a' });
    expect(await packages.scan()).toEqual(['a.zip']);
    expect(await packages.scan(['**', `sub/${LEFTOVER}`])).toEqual(['a.zip']);
  });
});
