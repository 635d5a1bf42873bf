import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { machineEnvironment, runnerFiles } from '../../dev/run-action.ts';

// The runner communicates through the environment and standard output of a process, so each case runs in its own
// process.
const HOST = resolve(import.meta.dirname, '../../src/host/actions.ts');

interface Ran {
  readonly stdout: string;
  readonly outputs: string;
  readonly summary: string;
  readonly exitCode: number | null;
}

/** @param body the body of an async function with the module `host` as its parameter */
async function run(body: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-host-'));
  const files = await runnerFiles(directory);
  const program = `const host = await import(${JSON.stringify(HOST)}); ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...machineEnvironment(), ...files, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  const [stdout, exitCode] = await Promise.all([text(child.stdout), ended]);
  const outputs = await readFile(files.GITHUB_OUTPUT, 'utf8');
  const summary = await readFile(files.GITHUB_STEP_SUMMARY, 'utf8');
  await rm(directory, { recursive: true });
  return { stdout, outputs, summary, exitCode };
}

async function jobIn(env: Readonly<Record<string, string>>): Promise<unknown> {
  const { stdout } = await run('console.log(JSON.stringify(host.actionsHost().job))', env);
  return JSON.parse(stdout);
}

describe('the job', () => {
  it("is read from the runner's variables", async () => {
    const env = {
      GITHUB_SHA: 'c1',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'owner/repository',
      GITHUB_RUN_ID: '12345678901',
      GITHUB_RUN_NUMBER: '76',
      GITHUB_RUN_ATTEMPT: '2',
      GITHUB_WORKFLOW: 'CI',
      GITHUB_REF: 'refs/heads/main',
    };
    expect(await jobIn(env)).toEqual({
      sha: 'c1',
      baselines: {},
      repository: 'owner/repository',
      runId: '12345678901',
      runNumber: '76',
      runAttempt: '2',
      workflow: 'CI',
      ref: 'refs/heads/main',
      url: 'https://github.com/owner/repository/actions/runs/12345678901',
    });
  });

  it('is unknown outside Actions, and if a variable is empty', async () => {
    expect(await jobIn({ GITHUB_SHA: '', GITHUB_REPOSITORY: '' })).toEqual({ baselines: {} });
  });

  it('has the previous commits that its event names', async () => {
    const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-event-'));
    const event = join(directory, 'event.json');
    await writeFile(event, JSON.stringify({ before: 'b1', pull_request: { base: { sha: 'b2' }, number: 1 } }));
    expect(await jobIn({ GITHUB_EVENT_PATH: event })).toEqual({ baselines: { before: 'b1', base: 'b2' } });
    await rm(directory, { recursive: true });
  });
});

it('inputs and variables come from the environment', async () => {
  const { stdout } = await run(
    "const { inputs } = host.actionsHost(); console.log(JSON.stringify([inputs.input('code-hash-filter'), inputs.input('mode'), inputs.variable('X'), inputs.variable('Y') === undefined]))",
    { 'INPUT_CODE-HASH-FILTER': ' a\nb ', X: 'x' },
  );
  expect(JSON.parse(stdout)).toEqual(['a\nb', '', 'x', true]);
});

const LOGGING = `
  const { log, setOutputs, mask } = host.actionsHost();
  setOutputs(new Map([['found', 'a\\nb']]));
  log.info('info'); log.warning('first\\nsecond'); log.debug('debug'); mask('secret');
`;

it('outputs, log lines and secrets reach the runner', async () => {
  const { stdout, outputs } = await run(LOGGING, { RUNNER_DEBUG: '1' });
  expect(outputs).toMatch(/^found<<(ghadelimiter_\S+)\na\nb\n\1\n$/);
  expect(stdout.split('\n')).toEqual(['info', '::warning::first%0Asecond', '::debug::debug', '::add-mask::secret', '']);
});

it('lines that belong to another are folded below it', async () => {
  const body = "const { log } = host.actionsHost(); log.info('100 % changed', ['M a', 'D b']); log.info('one', []);";
  const { stdout } = await run(body);
  expect(stdout.split('\n')).toEqual(['::group::100 %25 changed', 'M a', 'D b', '::endgroup::', 'one', '']);
});

it('debug lines are left out if the runner does not show them', async () => {
  const { stdout } = await run(LOGGING);
  expect(stdout.split('\n')).toEqual(['info', '::warning::first%0Asecond', '::add-mask::secret', '']);
});

describe('a file of the runner', () => {
  const START =
    "try { host.actionsHost().setOutputs(new Map([['a', 'b']])); } catch (error) { host.reportFailure(error); }";
  const HERE = import.meta.dirname;

  it.each([
    [
      'an output file that is not there',
      { GITHUB_OUTPUT: '/no/where' },
      "Later steps can't get the outputs: GITHUB_OUTPUT is '/no/where', which can't be written (there is no such file)",
    ],
    [
      'an output file that can not be written',
      { GITHUB_OUTPUT: HERE },
      `Later steps can't get the outputs: GITHUB_OUTPUT is '${HERE}', which can't be written (EISDIR)`,
    ],
    [
      'an event that is not JSON',
      { GITHUB_EVENT_PATH: import.meta.filename },
      `GITHUB_EVENT_PATH is '${import.meta.filename}', which is not JSON`,
    ],
    [
      'an event that can not be read',
      { GITHUB_EVENT_PATH: HERE },
      `GITHUB_EVENT_PATH is '${HERE}', which can't be read (EISDIR)`,
    ],
  ])('fails the step with one line: %s', async (_, env, line) => {
    const { stdout, exitCode } = await run(START, env);
    expect(exitCode).toBe(1);
    const shown = stdout.split('\n').filter((text) => text !== '' && !text.startsWith('::debug::'));
    expect(shown).toEqual([expect.stringContaining(`::error::${line}: `)]);
  });

  it('may be missing if it is the event, without a message', async () => {
    const { stdout, exitCode } = await run(START, { GITHUB_EVENT_PATH: '/no/where\n::error::pwned' });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
  });
});

describe('the job summary', () => {
  const ADD = "host.actionsHost().addSummary('<h4>found</h4>');";

  it('is appended to, and can be followed by Markdown', async () => {
    const { summary } = await run(`${ADD} ${ADD}`);
    expect(summary).toBe('<h4>found</h4>\n\n<h4>found</h4>\n\n');
  });

  it('can be missing', async () => {
    const { exitCode, summary } = await run(ADD, { GITHUB_STEP_SUMMARY: '' });
    expect({ exitCode, summary }).toEqual({ exitCode: 0, summary: '' });
  });
});

it('both signals of a runner that cancels are handled', async () => {
  const { stdout } = await run(`
    const names = [];
    const timer = setTimeout(() => {}, 60_000);
    host.actionsHost().onCancel((name) => {
      names.push(name);
      if (names.length === 1) process.kill(process.pid, 'SIGTERM');
      else console.log(names.join()), clearTimeout(timer);
    });
    process.kill(process.pid, 'SIGINT');
  `);
  expect(stdout).toBe('SIGINT,SIGTERM\n');
});

describe('a failure', () => {
  it('is one line for the user, with every cause in the debug output', async () => {
    const errors = JSON.stringify(resolve(import.meta.dirname, '../../src/errors.ts'));
    const { stdout, exitCode } = await run(`
      const { UserError } = await import(${errors});
      host.reportFailure(new UserError('what to do', { cause: new TypeError('the cause') }));
    `);
    expect(exitCode).toBe(1);
    const [debug, error, end] = stdout.split('\n');
    expect(debug).toMatch(/^::debug::UserError: what to do%0A.*caused by: TypeError: the cause/);
    expect([error, end]).toEqual(['::error::what to do', '']);
  });

  it('that is unexpected is one line too', async () => {
    const { stdout, exitCode } = await run("host.reportFailure(new RangeError('a\\nb'))");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /\n::error::Unexpected failure: RangeError: a b \(re-run with debug logging for details\)\n$/,
    );
  });
});
