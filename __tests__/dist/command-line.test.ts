import { execFile, execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CLI_ENTRY, ENTRY } from '../../dev/run-action.ts';
import { INPUTS } from '../../src/inputs/table.ts';
import { OUTPUTS } from '../../src/outputs.ts';
import { VERSION } from '../../src/version.ts';
import { Scenario } from '../support/scenario.ts';

// The built command line program as a script runs it.

const FILTER = ['--code-hash-filter', 'src/**'];

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

describe('a pipeline', () => {
  it('checks, uploads, does not build again, and restores', async () => {
    const miss = await scenario.cli(['check', ...FILTER, '--exit-code']);
    expect(miss).toMatchObject({ exitCode: 3, stdout: '' });
    await scenario.build({ 'app.zip': 'app', 'sub/site.txt': 'site' });
    expect(await scenario.cli(['upload', ...FILTER])).toMatchObject({ exitCode: 0, stdout: '' });
    await scenario.commit();
    await scenario.freshPackages();
    const hit = await scenario.cli(['check', ...FILTER, '--exit-code']);
    expect(hit).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await scenario.marker('.found')).toBe('');
    expect(await scenario.cli(['restore'])).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await scenario.marker('sub/site.txt')).toBe('site');
  });

  it('stores assets under HEAD, and prints no workflow commands', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const { stderr } = await scenario.cli(['upload'], { env: { GITHUB_SHA: 'f'.repeat(40), RUNNER_DEBUG: '1' } });
    expect(await scenario.bucket.keys('artifacts/')).toEqual([`artifacts/${scenario.head}/app.zip`]);
    expect(stderr).not.toMatch(/^::/m);
  });

  it('gets exit code 1 for a failure, and 3 for a miss if that is asked for', async () => {
    expect(await scenario.cli(['check'])).toMatchObject({ exitCode: 0 });
    expect(await scenario.cli(['restore'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error: There are no assets for commit/m),
    });
    expect(await scenario.cli(['restore', '--exit-code'])).toMatchObject({ exitCode: 3 });
    expect(await scenario.cli(['restore', '--no-fail-on-miss'])).toMatchObject({ exitCode: 0 });
    expect(await scenario.cli(['upload'])).toMatchObject({ exitCode: 1 });
  });
});

describe('explain', () => {
  it('reports on stdout how two builds differ', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.cli(['upload', ...FILTER]);
    const before = scenario.head;
    await scenario.commit({ 'src/main.txt': 'changed' });
    await scenario.freshPackages();
    const { stdout } = await scenario.cli(['check', ...FILTER, '--json']);
    const { explanation } = JSON.parse(stdout);
    expect(explanation).toMatchObject({ kind: 'sources-changed', baseline: { commit: before } });
    await scenario.build({ 'app.zip': 'app' });
    await scenario.cli(['upload', ...FILTER]);
    expect(await scenario.cli(['explain', 'HEAD'])).toMatchObject({
      exitCode: 0,
      stdout: `${explanation.sentence}.\n`,
    });
    const result = await scenario.cli(['explain', scenario.head, before, '--json']);
    expect(JSON.parse(result.stdout)).toEqual(explanation);
  });

  it('needs a commit that was built', async () => {
    for (const flags of [['--env-file', 'assets.env'], ['--exit-code']])
      expect(await scenario.cli(['explain', 'HEAD', ...flags])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('leave out --env-file and --exit-code'),
      });
    expect(await scenario.cli(['explain'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/one commit or two/),
    });
    expect(await scenario.cli(['explain', 'HEAD'])).toMatchObject({ exitCode: 1, stdout: '' });
    const { stdout } = await scenario.cli(['explain', '--help']);
    expect(stdout).toMatch(/^Usage: .* explain <commit> \[<commit>\]/);
    expect(stdout).not.toMatch(/--(env-file|exit-code|restore)( |$)/m);
  });
});

describe('--json', () => {
  it('prints all outputs as one object on a line of its own', async () => {
    await scenario.build({ 'a"$(id)\u{e0041}.zip': 'app' });
    const { stdout } = await scenario.cli(['upload', ...FILTER, '--json']);
    expect(stdout).toMatch(/^[ -~]*\n$/);
    const outputs = JSON.parse(stdout);
    expect(Object.keys(outputs)).toEqual(Object.keys(OUTPUTS));
    expect(outputs).toMatchObject({
      found: true,
      uploaded: true,
      cached: true,
      reason: 'uploaded',
      'file-count': 1,
      'total-bytes': 3,
      files: [{ path: 'a"$(id)\u{e0041}.zip', size: 3 }],
    });
  });

  it('prints a miss even if that fails, but no other failure', async () => {
    const miss = await scenario.cli(['restore', '--json']);
    expect(miss.exitCode).toBe(1);
    expect(JSON.parse(miss.stdout)).toMatchObject({ found: false, reason: 'absent', files: [] });
    expect(await scenario.cli(['upload', '--json'])).toMatchObject({ exitCode: 1, stdout: '' });
  });
});

describe('--env-file', () => {
  const PREFIX = `it's "quoted" \`id\` $HOME %41 ~ ä`;

  function valuesBySh(path: string): Record<string, string> {
    const print = 'set -a; . "$1"; exec env -0';
    const environment = execFileSync('sh', ['-c', print, 'sh', path], { env: { PATH: process.env.PATH } }).toString();
    return Object.fromEntries(
      environment.split('\0').map((line) => /^(ASSETS_[A-Z_]+)=(.*)$/s.exec(line)?.slice(1) ?? []),
    );
  }

  /** As GitLab reads a dotenv report: https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/ci/parse_dotenv_artifact_service.rb */
  async function valuesByGitLab(path: string): Promise<Record<string, string>> {
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
    return Object.fromEntries(
      lines.map((line) => (/^(.*?)=(.*)$/.exec(line)?.slice(1) ?? []).map((text) => text.trim())),
    );
  }

  /** As a Buildkite hook reads it: one word for each variable. */
  function valuesByWords(path: string): Record<string, string> {
    const print = 'export $(cat "$1"); exec env -0';
    const environment = execFileSync('sh', ['-c', print, 'sh', path], { env: { PATH: process.env.PATH } }).toString();
    return Object.fromEntries(
      environment.split('\0').map((line) => /^(ASSETS_[A-Z_]+)=(.*)$/s.exec(line)?.slice(1) ?? []),
    );
  }

  it('is read the same by sh, GitLab and Buildkite, whatever the names are', async () => {
    const file = join(scenario.root, 'assets.env');
    await scenario.build({ [`${PREFIX}\u3000.zip`]: 'app' });
    await scenario.cli(['upload', '--prefix', PREFIX, '--env-file', file]);
    const values = await valuesByGitLab(file);
    expect(Object.keys(values)).toEqual(
      Object.keys(OUTPUTS).map((name) => `ASSETS_${name.toUpperCase().replaceAll('-', '_')}`),
    );
    expect(valuesBySh(file)).toEqual(values);
    expect(valuesByWords(file)).toEqual(values);
    expect(values).toMatchObject({ ASSETS_FOUND: 'true', ASSETS_SOURCE: 'artifact', ASSETS_FILE_COUNT: '1' });
    expect(values.ASSETS_COMMIT_SHA).toBe(scenario.head);
    expect(decodeURIComponent(values.ASSETS_ARTIFACT_PREFIX ?? '')).toBe(`${PREFIX}/artifacts/${scenario.head}/`);
    expect(JSON.parse(decodeURIComponent(values.ASSETS_FILES ?? ''))).toMatchObject([{ path: `${PREFIX}\u3000.zip` }]);
  });

  it('keeps existing lines of the file, and leaves out a list that is too long, with a warning', async () => {
    const file = join(scenario.root, 'assets.env');
    await writeFile(file, 'OTHER=1');
    await scenario.build(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`file-${index}.zip`, 'app'])));
    const { stderr } = await scenario.cli(['upload', '--env-file', file]);
    const lines = (await readFile(file, 'utf8')).split('\n');
    expect(lines[0]).toBe('OTHER=1');
    expect(lines).toContain('ASSETS_FILES=');
    expect((await readFile(file)).length).toBeLessThan(5 * 1024);
    expect(stderr).toContain("warning: The output 'files' is empty, since the set is too large for it");
  });

  it('is not larger than GitLab takes: the longest lists are left empty, with a warning', async () => {
    const names = Array.from({ length: 7 }, (_, index) => `service-${index}`);
    await scenario.commit(Object.fromEntries(names.map((name) => [`${name}/main.ts`, name])));
    const check = async (count: number, file: string) => {
      const packages = names.slice(0, count).map((name) => `  ${name}: { sources: [${name}/**] }`);
      const flags = ['--packages', ['packages:', ...packages].join('\n'), '--env-file', file];
      const { stderr } = await scenario.cli(['check', ...flags]);
      expect((await readFile(file)).length).toBeLessThan(5 * 1024);
      const { ASSETS_PACKAGES, ASSETS_BUILD = '', ASSETS_MATRIX = '' } = await valuesByGitLab(file);
      const [build, matrix] = [ASSETS_BUILD, ASSETS_MATRIX].map((text) => JSON.parse(decodeURIComponent(text)));
      return { packages: ASSETS_PACKAGES, build, matrix, warnings: stderr.match(/^warning: .*$/gm) };
    };
    const warnings = ['explanation', 'packages'].map(
      (name) => `warning: The output '${name}' is empty, since it would be too large: read what --json prints`,
    );
    expect(await check(7, join(scenario.root, 'seven.env'))).toMatchObject({
      packages: '',
      build: names,
      matrix: { include: names.map((name) => ({ package: name })) },
      warnings: warnings.slice(1),
    });
    const file = join(scenario.root, 'three.env');
    expect(await check(3, file)).toMatchObject({ packages: expect.stringMatching(/^%5B%7B/), warnings: null });
    expect(await check(3, file)).toMatchObject({ packages: '', build: names.slice(0, 3), warnings });
  });

  it('has no more lines than GitLab takes by default', async () => {
    const file = join(scenario.root, 'assets.env');
    for (const mode of ['check', 'upload']) await scenario.cli([mode, '--env-file', file]);
    // https://docs.gitlab.com/administration/instance_limits/#limit-dotenv-variables
    expect(Object.keys(await valuesByGitLab(file)).length).toBeLessThanOrEqual(20);
  });

  describe('of one package', () => {
    const API = ['--prefix', 'api', '--code-hash-filter', 'api/**'];
    const SITE = ['--prefix', 'site', '--code-hash-filter', 'site/**'];
    const LINE =
      'Outputs of an earlier step are not taken for inputs: ASSETS_CODE_HASH, ASSETS_PACKAGES, ASSETS_FILES. Give code-hash, packages, files directly to set them.\n';
    let file: string;
    let checkedHash: string;
    beforeEach(async () => {
      file = join(scenario.root, '..', `${scenario.head}.env`);
      await scenario.commit({ 'api/a.ts': 'a', 'site/s.ts': 's' });
      await scenario.cli(['check', ...API, '--env-file', file]);
      checkedHash = (await valuesByGitLab(file)).ASSETS_CODE_HASH ?? '';
      expect(checkedHash).toMatch(/^[0-9a-f]{64}$/);
      await scenario.freshPackages();
      await scenario.build({ 'site.zip': 'site', 'more.txt': 'more' });
    });
    afterEach(() => rm(file));

    async function expectSite(): Promise<void> {
      const keys = await scenario.bucket.keys('');
      expect(keys.filter((key) => key.includes(checkedHash))).toEqual([]);
      expect(keys).toContain(`site/artifacts/${scenario.head}/more.txt`);
      const hash = JSON.parse((await scenario.cli(['check', ...SITE, '--json'])).stdout)['code-hash'];
      expect(keys).toContain(`site/cache/${hash}/site.zip`);
    }

    it.each([
      ['GitLab', () => valuesByGitLab(file)],
      ['sh', async () => valuesBySh(file)],
      ['Buildkite', async () => valuesByWords(file)],
    ])('does not file the build of another under its hash, as %s hands it on', async (_, read) => {
      const { exitCode, stderr } = await scenario.cli(['upload', ...SITE], { env: await read() });
      expect([exitCode, stderr.split(LINE)]).toEqual([0, ['', expect.not.stringContaining('not taken')]]);
      await expectSite();
    });

    it('does not do so in the action either, which says it too', async () => {
      const inputs = { prefix: 'site', 'code-hash-filter': 'site/**' };
      const { exitCode, lines } = await scenario.action('upload', inputs, { env: await valuesByGitLab(file) });
      expect([exitCode, lines.filter((line) => line === LINE.trimEnd())]).toEqual([0, [LINE.trimEnd()]]);
      await expectSite();
    });

    it('does not do so either if the lines of several steps come together', async () => {
      await scenario.commit({ 'api/a.ts': 'changed' });
      const other = `${file}.other`;
      await scenario.cli(['check', ...API, '--env-file', file]);
      await scenario.cli(['check', ...API, '--env-file', other]);
      await scenario.freshPackages();
      await scenario.build({ 'site.zip': 'site', 'more.txt': 'more' });
      const env = { ...(await valuesByGitLab(other)), ...(await valuesByGitLab(file)) };
      await rm(other);
      checkedHash = env.ASSETS_CODE_HASH ?? '';
      expect((await scenario.cli(['upload', ...SITE], { env })).stderr).toContain(LINE);
      await expectSite();
    });

    it('can still be given as an input', async () => {
      const given = ['--code-hash', checkedHash, '--files', 'site.zip', '--prefix', 'site'];
      const { stderr } = await scenario.cli(['upload', ...given], { env: await valuesByGitLab(file) });
      expect(stderr).toContain('ASSETS_PACKAGES. Give packages directly');
      expect(await scenario.bucket.keys('site/cache/')).toEqual([`site/cache/${checkedHash}/site.zip`]);
    });

    it('hands on the commit, for which only its own build is stored', async () => {
      const env = await valuesByGitLab(file);
      const after = await scenario.commit();
      const { exitCode, stderr } = await scenario.cli(['upload', ...SITE], { env });
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(after)]);
      expect(stderr).toContain(env.ASSETS_COMMIT_SHA ?? 'no commit');
      expect(await scenario.bucket.keys('')).toEqual([]);
    });
  });

  it('warns if it overwrites variables that are inputs of this step', async () => {
    await scenario.build({ 'app.zip': 'app', 'more.txt': 'more' });
    const env = { ASSETS_FILES: '*.zip' };
    const { stderr } = await scenario.cli(['upload', '--env-file', join(scenario.root, 'assets.env')], { env });
    expect(stderr).toContain(
      "warning: The env file sets ASSETS_FILES to outputs of this step: give files by flags wherever the file is read, since the variables don't set these inputs there.\n",
    );
    expect(await scenario.bucket.keys('artifacts/')).toEqual([`artifacts/${scenario.head}/app.zip`]);
  });

  it('may be a pipe', async () => {
    const { stdout } = await promisify(execFile)('sh', ['-c', '"$0" check --env-file /dev/stdout | cat', CLI_ENTRY], {
      ...{ cwd: scenario.root, timeout: 10_000 },
      env: { PATH: process.env.PATH, ...scenario.variables },
    });
    expect(stdout).toMatch(/^ASSETS_FOUND=false\nASSETS_SOURCE=none\n/);
  });

  it('is refused before anything is done if it cannot be written', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const { exitCode, stderr } = await scenario.cli(['upload', '--env-file', '/no/where']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^error: --env-file is '\/no\/where', which can't be written \(ENOENT\): give another path.*\n$/,
    );
    expect(await scenario.bucket.keys('')).toEqual([]);
  });
});

/** `/dev/full` is a disk without free space. */
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('output that nobody takes', () => {
  /** Runs the program in a shell, as `"$0"`. */
  const shell = (script: string) =>
    promisify(execFile)('sh', ['-c', script, CLI_ENTRY], {
      ...{ cwd: scenario.root, timeout: 60_000 },
      env: { PATH: process.env.PATH, ...scenario.variables },
    });

  it.each(['2>/dev/full', '--verbose 2>&1 | head -n 1'])(
    'does not stop an upload if it is the log: %s',
    async (redirection) => {
      await scenario.build(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}.txt`, 'x'])));
      await shell(`"$0" upload ${redirection}`);
      expect(await scenario.record()).toMatchObject({ state: 'complete', files: { length: 100 } });
    },
  );

  it.each(['check --json', 'explain HEAD HEAD', '--help', '--version'])(
    'is one line and exit code 1 if it is a result: %s',
    async (command) => {
      await scenario.build({ 'app.zip': 'app' });
      await scenario.cli(['upload', ...FILTER]);
      await expect(shell(`"$0" ${command} >/dev/full`)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^error: stdout can't be written \(ENOSPC\): .*\n$/m),
      });
    },
  );
});

it('a flag with an empty value counts as not given', async () => {
  const { exitCode, stdout } = await scenario.cli(['check', '--prefix', '', '--commit-sha=', '--json']);
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { found: false, 'commit-sha': scenario.head }]);
});

describe('a command line that cannot be used', () => {
  it.each<[readonly string[], string]>([
    [[], 'There is no command: give check, upload, restore or explain, or see --help'],
    [['chekc'], "There is no command 'chekc': did you mean check?"],
    [['deploy'], "There is no command 'deploy': see --help"],
    [['check', '--code-hash-filtre=src/**'], "There is no flag '--code-hash-filtre': did you mean --code-hash-filter?"],
    [['check', '--frobnicate'], "There is no flag '--frobnicate': see --help"],
    [['check', '-x'], "There is no flag '-x': see --help"],
    [['check', '--bucket', 'a', '--bucket', 'b'], '--bucket is given twice: give it once'],
    [['check', '--bucket'], "--bucket has no value: give one, as --bucket=<value> where it begins with '-'"],
    [
      ['check', 'src/**'],
      "'src/**' belongs to no flag: put a value after its flag, and each item of a list after a flag of its own",
    ],
    [['check', '--dry-run=yes'], "--dry-run is 'yes': give 'true' or 'false'"],
    [['check', '--bucket', 's3://b'], "bucket is 's3://b': give the name alone"],
    [['check', '--mode', 'upload'], "There is no flag '--mode'"],
    [
      ['check', '--aws-secret-access-key', 'hunter2'],
      '--aws-secret-access-key would be visible in process lists: set the variable ASSETS_AWS_SECRET_ACCESS_KEY instead',
    ],
    [['check', '--signing-key=hunter2'], '--signing-key would be visible in process lists'],
  ])('says why in one line, and exits with 2: %j', async (args, line) => {
    const { exitCode, stdout, stderr } = await scenario.cli(args);
    expect(stderr).toContain(`error: ${line}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('hunter2');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('flags', () => {
  it('take precedence over variables, are repeated for lists, and mean true without a value', async () => {
    await scenario.build({ 'a.zip': 'a', 'b.zip': 'b', 'c.zip': 'c' });
    const env = { ASSETS_PREFIX: 'team', ASSETS_FILES: 'c.zip', ASSETS_CODE_HASH_FILTER: 'src/**' };
    const files = ['--files', 'a.zip', '--files=b.zip'];
    const dry = await scenario.cli(['upload', '--prefix=other', ...files, '--dry-run'], { env });
    expect(dry).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await scenario.bucket.keys('')).toEqual([]);
    const real = await scenario.cli(['upload', '--prefix=other', ...files, '--dry-run=false', '--json'], { env });
    expect(real.stderr).not.toMatch(/^::/m);
    expect(JSON.parse(real.stdout)).toMatchObject({ 'file-count': 2 });
    expect(await scenario.bucket.keys('other/artifacts/')).toEqual([
      `other/artifacts/${scenario.head}/a.zip`,
      `other/artifacts/${scenario.head}/b.zip`,
    ]);
    expect(await scenario.bucket.keys('other/cache/')).toHaveLength(2);
  });

  it('--verbose logs more', async () => {
    const [quiet, verbose] = await Promise.all([scenario.cli(['upload']), scenario.cli(['upload', '--verbose'])]);
    expect(quiet.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(verbose.stderr).toMatch(/^ +at /m);
    expect(verbose.stderr).toContain(quiet.stderr);
  });
});

describe('help', () => {
  it('names every input and its variables, the twelve common ones first', async () => {
    const { stdout, exitCode } = await scenario.cli(['--help']);
    expect(exitCode).toBe(0);
    const [, common = '', , more = '', secret = ''] = stdout.split(/^\S.*:\n(?= {2}(?:--|ASSETS_))/m);
    const names = (text: string): string[] => [...text.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name ?? '');
    const rows = Object.entries(INPUTS).filter(([name]) => name !== 'mode');
    const namesOf = (chosen: typeof rows): string[] => chosen.map(([name]) => name);
    expect(names(common)).toHaveLength(12);
    expect(names(common)).toEqual(namesOf(rows.filter(([, { common: isCommon }]) => isCommon)));
    expect(names(more)).toEqual(namesOf(rows.filter(([, row]) => !row.common && !row.secret)));
    expect([...secret.matchAll(/^ {2}ASSETS_/gm)]).toHaveLength(rows.filter(([, row]) => row.secret).length);
    for (const [name, { variables = [] }] of rows)
      for (const variable of [`ASSETS_${name.toUpperCase().replaceAll('-', '_')}`, ...variables])
        expect(stdout).toMatch(new RegExp(`\\b${variable}\\b`));
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it.each([
    ['check', '--restore', '--overwrite'],
    ['upload', '--overwrite', '--restore'],
    ['restore', '--fail-on-miss', '--if-no-files-found'],
  ])('of %s has %s, and not %s', async (command, own, other) => {
    const { stdout } = await scenario.cli([command, '-h']);
    expect(stdout).toMatch(new RegExp(`^Usage: s3-asset-manager ${command} `));
    expect(stdout).toMatch(new RegExp(`^ {2}${own}\\b`, 'm'));
    expect(stdout).not.toMatch(new RegExp(`^ {2}${other}\\b`, 'm'));
  });

  it('takes precedence over other mistakes, and --version prints the version', async () => {
    expect(await scenario.cli(['--version'])).toMatchObject({ exitCode: 0, stdout: `${VERSION}\n`, stderr: '' });
  });
});

it.each([CLI_ENTRY, ENTRY])('an old Node is reported in one sentence: %s', async (entry) => {
  const old = join(scenario.root, 'old.cjs');
  const oldVersion = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } });";
  await writeFile(old, oldVersion);
  const run = () => execFileSync(process.execPath, ['--require', old, entry, 'check'], { stdio: 'pipe' });
  expect(run).toThrow('This is Node 22.11.0, and s3-asset-manager needs 22.12 or newer: install a newer Node');
});
