import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { CLI_ENTRY, machineEnvironment } from '../../dev/run-action.ts';
import { INPUTS, ownVariable } from '../../src/inputs/table.ts';
import { OUTPUTS } from '../../src/outputs.ts';
import { tokenFor } from '../support/credential-services.ts';
import { Scenario } from '../support/scenario.ts';

// The pipelines in examples/, run as their systems run them: scripts by sh, each job in a workspace of its own, with the
// files that a system passes between jobs. Only `make` is a stand-in. workflows.local.test.ts runs those for GitHub.

const ROOT = resolve(import.meta.dirname, '..', '..');
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
  it('are all run', async () => {
    expect((await readdir(EXAMPLES)).toSorted()).toEqual(NAMES);
  });

  it('explain OWNER in their first line', () => {
    for (const [name, text] of texts)
      expect([name, text.split('\n')[0]]).toEqual([name, expect.stringMatching(/OWNER is the account/)]);
  });

  it('set and read only variables that exist', () => {
    const inputs = Object.keys(INPUTS).map(ownVariable);
    const outputs = Object.keys(OUTPUTS).map(ownVariable);
    for (const text of texts.values())
      expect([...inputs, ...outputs]).toEqual(expect.arrayContaining(text.match(/\bASSETS_[A-Z_]+/g) ?? []));
  });
});

/** The variables that the image sets. */
const IMAGE_VARIABLES = Object.fromEntries(
  [...(await readFile(join(ROOT, 'Dockerfile'), 'utf8')).matchAll(/\b(GIT_REPO_PATH|PACKAGE_DIRECTORY)=(\S+)/g)].map(
    ([, name = '', value = '']) => [name, value],
  ),
);

function variablesOf(image: string | undefined): Variables {
  return image?.includes('OWNER/s3-asset-manager') ? IMAGE_VARIABLES : {};
}

/** A machine that runs jobs, with a bucket and a repository to check out. */
class Machine implements AsyncDisposable {
  readonly scenario: Scenario;
  readonly #directory: string;
  #made = 0;

  private constructor(scenario: Scenario, directory: string) {
    this.scenario = scenario;
    this.#directory = directory;
  }

  static async start(example: Example, path: string): Promise<Machine> {
    const isMeant = ({ claims }: { readonly claims: Readonly<Record<string, unknown>> }) =>
      claims.aud === 'sts.amazonaws.com';
    const scenario = await Scenario.create({ checkWebIdentity: isMeant });
    await scenario.commit({ 'package-lock.json': '{}', [path]: exampleText(example) });
    const machine = new Machine(scenario, await mkdtemp(join(tmpdir(), 's3-asset-manager-example-')));
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

  /** The number of builds so far. */
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

  /** The variables that every job has besides its own. */
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

  /** @returns its standard output */
  async run(cwd: string, command: readonly string[], env: Variables): Promise<string> {
    const [program = '', ...args] = command;
    const { stdout } = await promisify(execFile)(program, args, { cwd, env: { ...env, ...this.variables } });
    return stdout;
  }

  script(cwd: string, lines: readonly string[], env: Variables): Promise<string> {
    return this.run(cwd, ['sh', '-ec', lines.join('\n')], env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scenario.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** @returns the standard output of the last job */
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

/** As in the declarative pipeline: a stage with its own agent checks out again, unless it reuses the node. */
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

const PIPELINES: readonly [Example, string, Pipeline, Readonly<Record<string, string>>][] = [
  ['gitlab.yml', '.gitlab-ci.yml', gitlab, { repository: 'team/app', runId: '1', workflow: 'upload' }],
  ['concourse.yml', 'pipeline.yml', concourse, {}],
  ['jenkinsfile', 'Jenkinsfile', jenkins, { repository: 'team/app', runId: '1' }],
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

  it('builds changed code again', async () => {
    const { scenario } = machine;
    await pipeline(machine, 1);
    await scenario.commit({ 'src/main.txt': 'changed' });
    await pipeline(machine, 2);
    expect(await machine.builds()).toBe(2);
    expect((await scenario.bucket.get(`artifacts/${scenario.head}/app.zip`))?.body).toBe('2\n');
  });
});
