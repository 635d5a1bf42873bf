import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { CLI_ENTRY, machineEnvironment, runAction } from '../dev/run-action.ts';
import { INPUTS, ownVariable } from '../src/inputs/table.ts';
import { OUTPUTS } from '../src/outputs.ts';
import { CredentialServices, tokenFor } from './support/credential-services.ts';
import { Scenario } from './support/scenario.ts';

// The pipelines in examples/, run as their systems run them: the scripts by sh, each job in a workspace of its own, what
// a system hands from job to job handed over, the action by its bundle. Only `make` and the services are stand-ins.

const ROOT = resolve(import.meta.dirname, '..');
const EXAMPLES = join(ROOT, 'examples');
const REGION = 'us-east-1';
const NAMES = ['concourse.yml', 'github.yml', 'gitlab.yml', 'jenkinsfile', 'monorepo.yml'] as const;

type Example = (typeof NAMES)[number];
type Variables = Readonly<Record<string, string>>;

const texts = new Map<string, string>();
for (const name of NAMES) texts.set(name, await readFile(join(EXAMPLES, name), 'utf8'));

function exampleText(name: Example): string {
  return texts.get(name) ?? '';
}

describe('examples', () => {
  it('are those that are run here', async () => {
    expect((await readdir(EXAMPLES)).toSorted()).toEqual(NAMES);
  });

  it('say what OWNER is, in their first line', () => {
    for (const [name, text] of texts)
      expect([name, text.split('\n')[0]]).toEqual([name, expect.stringMatching(/OWNER is the account/)]);
  });

  it('set and read variables that there are', () => {
    const inputs = Object.keys(INPUTS).map(ownVariable);
    const outputs = Object.keys(OUTPUTS).map((name) => ownVariable(name in INPUTS ? `output-${name}` : name));
    for (const text of texts.values())
      expect([...inputs, ...outputs]).toEqual(expect.arrayContaining(text.match(/\bASSETS_[A-Z_]+/g) ?? []));
  });
});

/** What the image sets. */
const IMAGE_VARIABLES = Object.fromEntries(
  [...(await readFile(join(ROOT, 'Dockerfile'), 'utf8')).matchAll(/\b(GIT_REPO_PATH|PACKAGE_DIRECTORY)=(\S+)/g)].map(
    ([, name = '', value = '']) => [name, value],
  ),
);

function variablesOf(image: string | undefined): Variables {
  return image?.includes('OWNER/s3-asset-manager') ? IMAGE_VARIABLES : {};
}

/** A machine on which jobs run, with a bucket, and a repository to check out. */
class Machine implements AsyncDisposable {
  readonly scenario: Scenario;
  readonly services: CredentialServices;
  readonly #directory: string;
  #made = 0;

  private constructor(scenario: Scenario, services: CredentialServices, directory: string) {
    this.scenario = scenario;
    this.services = services;
    this.#directory = directory;
  }

  static async start(example: Example, path: string): Promise<Machine> {
    const isMeant = ({ claims }: { readonly claims: Readonly<Record<string, unknown>> }) =>
      claims.aud === 'sts.amazonaws.com';
    const scenario = await Scenario.create({ checkWebIdentity: isMeant });
    await scenario.commit({ 'package-lock.json': '{}', [path]: exampleText(example) });
    const { server } = scenario.bucket;
    const services = await CredentialServices.start(server.port, () => server.issueCredentials());
    const machine = new Machine(scenario, services, await mkdtemp(join(tmpdir(), 's3-asset-manager-example-')));
    await machine.#installPrograms();
    return machine;
  }

  async #installPrograms(): Promise<void> {
    const programs = join(this.#directory, 'bin');
    await mkdir(programs);
    await symlink(process.execPath, join(programs, 'node'));
    for (const command of ['check', 'upload', 'restore'])
      await this.#install(command, `exec node -- '${CLI_ENTRY}' ${command} "$@"`);
    const make = ['[ "$1" != -C ] || cd "$2"', 'mkdir -p packages', `echo "$PWD" >>'${this.#directory}/made'`];
    await this.#install('make', [...make, `wc -l <'${this.#directory}/made' | tr -d ' ' >packages/app.zip`].join('\n'));
  }

  async #install(program: string, script: string): Promise<void> {
    const path = join(this.#directory, 'bin', program);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  /** How often something was built. */
  async builds(): Promise<number> {
    const log = await readFile(join(this.#directory, 'made'), 'utf8').catch(() => '');
    return log.split('\n').length - 1;
  }

  /** An empty directory. */
  async directory(name = `job-${++this.#made}`): Promise<string> {
    const path = join(this.#directory, name);
    await mkdir(path);
    return path;
  }

  /** A checkout of the newest commit, in a new directory, or in one that an earlier run left behind. */
  async checkout(name = `checkout-${++this.#made}`): Promise<string> {
    const path = join(this.#directory, name);
    const { root } = this.scenario;
    const git = (...args: readonly string[]) => execFileSync('git', args, { env: machineEnvironment() });
    if (existsSync(path)) git('-C', path, 'pull', '--quiet');
    else git('clone', '--quiet', root, path);
    return path;
  }

  /** What every job has, besides its own. */
  get variables(): Variables {
    const { name, endpoint } = this.scenario.bucket;
    return {
      ...machineEnvironment(),
      HOME: join(this.#directory, 'home'),
      PATH: `${join(this.#directory, 'bin')}:${process.env.PATH}`,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_STS: endpoint,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(this.#directory, 'token'),
      ASSETS_BUCKET: name,
      ASSETS_ENDPOINT_URL: endpoint,
      ASSETS_AWS_REGION: REGION,
      AWS_REGION: REGION,
    };
  }

  /** @returns what it wrote to its standard output */
  async run(cwd: string, command: readonly string[], env: Variables): Promise<string> {
    const [program = '', ...args] = command;
    const { stdout } = await promisify(execFile)(program, args, { cwd, env: { ...env, ...this.variables } });
    return stdout;
  }

  script(cwd: string, lines: readonly string[], env: Variables): Promise<string> {
    return this.run(cwd, ['sh', '-ec', lines.join('\n')], env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.services[Symbol.asyncDispose]();
    await this.scenario.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** @returns what the last job wrote */
type Pipeline = (machine: Machine, run: number) => Promise<string>;

interface GitLabJob {
  readonly stage?: string;
  readonly extends?: string;
  readonly image?: string;
  readonly id_tokens?: Readonly<Record<string, { readonly aud: string }>>;
  readonly before_script?: readonly string[];
  readonly script?: readonly string[];
  readonly dependencies?: readonly string[];
  readonly artifacts?: { readonly paths: readonly string[]; readonly reports?: { readonly dotenv: string } };
}

async function gitlab(machine: Machine, run: number): Promise<string> {
  const { stages, default: defaults, variables, ...jobs } = parse(exampleText('gitlab.yml'));
  const named = Object.entries<GitLabJob>(jobs).map(([name, job]) => ({ name, ...jobs[job.extends ?? ''], ...job }));
  const artifacts = await machine.directory();
  let reported: Variables = {};
  let output = '';
  for (const stage of stages)
    for (const job of named.filter((candidate) => candidate.stage === stage)) {
      const workspace = await machine.checkout();
      if (job.dependencies === undefined) await cp(artifacts, workspace, { recursive: true });
      const image = variablesOf(job.image ?? defaults.image);
      const env = { ...image, ...variables, ...gitlabVariables(job, run), ...reported };
      output = await machine.script(workspace, [...(job.before_script ?? []), ...(job.script ?? [])], env);
      for (const path of job.artifacts?.paths ?? [])
        await cp(join(workspace, path), join(artifacts, path), { recursive: true });
      const report = job.artifacts?.reports?.dotenv;
      if (report !== undefined) reported = { ...reported, ...(await readDotenv(join(workspace, report))) };
    }
  return output;
}

function gitlabVariables(job: GitLabJob & { readonly name: string }, run: number): Variables {
  const tokens = Object.entries(job.id_tokens ?? {}).map(([name, { aud }]) => [
    name,
    tokenFor(`?audience=${aud}`, run),
  ]);
  return {
    GITLAB_CI: 'true',
    CI_PROJECT_PATH: 'team/app',
    CI_JOB_ID: `${run}`,
    CI_JOB_NAME: job.name,
    CI_JOB_URL: `https://gitlab.example.com/team/app/-/jobs/${run}`,
    ...Object.fromEntries(tokens),
  };
}

async function readDotenv(path: string): Promise<Variables> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  return Object.fromEntries(lines.map((line) => /^(.*?)=(.*)$/.exec(line)?.slice(1) ?? []));
}

interface ConcourseTask {
  readonly image_resource: { readonly source: { readonly repository: string } };
  readonly params?: Variables;
  readonly inputs?: readonly { readonly name: string }[];
  readonly outputs?: readonly { readonly name: string }[];
  readonly run: { readonly path: string; readonly args?: readonly string[] };
}

interface ConcourseStep {
  readonly get?: string;
  readonly config?: ConcourseTask;
}

async function concourse(machine: Machine): Promise<string> {
  const jobs: readonly { readonly plan: readonly ConcourseStep[] }[] = parse(exampleText('concourse.yml')).jobs;
  let output = '';
  for (const { plan } of jobs) {
    const artifacts = await machine.directory();
    for (const { get, config } of plan) {
      if (get !== undefined) await cp(await machine.checkout(), join(artifacts, get), { recursive: true });
      if (config !== undefined) output = await concourseTask(machine, config, artifacts);
    }
  }
  return output;
}

async function concourseTask(machine: Machine, task: ConcourseTask, artifacts: string): Promise<string> {
  const directory = await machine.directory();
  const { accessKeyId, secretAccessKey } = machine.scenario.bucket.credentials;
  const secrets = new Map([
    ['((aws.access-key-id))', accessKeyId],
    ['((aws.secret-access-key))', secretAccessKey],
  ]);
  const params = Object.entries(task.params ?? {}).map(([name, value]) => [name, secrets.get(value) ?? value]);
  for (const { name } of task.outputs ?? []) await mkdir(join(directory, name));
  for (const { name } of task.inputs ?? []) await cp(join(artifacts, name), join(directory, name), { recursive: true });
  const env = { ...variablesOf(task.image_resource.source.repository), ...Object.fromEntries(params) };
  const output = await machine.run(directory, [task.run.path, ...(task.run.args ?? [])], env);
  for (const { name } of task.outputs ?? [])
    await cp(join(directory, name), join(artifacts, name), { recursive: true });
  return output;
}

/** As the declarative pipeline is laid out: an agent of a stage's own checks out again, unless it is to reuse the node. */
async function jenkins(machine: Machine, run: number): Promise<string> {
  const [head = '', ...stages] = exampleText('jenkinsfile').split(/^ {4}stage\(/m);
  const { accessKeyId, secretAccessKey } = machine.scenario.bucket.credentials;
  const env = {
    ...Object.fromEntries([...head.matchAll(/^ {4}(\w+) = '(.*)'$/gm)].map(([, name, value]) => [name, value])),
    AWS_ACCESS_KEY_ID: /AWS_ACCESS_KEY_ID = credentials\(/.test(head) ? accessKeyId : '',
    AWS_SECRET_ACCESS_KEY: /AWS_SECRET_ACCESS_KEY = credentials\(/.test(head) ? secretAccessKey : '',
    JENKINS_URL: 'https://jenkins.example.com/',
    JOB_NAME: 'team/app',
    BUILD_NUMBER: `${run}`,
    BUILD_URL: `https://jenkins.example.com/job/app/${run}/`,
  };
  const shared = await machine.checkout('workspace');
  let output = '';
  for (const stage of stages) {
    const image = /image '(.*?)'/.exec(stage)?.[1];
    const workspace = image === undefined || stage.includes('reuseNode true') ? shared : await machine.checkout();
    for (const [, step = ''] of stage.matchAll(/^ +sh '(.*?)'/gm))
      output = await machine.script(workspace, [step], { ...variablesOf(image), ...env });
  }
  return output;
}

interface GitHubStep {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Variables;
  readonly run?: string;
}

async function github(machine: Machine, run: number): Promise<string> {
  const workflow: {
    readonly env: Variables;
    readonly jobs: Readonly<Record<string, { readonly steps: readonly GitHubStep[] }>>;
  } = parse(exampleText('github.yml'));
  let output = '';
  for (const { steps } of Object.values(workflow.jobs)) {
    const isCheckedOut = steps.some(({ uses }) => uses?.startsWith('actions/checkout@'));
    const workspace = await (isCheckedOut ? machine.checkout() : machine.directory());
    const env = { ...workflow.env, ...githubVariables(machine, run), RUNNER_TEMP: await machine.directory() };
    const outputs = new Map<string, string>();
    for (const step of steps.filter(({ uses }) => !uses?.startsWith('actions/')))
      if (isWanted(step, outputs)) output = await githubStep(machine, { step, workspace, env, outputs });
  }
  return output;
}

function githubVariables({ scenario, services }: Machine, run: number): Variables {
  return {
    ...services.tokenVariables,
    GITHUB_ACTIONS: 'true',
    GITHUB_SHA: scenario.head,
    GITHUB_REPOSITORY: 'team/app',
    GITHUB_RUN_ID: `${run}`,
    GITHUB_RUN_ATTEMPT: '1',
  };
}

/** Of all conditions, the one that examples have. */
function isWanted({ if: condition }: GitHubStep, outputs: ReadonlyMap<string, string>): boolean {
  if (condition === undefined) return true;
  const [, step, output, value] = /^steps\.([\w-]+)\.outputs\.([\w-]+) != '(.*)'$/.exec(condition) ?? [];
  expect([condition, outputs.has(`${step}.${output}`)]).toEqual([condition, true]);
  return outputs.get(`${step}.${output}`) !== value;
}

interface GitHubRun {
  readonly step: GitHubStep;
  readonly workspace: string;
  readonly env: Variables;
  readonly outputs: Map<string, string>;
}

async function githubStep(machine: Machine, { step, workspace, env, outputs }: GitHubRun): Promise<string> {
  if (step.run !== undefined) return machine.script(workspace, [step.run], env);
  expect(step.uses).toBe('OWNER/s3-asset-manager@v1');
  const result = await runAction({ inputs: step.with ?? {}, cwd: workspace, env: { ...env, ...machine.variables } });
  expect(result).toMatchObject({ exitCode: 0 });
  for (const [name, value] of Object.entries(result.outputs)) outputs.set(`${step.id}.${name}`, value);
  return result.lines.join('\n');
}

interface GitHubJob {
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly outputs?: Variables;
  readonly strategy?: { readonly matrix: string };
  readonly steps: readonly GitHubStep[];
}

/** How a job ended, as the jobs that need it see it. */
interface JobResult {
  readonly result: 'success' | 'failure' | 'skipped';
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Runs jobs whose legs come from another job's output. Of all expressions, it knows those that the example has.
 *
 * @returns how each job ended, by its name
 */
async function monorepo(machine: Machine, run: number): Promise<ReadonlyMap<string, JobResult>> {
  const { env, jobs }: { readonly env: Variables; readonly jobs: Readonly<Record<string, GitHubJob>> } = parse(
    exampleText('monorepo.yml'),
  );
  const results = new Map<string, JobResult>();
  for (const [name, job] of Object.entries(jobs)) {
    const isSkipped = !runsAfter(job, results);
    const result = isSkipped
      ? { result: 'skipped' as const, outputs: new Map<string, string>() }
      : await legsOf(machine, job, { env: { ...env, ...githubVariables(machine, run) }, results });
    results.set(name, result);
  }
  return results;
}

function runsAfter({ needs = [], if: condition }: GitHubJob, results: ReadonlyMap<string, JobResult>): boolean {
  if (/^\$\{\{ !cancelled\(\) \}\}$/.test(condition ?? '')) return true;
  if ([needs].flat().some((name) => results.get(name)?.result !== 'success')) return false;
  if (condition === undefined) return true;
  const [, job = '', output = '', value] = /^needs\.(\w+)\.outputs\.([\w-]+) != '(.*)'$/.exec(condition) ?? [];
  expect([condition, results.has(job)]).toEqual([condition, true]);
  return results.get(job)?.outputs.get(output) !== value;
}

async function legsOf(
  machine: Machine,
  { strategy, steps, outputs = {} }: GitHubJob,
  { env, results }: { readonly env: Variables; readonly results: ReadonlyMap<string, JobResult> },
): Promise<JobResult> {
  const [, job = '', output = ''] =
    /^\$\{\{ fromJSON\(needs\.(\w+)\.outputs\.([\w-]+)\) \}\}$/.exec(strategy?.matrix ?? '') ?? [];
  const { include } = JSON.parse(results.get(job)?.outputs.get(output) ?? '{"include":[{}]}');
  expect(include).not.toEqual([]);
  const told = new Map<string, string>();
  let result: JobResult['result'] = 'success';
  for (const leg of include as readonly Variables[]) {
    const filled = (text: string) => text.replaceAll(/\$\{\{ matrix\.([\w-]+) \}\}/g, (_, name) => leg[name] ?? '');
    const workspace = await machine.checkout();
    const set = new Map<string, string>();
    const place = { workspace, env: { ...env, RUNNER_TEMP: await machine.directory() }, outputs: set };
    for (const step of steps.filter(({ uses }) => !uses?.startsWith('actions/')))
      if (result === 'success' && isWanted(step, set) && !(await legStep(machine, filledIn(step, filled), place)))
        result = 'failure';
    for (const [name, text] of Object.entries(outputs)) {
      const [, from = ''] = /^\$\{\{ steps\.(\w+\.outputs\.[\w-]+) \}\}$/.exec(text) ?? [];
      told.set(name, set.get(from.replace('.outputs.', '.')) ?? '');
    }
  }
  return { result, outputs: told };
}

function filledIn(step: GitHubStep, filled: (text: string) => string): GitHubStep {
  const inputs = Object.entries(step.with ?? {}).map(([name, value]) => [name, filled(String(value))]);
  return { ...step, with: Object.fromEntries(inputs), ...(step.run === undefined ? {} : { run: filled(step.run) }) };
}

/** @returns whether it succeeded */
async function legStep(machine: Machine, step: GitHubStep, place: Omit<GitHubRun, 'step'>): Promise<boolean> {
  const { workspace, env, outputs } = place;
  if (step.run !== undefined)
    return machine.script(workspace, [step.run], env).then(
      () => true,
      () => false,
    );
  const result = await runAction({ inputs: step.with ?? {}, cwd: workspace, env: { ...env, ...machine.variables } });
  for (const [name, value] of Object.entries(result.outputs)) outputs.set(`${step.id}.${name}`, value);
  return result.exitCode === 0;
}

const PIPELINES: readonly [Example, string, Pipeline, Readonly<Record<string, string>>][] = [
  ['gitlab.yml', '.gitlab-ci.yml', gitlab, { repository: 'team/app', runId: '1', workflow: 'upload' }],
  ['concourse.yml', 'pipeline.yml', concourse, {}],
  ['jenkinsfile', 'Jenkinsfile', jenkins, { repository: 'team/app', runId: '1' }],
  ['github.yml', '.github/workflows/build.yml', github, { repository: 'team/app', runId: '1', runAttempt: '1' }],
];

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux.each(PIPELINES)('%s', (example, path, pipeline, writer) => {
  let machine: Machine;
  beforeEach(async () => {
    machine = await Machine.start(example, path);
  });
  afterEach(() => machine[Symbol.asyncDispose]());

  it('builds, uploads and deploys, and builds nothing twice', async () => {
    const { scenario } = machine;
    expect(await pipeline(machine, 1)).toMatch(/ app\.zip$/m);
    expect(await machine.builds()).toBe(1);
    expect(await scenario.record()).toMatchObject({ state: 'complete', writer });
    await scenario.commit();
    expect(await pipeline(machine, 2)).toMatch(/ app\.zip$/m);
    expect(await machine.builds()).toBe(1);
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('1\n');
  });

  it('builds again what was changed', async () => {
    const { scenario } = machine;
    await pipeline(machine, 1);
    await scenario.commit({ 'src/main.txt': 'changed' });
    await pipeline(machine, 2);
    expect(await machine.builds()).toBe(2);
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('2\n');
  });
});

onLinux('monorepo.yml', () => {
  let machine: Machine;
  beforeEach(async () => {
    machine = await Machine.start('monorepo.yml', '.github/workflows/build.yml');
    await machine.scenario.commit({ '.gitignore': 'packages/\n', 'shared/s.ts': '', 'api/a.ts': '', 'site/s.ts': '' });
  });
  afterEach(() => machine[Symbol.asyncDispose]());

  /** @returns how the jobs ended, and which packages were built in all runs */
  async function runs(run: number): Promise<string> {
    const results = [...(await monorepo(machine, run))].map(([name, { result }]) => `${name}: ${result}`);
    return `${results.join(', ')}; built ${await machine.builds()}`;
  }

  const BUILT = 'check: success, build: success, packages: success';
  const SKIPPED = 'check: success, build: skipped, packages: success';

  it('builds all at first, then nothing, then what depends on a change', async () => {
    expect(await runs(1)).toBe(`${BUILT}; built 2`);
    expect(await runs(2)).toBe(`${SKIPPED}; built 2`);
    await machine.scenario.commit({ 'README.md': 'changed', 'api/README.md': 'changed' });
    expect(await runs(3)).toBe(`${SKIPPED}; built 2`);
    await machine.scenario.commit({ 'site/s.ts': 'changed' });
    expect(await runs(4)).toBe(`${BUILT}; built 3`);
    await machine.scenario.commit({ 'shared/s.ts': 'changed' });
    expect(await runs(5)).toBe(`${BUILT}; built 5`);
  });

  it('fails its last job where a package could not be built, and builds that one again', async () => {
    const { scenario } = machine;
    scenario.bucket.server.fault = ({ operation, key = '' }) =>
      operation === 'PutObject' && key.startsWith('site/artifacts/')
        ? { kind: 'error', status: 403, code: 'AccessDenied' }
        : undefined;
    expect(await runs(1)).toBe('check: success, build: failure, packages: failure; built 2');
    scenario.bucket.server.fault = undefined;
    expect(await runs(2)).toBe(`${BUILT}; built 3`);
  });
});
