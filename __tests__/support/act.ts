import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LocalS3 } from '../../dev/local-s3/local-s3.ts';
import { machineEnvironment } from '../../dev/run-action.ts';
import { CredentialServices } from './credential-services.ts';
import { Scenario } from './scenario.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
export const BUCKET = 'my-assets';
export const REGION = 'eu-west-1';
const AUDIENCE = 'sts.amazonaws.com';

/** Whether nektos/act, which runs workflows of GitHub on this machine, is on the PATH. */
export const hasAct = spawnSync('act', ['--version']).status === 0;

/** The result of a workflow run. */
export interface WorkflowRun {
  /** `<job>: success` or `<job> <package>: failure` of each job and leg that was not skipped, sorted. */
  readonly jobs: readonly string[];
  /** The scripts that ran without an error, sorted. */
  readonly scripts: readonly string[];
}

/** A line of `act --json`. */
interface LogLine {
  readonly jobID?: string;
  readonly matrix?: { readonly package?: string };
  readonly step?: string;
  readonly stage?: string;
  readonly stepResult?: string;
}

/** A repository whose workflows act runs on this machine, with the built action, a bucket and GitHub's tokens. */
export class GitHubMachine implements AsyncDisposable {
  readonly scenario: Scenario;
  readonly #services: CredentialServices;
  readonly #directory: string;

  private constructor(scenario: Scenario, services: CredentialServices, directory: string) {
    this.scenario = scenario;
    this.#services = services;
    this.#directory = directory;
  }

  static async start(): Promise<GitHubMachine> {
    const scenario = await Scenario.create({
      region: REGION,
      buckets: [BUCKET],
      checkWebIdentity: ({ claims }) => claims.aud === AUDIENCE,
    });
    scenario.git('remote', 'add', 'origin', 'https://github.com/team/app.git');
    const { server } = scenario.bucket;
    const services = await CredentialServices.start(server.port, () => server.issueCredentials());
    const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-act-'));
    for (const path of ['action.yml', 'dist'])
      await cp(join(ROOT, path), join(directory, 'action', path), { recursive: true });
    await mkdir(join(directory, 'home'));
    return new GitHubMachine(scenario, services, directory);
  }

  get server(): LocalS3 {
    return this.scenario.bucket.server;
  }

  /** Runs every workflow of the repository, as for a push of its commits. */
  async push(env: Readonly<Record<string, string>> = {}): Promise<WorkflowRun> {
    const args = [
      ...['push', '--json', '--platform', 'ubuntu-latest=-self-hosted', '--no-cache-server', '--pull=false'],
      ...['--local-repository', `OWNER/s3-asset-manager@v1=${join(this.#directory, 'action')}`],
      ...['--action-cache-path', join(this.#directory, 'cache')],
    ];
    const child = spawn('act', args, {
      cwd: this.scenario.root,
      env: { ...this.#variables, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const run = runOf(stdout);
    if (run.jobs.length === 0) throw new Error(`act ran no job:\n${stdout}${stderr}`);
    return run;
  }

  /** The variables of the runner's machine, which those of a job override. */
  get #variables(): Record<string, string> {
    const { url } = this.server;
    return {
      ...machineEnvironment(),
      ...this.#services.tokenVariables,
      // Actions run with the first `node` on the PATH.
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: join(this.#directory, 'home'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_STS: url,
      ASSETS_ENDPOINT_URL: url,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#services[Symbol.asyncDispose]();
    await this.scenario.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function runOf(stdout: string): WorkflowRun {
  const lines: LogLine[] = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const ended = lines.filter(({ stepResult }) => stepResult !== undefined);
  // act reports one result for all legs of a matrix.
  const failed = new Set(ended.filter(({ stepResult }) => stepResult === 'failure').map(legOf));
  const legs = [...new Set(ended.map(legOf))];
  const jobs = legs.map((leg) => `${leg}: ${failed.has(leg) ? 'failure' : 'success'}`);
  const scripts = lines.flatMap(({ step = '', stage, stepResult }) =>
    stage === 'Main' && stepResult === 'success' && !/^[\w-]+\/[\w-]+@/.test(step) ? [step] : [],
  );
  return { jobs: jobs.toSorted(), scripts: scripts.toSorted() };
}

function legOf({ jobID, matrix }: LogLine): string {
  return [jobID, matrix?.package].filter(Boolean).join(' ');
}
