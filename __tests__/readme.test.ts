import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { LocalS3 } from '../dev/local-s3/local-s3.ts';
import { CLI_ENTRY, machineEnvironment } from '../dev/run-action.ts';
import { parseRecord, recordText } from '../src/asset-set/record.ts';
import { gitSha256, gitSourceTree } from '../src/code-hash/code-hash.ts';
import { parseInputs } from '../src/inputs/inputs.ts';
import { readPackages } from '../src/inputs/packages-document.ts';
import { INPUTS } from '../src/inputs/table.ts';
import { OUTPUTS, outputsOf } from '../src/outputs.ts';
import { Repositories } from './support/git-repository.ts';
import { Scenario } from './support/scenario.ts';

// Keeps the documentation true: its examples are parsed, run and enforced.

const ROOT = resolve(import.meta.dirname, '..');
const ACTION = 'OWNER/s3-asset-manager@v1';
const IAM = 'docs/guide/iam.md';
const INPUT_NAMES: readonly string[] = Object.keys(INPUTS);
const OUTPUT_NAMES: readonly string[] = Object.keys(OUTPUTS);

interface Block {
  readonly document: string;
  readonly language: string;
  readonly text: string;
}

const documents = new Map<string, string>();
const pages = (await readdir(join(ROOT, 'docs'), { recursive: true })).map(
  (name) => `docs/${name.replaceAll('\\', '/')}`,
);
for (const path of [...(await readdir(ROOT)), ...pages].filter((name) => name.endsWith('.md')))
  documents.set(path, await readFile(join(ROOT, path), 'utf8'));
const blocks = [...documents].flatMap(([document, text]) => blocksOf(document, text));

function blocksOf(document: string, markdown: string): Block[] {
  return [...markdown.matchAll(/^( *)```(\w+)\n(.*?)^\1```$/gms)].map(([, indent = '', language = '', text = '']) => ({
    document,
    language,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

function blocksIn(language: string, document?: string): Block[] {
  return blocks.filter((block) => block.language === language && (document ?? block.document) === block.document);
}

function onlyBlock(language: string, document: string, part = ''): string {
  const found = blocksIn(language, document).filter(({ text }) => text.includes(part));
  expect(found).toHaveLength(1);
  return found[0]?.text ?? '';
}

describe('workflow examples', () => {
  const examples = blocksIn('yaml')
    .filter(({ text }) => !isPackages(text))
    .map((block) => ({ ...block, steps: stepsOf(block.text) }));

  it('exist, and all of them use the action', () => {
    expect(examples.length).toBeGreaterThan(5);
    for (const { text, steps } of examples) expect([text, steps.some(isOurs)]).toEqual([text, true]);
  });

  it('set only inputs that the action has, to valid values', () => {
    for (const step of examples.flatMap(({ steps }) => steps.filter(isOurs))) {
      const inputs = new Map(Object.entries(step.with ?? {}));
      expect(INPUT_NAMES).toEqual(expect.arrayContaining([...inputs.keys()]));
      const value = (expression: string) => /&& '(.*?)'/.exec(expression)?.[1] ?? 'x';
      const input = (name: string) => String(inputs.get(name) ?? '').replaceAll(/\$\{\{.*?\}\}/g, value);
      parseInputs({ input, variable: () => undefined });
    }
  });

  it('read only outputs that the action has, of its own steps', () => {
    for (const { text, steps } of examples)
      for (const [, id, output] of text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)) {
        expect(steps.filter(isOurs).map((step) => step.id)).toContain(id);
        expect(OUTPUT_NAMES).toContain(output);
      }
  });

  it('include the workflow file in the filter, since the build depends on it', () => {
    for (const step of examples.flatMap(({ steps }) => steps.filter(isOurs))) {
      const filter = step.with?.['code-hash-filter'];
      if (filter !== undefined) expect(filter).toMatch(/(^|\s)(\*\*|\.github\/workflows\/build\.yml)(\s|$)/);
    }
  });

  it('are on pages that explain OWNER', () => {
    for (const document of new Set(examples.map((example) => example.document)))
      expect([document, documents.get(document)]).toEqual([
        document,
        expect.stringMatching(/`OWNER`.* is the account/),
      ]);
  });

  it('let Terraform read the output files', async () => {
    const [, type = ''] =
      /object\(\{(.*)\}\)/.exec(onlyBlock('hcl', 'docs/guide/recipes.md', 'variable "assets"')) ?? [];
    const scenario = await Scenario.create();
    await scenario.build({ 'api.zip': 'api' });
    const files = outputsOf(await scenario.upload(), 'my-assets').get('files');
    await scenario.close();
    const [file = {}] = Array.isArray(files) ? files : [];
    expect(type.split(',').map((field) => field.split('=')[0]?.trim())).toEqual(Object.keys(file));
  });
});

describe('the page of the command line', () => {
  const PAGE = 'docs/guide/command-line.md';
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await Scenario.create();
    const programs = {
      's3-asset-manager': `exec ${JSON.stringify(CLI_ENTRY)} "$@"`,
      npx: 'exec "$@"',
      make: 'mkdir -p packages && echo built >> built.log && echo app > packages/app.zip',
    };
    await scenario.commit({ 'package-lock.json': '{}' });
    for (const [name, script] of Object.entries(programs)) {
      await mkdir(join(scenario.root, 'bin'), { recursive: true });
      await writeFile(join(scenario.root, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
  });
  afterEach(() => scenario.close());

  /** The output of a block, run with the test's bucket. */
  async function sh(script: string): Promise<string> {
    const env = {
      ...machineEnvironment(),
      PATH: `${scenario.root}/bin:${process.env.PATH}`,
      ...scenario.variables,
    };
    // The server answers in this process.
    const { stdout, stderr } = await promisify(execFile)('sh', ['-euc', script], { cwd: scenario.root, env });
    expect(stderr).not.toMatch(/^(error|warning):/m);
    return stdout + stderr;
  }

  it('has a job that builds once', async () => {
    for (const _ of ['first', 'second']) {
      await sh(onlyBlock('sh', PAGE, 's3-asset-manager upload'));
      await scenario.freshPackages();
      await scenario.commit();
    }
    expect(await readFile(join(scenario.root, 'built.log'), 'utf8')).toBe('built\n');
  });

  it('shows how to check, and how to read the result', async () => {
    const asked = await sh(onlyBlock('sh', PAGE, 'npx').replace('my-assets', scenario.bucket.name));
    expect(asked).toContain('Build needed');
    const answer = await sh(`${onlyBlock('sh', PAGE, 'uri=$(')}\necho "uri=$uri"`);
    expect(answer).toContain(`uri=s3://${scenario.bucket.name}/`);
    await sh(onlyBlock('sh', PAGE, '--env-file'));
    expect(existsSync(join(scenario.root, 'built.log'))).toBe(true);
  });
});

describe('the files for a deployment', () => {
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await Scenario.create();
    await scenario.build({ 'api.zip': 'api', 'sub/a b.txt': 'b' });
    await scenario.upload();
  });
  afterEach(() => scenario.close());

  it('include a record that Terraform takes for text, with the fields that the recipe reads', async () => {
    const recipe = onlyBlock('hcl', 'docs/guide/recipes.md', 'aws_s3_object');
    const [, key = ''] = /key += "(records\/.*)"/.exec(recipe) ?? [];
    const record = await scenario.bucket.get(key.replace(/\$\{.*\}/, scenario.head));
    // The provider only returns the body of objects that it recognizes as text.
    expect(record?.contentType).toBe('application/json');
    const { state, files } = JSON.parse(String(record?.body));
    expect(recipe).toContain(`.state == "${state}"`);
    const [file] = files;
    for (const [, field] of recipe.matchAll(/(?:file|\])\.(\w+)/g)) expect(file).toHaveProperty(field ?? '');
  });

  it('include digests that sha256sum can check', async () => {
    await scenario.freshPackages();
    await scenario.restore();
    const check = () =>
      execFileSync('sha256sum', ['--check', '--strict', '.sha256sums'], { cwd: scenario.packages, encoding: 'utf8' });
    expect(check()).toBe('api.zip: OK\nsub/a b.txt: OK\n');
    await writeFile(join(scenario.packages, 'api.zip'), 'another');
    expect(check).toThrow('did NOT match');
  });
});

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

/** Whether a block is a value for the input `packages`. */
function isPackages(yaml: string): boolean {
  return /^packages:$/m.test(yaml);
}

describe('the page about several packages', () => {
  const PAGE = 'docs/guide/packages.md';
  const repositories = new Repositories();
  afterEach(() => repositories.removeAll());

  it('shows valid packages, with the workflow and the list itself among their sources', async () => {
    const text = onlyBlock('yaml', PAGE, 'stored: false');
    expect(text.split('\n')[0]).toMatch(/^# yaml-language-server: \$schema=https:\/\/.*\/packages\.schema\.json$/);
    const entries = await readPackages(text, 'packages');
    expect(entries.map(({ name, directory }) => [name, directory])).toEqual([
      ['shared', 'packages/shared'],
      ['api', 'api/dist'],
      ['site', 'site/dist'],
    ]);
    for (const { patterns } of entries.flatMap(({ sources }) => sources))
      expect(patterns).toEqual(expect.arrayContaining(['packages.yml', '.github/workflows/build.yml']));
  });

  it('has a table of all keys', () => {
    const { $defs } = JSON.parse(readFileSync(join(ROOT, 'packages.schema.json'), 'utf8'));
    const [, table = ''] = /^\| key .*\n((?:\|.*\n)*)/m.exec(documents.get(PAGE) ?? '') ?? [];
    const keys = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, key]) => key);
    expect(keys).toEqual(Object.keys($defs.package.properties));
  });

  it("has the formula of the action's code hashes", async () => {
    const { root } = await repositories.createCommitted({
      '.github/workflows/build.yml': '',
      'package-lock.json': '{}',
      'packages.yml': '',
      'api/z.ts': 'z',
      'api/no.md': 'no',
      'shared/yes.md': 'yes',
      'a.ts': 'no',
    });
    const text = onlyBlock('yaml', PAGE, 'stored: false');
    const api = (await readPackages(text, 'packages')).find(({ name }) => name === 'api');
    const [own = [], ...needs] = api?.sources.map(({ patterns }) => patterns) ?? [];
    const tree = gitSourceTree({ repositoryPath: root, packageDirectory: join(root, 'packages') });
    const { entries } = await tree.entries(own, needs);
    expect(Buffer.from(entries).toString().split('\0')).toHaveLength(5 + 1);
    const output = execFileSync('sh', ['-c', onlyBlock('sh', PAGE)], { cwd: root, encoding: 'utf8' });
    expect(output).toBe(`${gitSha256(api?.salt ?? '', entries)}  -\n`);
  });
});

/** The steps of a whole workflow, of jobs, or of a plain list of steps. */
function stepsOf(yaml: string): Step[] {
  const example: readonly Step[] | { readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>> } =
    parse(yaml);
  return 'jobs' in example ? Object.values(example.jobs).flatMap(({ steps }) => steps) : [...example];
}

function isOurs(step: Step): boolean {
  return step.uses === ACTION;
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the formula of the code hash', () => {
  const repositories = new Repositories();
  afterEach(() => repositories.removeAll());

  it.each(['', 'Linux node 24'])('computes the code hash of the action, with the salt %j', async (salt) => {
    const formula = onlyBlock('sh', 'docs/guide/patterns.md', 'sha256sum');
    const patterns = [...formula.matchAll(/':\(glob\)(.*?)'/g)].map(([, pattern]) => pattern ?? '');
    const files = {
      'src/b.txt': 'b',
      'src/a/é.txt': 'a',
      'src-other.txt': 'no',
      'package-lock.json': '{}',
      'z.txt': '',
    };
    const { root } = await repositories.createCommitted(files);
    const output = execFileSync('sh', ['-c', formula], {
      cwd: root,
      env: { ...process.env, SALT: salt },
      encoding: 'utf8',
    });
    const tree = gitSourceTree({ repositoryPath: root, packageDirectory: join(root, 'packages') });
    const { entries } = await tree.entries(patterns);
    expect(Buffer.from(entries).toString().split('\0')).toHaveLength(3 + 1);
    expect(output).toBe(`${gitSha256(salt, entries)}  -\n`);
  });
});

onLinux('signed sets, by the commands of their page', () => {
  const PAGE = 'docs/guide/signed-sets.md';
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await Scenario.create();
    sh(onlyBlock('sh', PAGE, 'genpkey'));
  });
  afterEach(() => scenario.close());

  function sh(script: string): string {
    const env = { ...machineEnvironment(), COMMIT: scenario.head };
    const output = spawnSync('sh', ['-euc', script], { cwd: scenario.root, env, encoding: 'utf8' });
    return output.stdout + output.stderr;
  }

  function key(name: string): string {
    return readFileSync(join(scenario.root, name), 'utf8');
  }

  /** The output of the page's own script, which gets the record without a bucket. */
  function verify(): string {
    return sh(onlyBlock('sh', PAGE, 'pkeyutl').replace(/^aws .*\n/m, ''));
  }

  it('are uploaded with the private key, found with the public key, and verified without this action', async () => {
    await scenario.build({ 'app.zip': 'app' });
    const { exitCode } = await scenario.action('upload', { 'signing-key': key('signing-key.pem') });
    expect(exitCode).toBe(0);
    await scenario.freshPackages();
    const { outputs } = await scenario.action('check', { 'verify-keys': key('verify-key.pem') });
    expect(outputs).toMatchObject({ found: 'true', reason: 'complete' });

    const record = (await scenario.bucket.get(`records/artifacts/${scenario.head}.json`))?.body ?? '';
    await writeFile(join(scenario.root, 'record.json'), record);
    expect(verify()).toContain('Signature Verified Successfully');
    await writeFile(join(scenario.root, 'record.json'), record.replace('app.zip', 'ape.zip'));
    expect(verify()).toContain('Signature Verification Failure');
  });
});

describe('the documentation names only', () => {
  it('scripts of the package', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const commands = blocksIn('sh').flatMap(({ text }) => [...text.matchAll(/npm (?:run )?(\w+)/g)]);
    expect(commands.length).toBeGreaterThan(3);
    for (const [, name] of commands) expect(['ci', ...Object.keys(scripts)]).toContain(name);
  });

  it('existing files and headings in links', () => {
    for (const [document, text] of documents)
      for (const [, link = ''] of text.matchAll(/\]\(((?!https:)[^)]+)\)/g)) {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? document : posix.join(posix.dirname(document), path);
        expect([link, existsSync(join(ROOT, target))]).toEqual([link, true]);
        if (anchor !== undefined) expect(anchorsOf(documents.get(target) ?? '')).toContain(anchor);
      }
  });

  it('existing files of this repository in CONTRIBUTING.md', () => {
    const text = documents.get('CONTRIBUTING.md') ?? '';
    const paths = [...text.matchAll(/`((?:src|dev|docs|__tests__)\/[^`<]*)`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('variables that belong to the input beside them', () => {
    const rows = documents.get('docs/guide/moving-over.md')?.matchAll(/^\| (`[A-Z].*?) *\| `(.*?)` *\|$/gm) ?? [];
    const shown = [...rows].map(([, variables = '', input = '']) => `${input}: ${variables.replaceAll('`', '')}`);
    const known = Object.entries(INPUTS).flatMap(([name, { variables = [] }]) =>
      variables.length === 0 ? [] : [`${name}: ${variables.join(', ')}`],
    );
    expect(shown.sort()).toEqual(known.sort());
  });
});

function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase());
  return headings.map((title) => title.replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'));
}

it('the protocol shows a record as it is stored', () => {
  const page = 'docs/internals/protocol.md';
  const shown = onlyBlock('json', page, 'record/v1');
  expect(recordText(parseRecord(shown, page))).toBe(JSON.stringify(JSON.parse(shown)));
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: { readonly StringLike?: { readonly 's3:prefix'?: readonly string[] } };
}

interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

describe('IAM policies', () => {
  it('are JSON of the current version, and only allow', () => {
    const examples = blocksIn('json').map(({ text }) => JSON.parse(text));
    const policies: Policy[] = examples.filter((example) => 'Statement' in example);
    expect(policies).toHaveLength(3);
    for (const { Version, Statement } of policies) {
      expect(Version).toBe('2012-10-17');
      expect(Statement.map(({ Effect }) => Effect)).toEqual(Statement.map(() => 'Allow'));
    }
  });

  it('trust the audience that the token is for', () => {
    const { role } = parseInputs({
      input: (name) => ROLE_INPUTS.get(name) ?? '',
      variable: () => undefined,
    }).store;
    const policy = onlyBlock('json', IAM, 'sts:AssumeRoleWithWebIdentity');
    expect(policy).toContain(`"token.actions.githubusercontent.com:aud": "${role?.audience}"`);
  });

  it('name exactly the actions that the code declares', async () => {
    const { Statement }: Policy = JSON.parse(onlyBlock('json', IAM, '"s3:PutObject"'));
    expect(new Set(Statement.flatMap(({ Action }) => Action))).toEqual(await actionsOfTheCode());
  });
});

const ROLE_INPUTS = new Map<string, string>([
  ['mode', 'check'],
  ['bucket', 'my-assets'],
  ['role-to-assume', 'arn:aws:iam::123456789012:role/assets'],
]);

async function actionsOfTheCode(): Promise<Set<string>> {
  const folder = join(ROOT, 'src', 's3');
  const sources = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  const declared = sources.flatMap((source) => source.match(/\baction: '(.*?)'/g) ?? []);
  return new Set(declared.flatMap((line) => line.match(/s3:\w+/g) ?? []));
}

describe('under the policy', () => {
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await Scenario.create();
  });
  afterEach(() => scenario.close());

  const full: Policy = JSON.parse(onlyBlock('json', IAM, '"s3:PutObject"'));
  const readOnly: Policy = JSON.parse(onlyBlock('json', IAM, '"Action": "s3:GetObject"'));

  it('with full access, a set is uploaded, found and promoted', async () => {
    expect(await wholeStory(scenario, full)).toEqual(WHOLE_STORY);
  });

  it.each(reductionsOf(full))('with full access but without $what, that fails', async ({ policy }) => {
    expect(await wholeStory(scenario, policy)).not.toEqual(WHOLE_STORY);
  });

  it('with read access, sets are found', async () => {
    expect(await readingStory(scenario, readOnly)).toEqual(READING_STORY);
  });

  it.each(reductionsOf(readOnly))('with read access but without $what, that fails', async ({ policy }) => {
    expect(await readingStory(scenario, policy)).not.toEqual(READING_STORY);
  });

  it('with read access, one step checks several packages, and no request is denied', async () => {
    expect(documents.get(IAM)).toContain('`*/artifacts/*`, `*/cache/*` and `*/records/*`');
    const each = JSON.stringify(readOnly).replaceAll(/(artifacts|cache|records)\/\*/g, '*/$1/*');
    expect(await packagesStory(scenario, JSON.parse(each))).toEqual(PACKAGES_STORY);
    expect(scenario.bucket.server.requests.filter(({ status }) => status === 403)).toEqual([]);
  });

  it('with read access, nothing is promoted', async () => {
    await scenario.build({ 'api.zip': 'api' });
    await scenario.upload();
    await scenario.freshPackages();
    await scenario.commit();
    enforce(scenario, readOnly);
    await expect(scenario.check()).rejects.toThrow('allow s3:PutObject on arn:aws:s3:::');
  });
});

const WHOLE_STORY = { missed: 'incomplete', cached: true, openUploads: 0, foundIn: 'cache', foundAgainIn: 'artifact' };

/** Uploads a commit whose first upload was killed amid a large file, then finds the set for a commit of the same code. */
async function wholeStory(scenario: Scenario, policy: Policy): Promise<unknown> {
  await leaveUnfinishedUpload(scenario);
  enforce(scenario, policy);
  try {
    const { reason: missed } = await scenario.check();
    await scenario.build({ 'large.zip': new Uint8Array(5 * 1024 ** 2 + 1), 'site/index.html': 'site' });
    const { cached } = await scenario.upload();
    const openUploads = scenario.bucket.server.uploads(scenario.bucket.name).length;
    await scenario.commit();
    await scenario.freshPackages();
    const { source: foundIn } = await scenario.check();
    const { source: foundAgainIn } = await scenario.check();
    return { missed, cached, openUploads, foundIn, foundAgainIn };
  } catch (error) {
    return error;
  }
}

async function leaveUnfinishedUpload(scenario: Scenario): Promise<void> {
  const { bucket, head } = scenario;
  const writer = { nonce: 'n', sequence: 1, repository: 'owner/repository', runId: '1', runAttempt: '0' };
  const record = { state: 'uploading', commit: head, origin: { kind: 'upload' }, writer, leaseSeconds: 120 } as const;
  await bucket.put(`records/artifacts/${head}.json`, recordText(record));
  const Key = `artifacts/${head}/large.zip`;
  await bucket.client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key }));
}

const READING_STORY = [
  { found: true, source: 'cache', reason: 'complete' },
  { found: true, source: 'artifact', reason: 'legacy' },
  { found: true, source: 'cache', reason: 'legacy' },
  { found: false, source: 'none', reason: 'absent' },
  { found: true, source: 'artifact', reason: 'read-only' },
  { found: true, source: 'cache', reason: 'complete' },
];

/** Only lookups of legacy sets read an object: its metadata shows that the set never had a record. */
async function readingStory(scenario: Scenario, policy: Policy): Promise<unknown> {
  await scenario.build({ 'api.zip': 'api' });
  const { codeHash } = await scenario.upload();
  await scenario.commit();
  const server = scenario.bucket.server;
  const legacyHash = 'a'.repeat(64);
  server.put(scenario.bucket.name, `artifacts/${'1'.repeat(40)}/api.zip`, 'api');
  server.put(scenario.bucket.name, `cache/${legacyHash}/api.zip`, 'api');
  enforce(scenario, policy);
  const look = async (asked: string | undefined, value = codeHash ?? '') => {
    const commit = { asked, context: scenario.head, repositoryIsGiven: false };
    const outcome = await scenario.check({ access: 'read', commit, codeHash: { kind: 'given', value } });
    return { found: outcome.found, source: outcome.source, reason: outcome.reason };
  };
  try {
    const own = await look(undefined);
    const legacy = [await look('1'.repeat(40)), await look(undefined, legacyHash)];
    const missed = await look('2'.repeat(40), 'b'.repeat(64));
    await look(undefined);
    const ended = [await scenario.upload({ access: 'read' }), await scenario.restore({ access: 'read' })];
    const others = ended.map(({ found, source, reason }) => ({ found, source, reason }));
    return [own, ...legacy, missed, ...others];
  } catch (error) {
    return error;
  }
}

const PACKAGES_STORY = {
  build: ['missing'],
  sources: ['cache', 'cache', 'none'],
  uploaded: { exitCode: 0, reason: 'read-only', found: 'true' },
  restored: { exitCode: 0, reason: 'complete', found: 'true' },
};

/** Two packages have a set of the same code, a third has none. */
async function packagesStory(scenario: Scenario, policy: Policy): Promise<unknown> {
  const names = ['app', 'tool', 'missing'];
  const each = names.map((name) => [name, { sources: [`${name}/**`], directory: `packages/${name}` }]);
  const packages = JSON.stringify({ packages: Object.fromEntries(each) });
  await scenario.commit({ 'app/x.ts': 'a', 'tool/x.ts': 't', 'missing/x.ts': 'm' });
  for (const name of ['app', 'tool']) {
    await scenario.build({ [`${name}/x.zip`]: name });
    await scenario.action('upload', { packages, package: name });
  }
  await scenario.freshPackages();
  await scenario.commit();
  enforce(scenario, policy);
  scenario.forgetWire();
  const step = async (mode: string, inputs: Record<string, string> = {}) => {
    const { exitCode, outputs } = await scenario.action(mode, { packages, access: 'read', ...inputs });
    return { exitCode, outputs, ended: { exitCode, reason: outputs.reason, found: outputs.found } };
  };
  const { outputs } = await step('check');
  const found: { readonly source: string }[] = JSON.parse(outputs.packages ?? '[]');
  return {
    build: JSON.parse(outputs.build ?? '[]'),
    sources: found.map(({ source }) => source),
    uploaded: (await step('upload', { package: 'app' })).ended,
    restored: (await step('restore', { package: 'tool' })).ended,
  };
}

/** Every way to leave one statement, or one item of a list, out of a policy. */
function reductionsOf(policy: Policy): { readonly what: string; readonly policy: Policy }[] {
  return policy.Statement.flatMap((statement, index) => {
    const others = policy.Statement.toSpliced(index, 1);
    const prefixes = list(statement.Condition?.StringLike?.['s3:prefix']);
    const reduced = (what: string, changed?: Statement) => ({
      what: `${what} of statement ${index + 1}`,
      policy: { ...policy, Statement: changed === undefined ? others : [...others, changed] },
    });
    return [
      reduced('the whole'),
      ...without(list(statement.Action)).map(([what, Action]) => reduced(what, { ...statement, Action })),
      ...without(list(statement.Resource)).map(([what, Resource]) => reduced(what, { ...statement, Resource })),
      ...without(prefixes).map(([what, kept]) =>
        reduced(what, { ...statement, Condition: { StringLike: { 's3:prefix': kept } } }),
      ),
    ];
  });
}

/** Each item of a list of several, with the list without it. */
function without(items: readonly string[]): [string, string[]][] {
  return items.length < 2 ? [] : items.map((item, index) => [item, items.toSpliced(index, 1)]);
}

/** Makes the server refuse requests that a policy for the bucket `my-assets` does not allow. */
function enforce(scenario: Scenario, policy: Policy): void {
  const { server, name } = scenario.bucket;
  const may = (action: string, key: string | undefined, prefix?: string) =>
    policy.Statement.some((statement) => allows(statement, { action, key, prefix }));
  server.deny = ({ action, key }) => action !== 's3:ListBucket' && !may(action, key);
  server.fault = ({ operation, query, key }) => {
    const listed = operation === 'ListObjectsV2' ? query.prefix : missingKey(server, { operation, bucket: name, key });
    if (listed === undefined || may('s3:ListBucket', undefined, listed)) return undefined;
    return { kind: 'error', status: 403, code: 'AccessDenied' };
  };
}

interface Asked {
  readonly action: string;
  readonly key: string | undefined;
  readonly prefix: string | undefined;
}

function allows({ Action, Resource, Condition }: Statement, { action, key, prefix }: Asked): boolean {
  const resource = `arn:aws:s3:::my-assets${key === undefined ? '' : `/${key}`}`;
  const prefixes = Condition?.StringLike?.['s3:prefix'];
  return (
    list(Action).includes(action) &&
    list(Resource).some((pattern) => isLike(resource, pattern)) &&
    (prefixes === undefined || prefixes.some((pattern) => prefix !== undefined && isLike(prefix, pattern)))
  );
}

/** S3 only reveals that an object is missing to a client that may list its key. */
function missingKey(
  server: LocalS3,
  { operation, bucket, key }: { operation: string; bucket: string; key: string | undefined },
): string | undefined {
  const isRead = operation === 'GetObject' || operation === 'HeadObject';
  return isRead && key !== undefined && server.get(bucket, key) === undefined ? key : undefined;
}

function isLike(text: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll(/[.?+^$(){}|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's').test(text);
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined || typeof value === 'string' ? [value ?? []].flat() : value;
}
