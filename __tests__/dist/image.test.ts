import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CommandResult, inputVariables } from '../../dev/run-action.ts';
import { VERSION } from '../../src/version.ts';
import { PythonTool } from '../support/python-tool.ts';
import { Scenario } from '../support/scenario.ts';

// The image, as `dev/image/stand-in.sh` builds it into the directory that IMAGE_DIRECTORY names.

const DIRECTORY = process.env.IMAGE_DIRECTORY ?? '';
const CONTAINER = 's3-asset-manager-stand-in';
const OWN_USER = String(process.getuid?.());
const USER_IS_ROOT = OWN_USER === '0';
const IN_STORAGE = ['--root', join(DIRECTORY, 'storage'), '--runroot', join(DIRECTORY, 'state')];
const BUILDAH = [...(USER_IS_ROOT ? [] : ['sudo']), 'buildah', '--storage-driver', 'vfs', ...IN_STORAGE];

const withImage = DIRECTORY === '' ? describe.skip : describe;

async function output(command: readonly string[]): Promise<CommandResult> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done));
  const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { exitCode, stdout, stderr };
}

let scenario: Scenario;
beforeEach(async () => {
  if (DIRECTORY === '') return;
  scenario = await Scenario.create();
  await chmod(scenario.root, 0o755);
  await freshPackages();
});
afterEach(() => scenario?.close());

/** A directory that everyone may write to. */
async function freshPackages(): Promise<void> {
  await scenario.freshPackages();
  await mkdir(scenario.packages);
  await chmod(scenario.packages, 0o777);
}

/** The variables that a job of the Python tool sets. */
function variables(): Record<string, string> {
  const { name, endpoint, credentials } = scenario.bucket;
  return {
    PACKAGE_ASSETS_BUCKET: name,
    CODE_HASH_FIND_FILTER: 'src/*',
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

interface DockerRun {
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `docker run --user … --env … --volume … <image> <command>`, done by buildah. */
function dockerRun(command: readonly string[], { user = OWN_USER, env = {} }: DockerRun = {}): Promise<CommandResult> {
  const settings = Object.entries({ ...variables(), ...env }).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const volumes = [`${scenario.root}:/repo`, `${scenario.packages}:/packages`].flatMap((volume) => [
    '--volume',
    volume,
  ]);
  const options = ['--isolation', 'chroot', '--user', user, ...settings, ...volumes];
  return output([...BUILDAH, 'run', ...options, CONTAINER, '--', ...command]);
}

withImage('the image', () => {
  it('starts a shell without an entry point, and has the default paths of the Python tool', async () => {
    const { stdout } = await output([...BUILDAH, 'inspect', CONTAINER]);
    const { config } = JSON.parse(stdout).OCIv1;
    expect({ command: config.Cmd, entryPoint: config.Entrypoint }).toEqual({ command: ['sh'] });
    expect(config.Env).toEqual(expect.arrayContaining(['GIT_REPO_PATH=./repo', 'PACKAGE_DIRECTORY=./packages']));
  });

  it('contains the bundle, and nothing else of this repository', async () => {
    const { stdout } = await dockerRun(['sh', '-c', 'ls -A /opt /opt/s3-asset-manager']);
    const dist = await readdir(join(import.meta.dirname, '..', '..', 'dist'));
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual([
      '/opt:',
      's3-asset-manager',
      '/opt/s3-asset-manager:',
      ...dist.toSorted(),
    ]);
  });

  it.each([
    ['root', '0'],
    ['a user without permissions', '65534'],
    ['a user that the image does not know', '4242:4242'],
  ])('checks, uploads and restores as %s, in a checkout that another user owns', async (_, user) => {
    const owned = USER_IS_ROOT ? [scenario.root, join(scenario.root, '.git')] : [];
    for (const path of owned) await chown(path, 1001, 1001);
    const miss = await dockerRun(['check', '--exit-code', '--env-file', '/packages/assets.env'], { user });
    expect(miss).toMatchObject({ exitCode: 3, stdout: '' });
    await scenario.build({ 'app.zip': 'app' });
    expect(await dockerRun(['upload', '--files', '*.zip'], { user })).toMatchObject({ exitCode: 0 });
    await freshPackages();
    expect(await dockerRun(['check', '--exit-code'], { user })).toMatchObject({ exitCode: 0 });
    expect(await dockerRun(['restore'], { user })).toMatchObject({ exitCode: 0 });
    expect(await scenario.marker('app.zip')).toBe('app');
  });

  it('runs scripts, even without HOME', async () => {
    const script = 'unset HOME; check && s3-asset-manager check --json && s3-asset-manager --version';
    const { exitCode, stdout } = await dockerRun(['sh', '-ec', script], { user: '65534' });
    expect(exitCode).toBe(0);
    const [json = '', version] = stdout.split('\n');
    expect(JSON.parse(json)).toMatchObject({ found: false, 'commit-sha': scenario.head });
    expect(version).toBe(VERSION);
  });

  it('uses other paths if a job sets them', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const env = { GIT_REPO_PATH: '.', ASSETS_PACKAGE_DIRECTORY: 'packages' };
    expect(await dockerRun(['sh', '-c', 'cd /repo && upload'], { env })).toMatchObject({ exitCode: 0 });
    expect(await scenario.bucket.keys('artifacts/')).toEqual([`artifacts/${scenario.head}/app.zip`]);
  });

  it('needs no checkout if a job names the commit', async () => {
    const files = await scenario.storeSet({ 'app.zip': 'app' });
    expect(files).toHaveLength(1);
    const script = 'rm -rf /tmp/job && mkdir /tmp/job && cd /tmp/job && restore --commit-sha "$COMMIT" && ls packages';
    const { exitCode, stdout } = await dockerRun(['sh', '-c', script], { env: { COMMIT: scenario.head } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'app.zip\n' });
  });

  it('can be the container of a job with the action, as another user than the one that checked out', async () => {
    const { name, endpoint } = scenario.bucket;
    const inputs = inputVariables({ mode: 'check', bucket: name, 'endpoint-url': endpoint });
    const env = { ...inputs, GITHUB_SHA: scenario.head, ASSETS_CODE_HASH_FILTER: 'src/*' };
    const command = ['sh', '-c', 'cd /repo && exec env -u GIT_REPO_PATH node /opt/s3-asset-manager/index.js'];
    const { exitCode, stdout } = await dockerRun(command, { user: '65534', env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('The code hash is ') });
  });
});

withImage('the command lines of the Python tool', () => {
  const SHARED = { env: { ASSETS_CODE_HASH_ALGORITHM: 'md5' } };
  let python: PythonTool;
  beforeEach(() => {
    python = new PythonTool(scenario, 'src/*');
  });

  async function nextJob(): Promise<void> {
    await freshPackages();
    await scenario.commit();
  }

  it('work after only the name of the image is changed', async () => {
    expect(await dockerRun(['check'])).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await scenario.marker('.found')).toBeUndefined();
    await scenario.build({ 'app.zip': 'app' });
    expect(await dockerRun(['upload'])).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await python.check()).toBe(true);
    await nextJob();
    await dockerRun(['check']);
    expect(await scenario.marker('.found')).toBe('');
    expect(await python.upload()).toEqual([]);
  });

  it('pass markers from its check to an upload here', async () => {
    expect(await python.check()).toBe(false);
    const codeHash = await scenario.marker('.code-hash');
    await scenario.build({ 'app.zip': 'app' });
    expect(await dockerRun(['upload'], SHARED)).toMatchObject({ exitCode: 0 });
    expect(await scenario.bucket.keys('cache/')).toEqual([`cache/${codeHash}/app.zip`]);
    await nextJob();
    expect(await python.check()).toBe(true);
    expect(await dockerRun(['upload'], SHARED)).toMatchObject({ exitCode: 0 });
    expect(await scenario.bucket.keys('artifacts/')).toHaveLength(2);
  });

  it('pass markers from a check here to its upload', async () => {
    await dockerRun(['check'], SHARED);
    const codeHash = await scenario.marker('.code-hash');
    await scenario.build({ 'app.zip': 'app' });
    const keys = [`artifacts/${scenario.head}/app.zip`, `cache/${codeHash}/app.zip`];
    expect(await python.upload()).toEqual(keys);
    await nextJob();
    const hit = await dockerRun(['check', '--json'], SHARED);
    expect(JSON.parse(hit.stdout)).toMatchObject({ found: true, source: 'cache', reason: 'legacy' });
    expect(await python.upload()).toEqual([]);
  });
});
