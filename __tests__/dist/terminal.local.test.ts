import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CLI_ENTRY, machineEnvironment } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The command line program on a terminal of its own, made by `script` (util-linux).

const hasScript =
  process.platform === 'linux' && (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/script`));
const onTerminal = hasScript ? describe : describe.skip;
const CLEAR_LINE = '\r\u001b[K';
const CTRL_C = '\u0003';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

interface Shown {
  readonly exitCode: number | null;
  /** Everything written to the terminal, in chronological order. */
  readonly screen: string;
}

/** @param onKeys gets a function that types, after the program has started */
async function onScreen(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onKeys: (type: (keys: string) => void) => void = () => {},
): Promise<Shown> {
  const command = ['exec', ...[CLI_ENTRY, ...args].map((word) => `'${word}'`)].join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: scenario.root,
    env: {
      ...machineEnvironment(),
      TERM: 'xterm',
      ...scenario.variables,
      ...env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onKeys((keys) => child.stdin.write(keys));
  const ended = new Promise<number | null>((done) => child.on('close', done));
  const [screen, exitCode] = await Promise.all([text(child.stdout), ended]);
  child.stdin.end();
  return { screen, exitCode };
}

/** The final contents of the screen, on which lines are rewritten in place. */
function linesLeft(screen: string): string[] {
  return screen.split('\r\n').map((line) => line.split(CLEAR_LINE).at(-1) ?? '');
}

onTerminal('on a terminal', () => {
  it('progress is one line, rewritten in place and cleared at the end', async () => {
    await scenario.build({ 'a.zip': 'a', 'b.zip': 'b' });
    scenario.bucket.server.fault = ({ operation, key }) =>
      operation === 'PutObject' && key?.endsWith('/b.zip') ? { kind: 'delay', ms: 1500 } : undefined;
    const { screen, exitCode } = await onScreen(['upload']);
    expect(exitCode).toBe(0);
    expect(screen.split(`${CLEAR_LINE}Uploading: `).length).toBeGreaterThan(3);
    expect(linesLeft(screen)).toEqual([
      'Uploading 2 files, 2 B …',
      expect.stringMatching(/^Stored 2 files, 2 B, at /),
      '📦 Stored 2 files, 2 B.',
      '',
    ]);
  });

  it('Ctrl-C ends the program with a clean line that says what is kept', async () => {
    await scenario.build({ 'a.zip': 'a', 'b.zip': 'b' });
    let type = (_: string): void => {};
    scenario.bucket.server.fault = ({ operation, key }) => {
      if (operation !== 'PutObject' || !key?.endsWith('/b.zip')) return undefined;
      setTimeout(() => type(CTRL_C), 800);
      return { kind: 'delay', ms: 30_000 };
    };
    const { screen, exitCode } = await onScreen(['upload'], {}, (typing) => {
      type = typing;
    });
    expect(exitCode).toBe(1);
    const [start, error = '', ...rest] = linesLeft(screen).map((line) => line.replace('^C', ''));
    expect([start, ...rest]).toEqual(['Uploading 2 files, 2 B …', '']);
    const kept = 'what was stored so far is kept, and the next upload goes on from there';
    expect(error).toBe(`\u001b[31merror: The step was cancelled (SIGINT): ${kept}\u001b[0m`);
  });

  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
  ])('colours are shown with %j: %j', async (env, isColoured) => {
    const { screen } = await onScreen(['upload'], env);
    expect(screen).toContain('error: package-directory');
    expect(screen.includes('\u001b[31m')).toBe(isColoured);
  });
});

it('without a terminal, nothing is coloured or rewritten', async () => {
  const { stderr } = await scenario.cli(['upload'], { env: { TERM: 'xterm', FORCE_COLOR: '1' } });
  expect(stderr).toMatch(/^error: [ -~]*\n$/);
});
