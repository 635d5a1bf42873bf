import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

const DIST = resolve(import.meta.dirname, '..', 'dist');
export const ENTRY = resolve(DIST, 'index.js');
export const CLI_ENTRY = resolve(DIST, 'cli.js');

/** The settings that a runner passes to a step. */
export interface ActionStep {
  /** By name in `action.yml`. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Added to the variables that any program needs; nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Called when the process runs, for tests that cancel it. */
  readonly onStart?: (pid: number, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface ActionResult {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  readonly outputs: Readonly<Record<string, string>>;
  /** The text added to the job summary. */
  readonly summary: string;
  /** Standard output line by line, workflow commands among them. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

/**
 * Runs the built action as a runner does: a fresh process, inputs in `INPUT_*`, outputs through `GITHUB_OUTPUT`.
 *
 * @param args arguments of Node
 */
export async function runAction(
  { inputs, env = {}, cwd, onStart }: ActionStep,
  args: readonly string[] = [ENTRY],
): Promise<ActionResult> {
  const directory = await mkdtemp(join(tmpdir(), 'action-step-'));
  try {
    const files = await runnerFiles(directory);
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...machineEnvironment(), ...inputVariables(inputs), ...files, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done));
    if (child.pid !== undefined) onStart?.(child.pid, (signal) => child.kill(signal));
    const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    const outputs = parseOutputs(await readFile(files.GITHUB_OUTPUT, 'utf8'));
    const summary = await readFile(files.GITHUB_STEP_SUMMARY, 'utf8');
    return { exitCode, outputs, summary, stderr, lines: stdout.split(/\r?\n/).filter((line) => line !== '') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface CommandStep extends Pick<ActionStep, 'env' | 'cwd' | 'onStart'> {
  readonly args: readonly string[];
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the built command line program as a script does, on the Node in the folder `COMMAND_LINE_NODE` if that is set.
 */
export async function runCommand({ args, env = {}, cwd, onStart }: CommandStep): Promise<CommandResult> {
  const { COMMAND_LINE_NODE: folder, PATH = '' } = process.env;
  const child = spawn(CLI_ENTRY, args, {
    cwd,
    env: { ...machineEnvironment(), ...(folder === undefined ? {} : { PATH: `${folder}:${PATH}` }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done));
  if (child.pid !== undefined) onStart?.(child.pid, (signal) => child.kill(signal));
  const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { exitCode, stdout, stderr };
}

/** The files through which a step communicates with the runner: https://docs.github.com/actions/reference/workflow-commands */
const RUNNER_FILES = ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_STATE', 'GITHUB_ENV', 'GITHUB_PATH'] as const;

type RunnerFiles = Readonly<Record<(typeof RUNNER_FILES)[number], string>>;

/** Creates these files, empty, in a directory. @returns the variables that name them */
export async function runnerFiles(directory: string): Promise<RunnerFiles> {
  const files = RUNNER_FILES.map((name): [string, string] => [name, join(directory, name)]);
  for (const [, file] of files) await writeFile(file, '');
  return Object.fromEntries(files) as RunnerFiles;
}

const MACHINE_VARIABLES = [
  ...['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'NODE_COMPILE_CACHE'],
  ...['SystemRoot', 'USERPROFILE', 'PATHEXT'],
];

/** No AWS or GITHUB variable of this machine may reach the step. */
export function machineEnvironment(): Record<string, string> {
  const entries = MACHINE_VARIABLES.map((name): [string, string | undefined] => [name, process.env[name]]);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The inputs for a bucket on a server that requires keys. */
export function storeInputs(
  bucket: string,
  endpoint: string,
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Record<string, string> {
  return {
    bucket,
    'endpoint-url': endpoint,
    'aws-region': 'us-east-1',
    'aws-access-key-id': accessKeyId,
    'aws-secret-access-key': secretAccessKey,
  };
}

export function inputVariables(inputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
}

/** `name<<delimiter`, the value's lines, `delimiter`: https://docs.github.com/actions/reference/workflow-commands */
export function parseOutputs(file: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = file.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const [name, delimiter] = lines[index]?.split('<<') ?? [];
    if (!name || delimiter === undefined) continue;
    const end = lines.indexOf(delimiter, index + 1);
    outputs[name] = lines.slice(index + 1, end).join('\n');
    index = end;
  }
  return outputs;
}
