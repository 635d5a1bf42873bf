import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { machineEnvironment } from '../../dev/run-action.ts';

// The package that npm packs, installed as a user installs it, without a network.

const ROOT = resolve(import.meta.dirname, '..', '..');
const MOST_PACKED_BYTES = 400 * 1024;
/** The npm that runs the tests, or else that of the machine. */
const NPM = process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath];

let directory: string;
let tarball: string;
let project: string;

function npm(cwd: string, ...args: readonly string[]): string {
  const [program = '', ...before] = NPM;
  const env = { ...machineEnvironment(), npm_config_cache: join(directory, 'cache'), npm_config_offline: 'true' };
  return execFileSync(program, [...before, ...args], { cwd, env, encoding: 'utf8' });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-npm-'));
  project = join(directory, 'project');
  await mkdir(project);
  npm(ROOT, 'pack', '--silent', '--pack-destination', directory);
  const [name = ''] = (await readdir(directory)).filter((file) => file.endsWith('.tgz'));
  tarball = join(directory, name);
  npm(project, 'install', '--no-audit', '--no-fund', tarball);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the npm package', () => {
  it('contains the bundle, but neither sources nor types', async () => {
    const installed = join(project, 'node_modules', 's3-asset-manager');
    const files = await readdir(installed);
    expect(files.toSorted()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
    expect((await readdir(join(installed, 'dist'))).toSorted()).toEqual((await readdir(join(ROOT, 'dist'))).toSorted());
    const { private: isPrivate } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    expect(isPrivate).toBeUndefined();
  });

  it('is a small download without dependencies', async () => {
    expect((await stat(tarball)).size).toBeLessThanOrEqual(MOST_PACKED_BYTES);
    const installed = await readdir(join(project, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['s3-asset-manager']);
  });

  it('runs through npx', () => {
    const help = npm(project, 'exec', '--', 's3-asset-manager', 'check', '--help');
    expect(help).toMatch(/^Usage: s3-asset-manager check /m);
    expect(
      npm(directory, 'exec', '--yes', `--package=./${basename(tarball)}`, '--', 's3-asset-manager', '--version'),
    ).toMatch(/^\d/);
  });
});
